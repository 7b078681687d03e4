#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""postern-consent --notify against a small notification service on this session bus."""
import json
import os
import socket
import subprocess
import sys
import threading

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME = "org.freedesktop.Notifications"
INTERFACE = """<node><interface name="%s">
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
</interface></node>""" % NAME
SHOWN, ENDED, UNAVAILABLE = 0, 1, 3


def notify(message):
    """Runs the agent with one message on descriptor 3; returns its exit code."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = os.path.join(os.environ.get("POSTERN_BIN", "build/bin"), "postern-consent")
    agent = subprocess.Popen([program, "--notify"], close_fds=False, stdin=subprocess.DEVNULL,
                             preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
    theirs.close()
    ours.send(b"postern 1 %d" % len(message))
    ours.send(message)
    return agent.wait(30)


class Service:
    def __init__(self, capabilities):
        self.capabilities, self.shown = capabilities, []
        self.loop = GLib.MainLoop()
        ready = threading.Event()
        threading.Thread(target=self._serve, args=(ready,), daemon=True).start()
        ready.wait(20)

    def _serve(self, ready):
        bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        node = Gio.DBusNodeInfo.new_for_xml(INTERFACE)
        self.object = bus.register_object("/org/freedesktop/Notifications", node.interfaces[0],
                                          self._call, None, None)
        self.bus = bus
        self.owner = Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE,
                                                    lambda *_: ready.set(), None)
        self.loop.run()

    def _call(self, _bus, _sender, _path, _interface, method, arguments, invocation):
        if method == "GetCapabilities":
            invocation.return_value(GLib.Variant("(as)", (self.capabilities,)))
            return
        self.shown.append(arguments.unpack())
        invocation.return_value(GLib.Variant("(u)", (7,)))

    def end(self):
        self.bus.unregister_object(self.object)
        Gio.bus_unown_name(self.owner)
        self.bus.flush_sync(None)
        self.loop.quit()


def main():
    text = "Two apps repeated \u201cBob\u201d & <b>one</b> was stopped."
    message = json.dumps({"text": text}, separators=(",", ":"), ensure_ascii=False).encode()
    wrong = []

    def expect(what, got, wanted):
        if got != wanted:
            wrong.append("%s: %r and not %r" % (what, got, wanted))

    expect("without a service", notify(message), UNAVAILABLE)
    for capabilities, body in ((["body"], text),
                               (["body", "body-markup"],
                                text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))):
        service = Service(capabilities)
        expect("shown", notify(message), SHOWN)
        expect("once", len(service.shown), 1)
        expect("as plain text", [service.shown[0][n] for n in (0, 3, 4)], ["Postern", "Postern", body])
        expect("what is no notice", notify(b'{"text":""}'), ENDED)
        expect("what has more fields", notify(b'{"text":"x","urgent":true}'), ENDED)
        expect("still once", len(service.shown), 1)
        service.end()
    del os.environ["DBUS_SESSION_BUS_ADDRESS"]
    os.environ["XDG_RUNTIME_DIR"] = "/nonexistent"
    os.environ.pop("DISPLAY", None)
    expect("without a bus", notify(message), UNAVAILABLE)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


sys.exit(main())
