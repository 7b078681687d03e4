# SPDX-License-Identifier: Apache-2.0
"""What the bridge's tests share: AliceChat moved by hand, posternd, the bridge, a Prosody and its user's client."""

import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/real"))
import plain_python  # noqa: E402
import raw_xmpp  # noqa: E402
from plain_python import WAIT_SECONDS, program  # noqa: E402
from xmpp_rig import rig as rig_module  # noqa: E402

OWNER = f"{rig_module.PEER}@{rig_module.DOMAIN}"  # the bridge's user on the XMPP side
COMPONENT = f"bridge.{rig_module.DOMAIN}"
SECOND = f"bridge2.{rig_module.DOMAIN}"  # of another bridge
SECRET = "a secret of the tests"
COMPONENT_CONFIG = """
Component "{component}"
  component_secret = "{secret}"
"""
CONFIG = """\
owner = "{owner}"
component = "{component}"
port = {port}
secret_file = "{secret}"
rooms = "{rooms}"
upload = "upload.{domain}"
ca_file = "{ca}"
"""
ROUTES = ("messages", "server", "alice", "broker")


class Server:
    """A Prosody that takes the bridge as a component."""

    def __init__(self):
        self.component_port = rig_module.free_port()
        self.folder = tempfile.mkdtemp(prefix="postern-bridge-")
        self.rig = rig_module.Rig(self.folder)
        plain = rig_module.PROSODY_CONFIG
        try:
            # The archive is what a client that was offline reads up.
            rig_module.PROSODY_CONFIG = plain.replace('"private", ', '"private", "mam", ').replace(
                "component_ports = {{ }}",
                f'component_ports = {{{{ {self.component_port} }}}}\ncomponent_interfaces = {{{{ "127.0.0.1" }}}}') + \
                "".join(COMPONENT_CONFIG.format(component=name, secret=SECRET) for name in (COMPONENT, SECOND))
            self.rig.prepare()
        finally:
            rig_module.PROSODY_CONFIG = plain
        self.process = self.rig.start_server()

    def kill(self):
        """Ends it as a power cut would, and waits until it is gone."""
        self.process.kill()
        self.process.wait()

    def start(self):
        self.process = self.rig.start_server()

    def close(self):
        self.process.terminate()
        self.process.wait()
        import shutil
        shutil.rmtree(self.rig.state["server_home"], ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class AliceChat:
    """postern-demo-gatekeeper --control: its people do what they are told, and say what they see."""

    def __init__(self, world, script, *flags):
        self.world = world
        self.flags = flags
        self.path = world.path("script.txt")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(script)
        self.answers = queue.Queue()
        self.said = []
        self.start()

    def start(self):
        before = len(self.said)
        self.process = self.world.profile.start(
            [program("postern-demo-gatekeeper"), "--script", self.path, "--control", *self.flags], self.hear,
            stdin=subprocess.PIPE)
        self.world.profile.wait_for(
            lambda: any("attached" in line for line in self.said[before:]), "AliceChat attached", WAIT_SECONDS)

    def hear(self, line):
        if line.startswith("{"):
            self.answers.put(json.loads(line))
        else:
            self.said.append(line)

    def ask(self, **request):
        self.process.popen.stdin.write((json.dumps(request) + "\n").encode())
        self.process.popen.stdin.flush()
        return self.answers.get(timeout=WAIT_SECONDS)

    def do(self, chat, files=None, **kind):
        answer = self.ask(do={"chat_id": chat, **kind}, **({"files": files} if files else {}))
        if "done" not in answer:
            raise AssertionError(f"{kind}: {answer}")

    def says(self, chat, who, ident, text, **more):
        self.do(chat, message_created={"message": {
            "id": ident, "sender_contact_id": who, "kind": "MESSAGE_KIND_TEXT", "text": text, **more}})

    def look(self, chat, message=""):
        return self.ask(look={"chat_id": chat, "message_id": message})["seen"]


class BridgeWorld(plain_python.World):
    def __init__(self, script=None, *flags):
        """'script': AliceChat's people; without it there is no AliceChat, and the test brings another gatekeeper.

        'flags' are AliceChat's."""
        super().__init__()
        self.server = Server()
        self.profile.start_bus_and_keyring()
        self.start_broker("How many (=5", "How far back=4")
        self.alice = AliceChat(self, script, *flags) if script else None
        self.bridge_lines = []
        self.bridge = None
        secret = self.path("secret")
        rig_module.write_private(secret, SECRET)
        self.config = self.write_config()

    def write_config(self, name="bridge.toml", more="", **changed):
        values = {"owner": OWNER, "component": COMPONENT, "port": self.server.component_port, "secret": self.path("secret"),
                  "rooms": rig_module.ROOMS, "domain": rig_module.DOMAIN, "ca": self.server.rig.state["certificate"]}
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(**{**values, **changed}) + more)
        return path

    def start_bridge(self, config=None, lines=None):
        lines = self.bridge_lines if lines is None else lines
        return self.start([program("postern-xmpp-bridge"), "--config", config or self.config], lines, "bridging")

    def kill_broker(self):
        """posternd runs under the scripted person, who ends with it."""
        with open(f"/proc/{self.broker.popen.pid}/task/{self.broker.popen.pid}/children", encoding="ascii") as file:
            for pid in file.read().split():
                os.kill(int(pid), signal.SIGKILL)
        self.broker.popen.wait(WAIT_SECONDS)

    def kill(self, process):
        process.popen.send_signal(signal.SIGKILL)
        process.popen.wait(WAIT_SECONDS)

    def client(self, resource="raw"):
        return raw_xmpp.RawClient(self.server.rig, rig_module.PEER, resource)

    def close(self):
        self.profile.close()
        self.server.close()
