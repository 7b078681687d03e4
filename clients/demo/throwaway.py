# SPDX-License-Identifier: Apache-2.0
"""A profile that exists for one run: its own home, runtime directory, session bus and keyring.

Everything is started by run(), is ours by its process id, and is gone after close(): processes that
turn into daemons come back to us, because this process makes itself their reaper.
"""

import ctypes
import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
START_SECONDS = 15
STOP_SECONDS = 5

# The session bus of the profile starts nothing by itself: what runs is what the demo started.
BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

# The only variables of the caller that the programs see.
KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "NO_COLOR", "TZ", "DISPLAY", "XAUTHORITY",
        "LD_LIBRARY_PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "G_DEBUG",
        "GDK_BACKEND", "GDK_SCALE", "GDK_DPI_SCALE", "GSK_RENDERER", "GTK_A11Y", "GTK_THEME", "XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "XDG_DATA_DIRS",
        "AT_SPI_BUS_ADDRESS")


class Failure(Exception):
    """Something the demo needs did not work; the text says what."""


def answers(path):
    """Somebody takes connections at this Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


class Process:
    """One program of ours. Its lines go to 'on_line', from a thread of their own."""

    def __init__(self, popen, on_line):
        self.popen = popen
        self._on_line = on_line
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for raw in self.popen.stdout:
            self._on_line(raw.decode("utf-8", "replace").rstrip("\n"))

    def running(self):
        return self.popen.poll() is None

    def wait(self, seconds):
        code = self.popen.wait(seconds)
        self._reader.join(seconds)
        return code

    def stop(self):
        if self.running():
            self.popen.terminate()
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def join(self):
        self._reader.join(STOP_SECONDS)


class Profile:
    def __init__(self):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        # Short on purpose: a Unix socket's path has to fit into 107 bytes.
        self.root = tempfile.mkdtemp(prefix="postern-demo-")
        self.processes = []
        folders = {name: os.path.join(self.root, name) for name in ("home", "run", "data", "config", "cache", "tmp")}
        for folder in folders.values():
            os.mkdir(folder, 0o700)
        self.runtime = folders["run"]
        self.socket = os.path.join(self.runtime, "postern", "postern.sock")
        self.env = {name: os.environ[name] for name in KEPT if os.environ.get(name)}
        wayland = os.environ.get("WAYLAND_DISPLAY", "")
        if wayland:
            # A relative name is looked up in the runtime directory, and ours is another.
            self.env["WAYLAND_DISPLAY"] = os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), wayland)
        self.env.update(
            HOME=folders["home"],
            XDG_RUNTIME_DIR=folders["run"],
            XDG_DATA_HOME=folders["data"],
            XDG_CONFIG_HOME=folders["config"],
            XDG_CACHE_HOME=folders["cache"],
            TMPDIR=folders["tmp"],
        )

    def has_display(self):
        """A display answers here. The variables of one that does not are dropped: nobody would see a window."""
        if not answers(self.env.get("WAYLAND_DISPLAY", "")):
            self.env.pop("WAYLAND_DISPLAY", None)
        x_server = re.fullmatch(r":(\d+)(\.\d+)?", self.env.get("DISPLAY", ""))
        # "host:0" is somewhere else, and taken at its word.
        if x_server and not answers(f"/tmp/.X11-unix/X{x_server[1]}"):
            self.env.pop("DISPLAY")
        return bool(self.env.get("DISPLAY") or self.env.get("WAYLAND_DISPLAY"))

    def forget_display(self):
        """Nothing that runs here sees a display."""
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"):
            self.env.pop(name, None)

    def keep_accessibility(self):
        """Screen readers are on the caller's own accessibility bus: the consent window goes there."""
        if "AT_SPI_BUS_ADDRESS" in self.env or not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
            return
        done = subprocess.run(
            ["dbus-send", "--session", "--print-reply=literal", "--dest=org.a11y.Bus", "/org/a11y/bus",
             "org.a11y.Bus.GetAddress"], capture_output=True, text=True, timeout=START_SECONDS)
        if done.returncode == 0 and done.stdout.strip():
            self.env["AT_SPI_BUS_ADDRESS"] = done.stdout.strip()

    def start(self, argv, on_line=lambda line: None, stdin=subprocess.DEVNULL, terminal=None):
        """Starts a program. 'terminal' is a slave pty that becomes its controlling terminal."""

        def own_terminal():
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        popen = subprocess.Popen(
            argv, env=self.env, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=own_terminal if terminal is not None else None, cwd=self.root)
        process = Process(popen, on_line)
        self.processes.append(process)
        return process

    def run(self, argv, seconds=START_SECONDS):
        """Runs a program to its end. Returns its exit code and its lines."""
        done = subprocess.run(argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds, cwd=self.root)
        return done.returncode, done.stdout.decode("utf-8", "replace").splitlines()

    def wait_for(self, condition, what, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(f"{what} did not happen within {seconds} s")
            time.sleep(0.05)

    def end(self, process, what, seconds=2 * STOP_SECONDS):
        """Asks a program to end and waits until it has: what it holds is put away before another starts."""
        process.popen.terminate()
        self.wait_for(lambda: not process.running(), what, seconds)
        process.join()

    def start_bus_and_keyring(self):
        bus = os.path.join(self.runtime, "bus")
        config = os.path.join(self.root, "bus.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(BUS_CONFIG.format(socket=bus))
        self.start(["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={config}"])
        self.wait_for(lambda: os.path.exists(bus), "the start of the session bus")
        self.env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"
        keyring = self.start(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
            stdin=subprocess.PIPE)
        # A password of its own, for a keyring that is thrown away.
        keyring.popen.stdin.write(secrets.token_hex(16).encode())
        keyring.popen.stdin.close()
        self.wait_for(self._keyring_is_open, "the start of gnome-keyring-daemon")

    def _keyring_is_open(self):
        """The Secret Service answers, and has the collection where secrets go by default."""
        code, lines = self.run([
            "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service.ReadAlias", "string:default"])
        return code == 0 and "/collection/" in lines[-1]

    def close(self):
        """Stops everything, in the reverse order of starting, and removes the profile."""
        for process in reversed(self.processes):
            process.stop()
        self._stop_adopted()
        for process in self.processes:
            process.join()
        shutil.rmtree(self.root, ignore_errors=True)

    def _adopted(self):
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def _stop_adopted(self):
        """Ends what was left to us by programs that ended: nothing outlives the profile."""
        deadline = time.monotonic() + STOP_SECONDS
        sent = {}
        while time.monotonic() < deadline:
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            for pid in self._adopted():
                number = signal.SIGTERM if pid not in sent else signal.SIGKILL
                if pid in sent and time.monotonic() - sent[pid] < 1:
                    continue
                sent.setdefault(pid, time.monotonic())
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)
