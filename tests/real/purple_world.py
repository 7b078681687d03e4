# SPDX-License-Identifier: Apache-2.0
"""postern-purple-host without a broker: what its adapter hands over is read from a file, commands go in by a FIFO."""

import base64
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POSTERN_BIN", ROOT / "build" / "bin")).parent
sys.path.insert(0, str(ROOT / "clients/demo"))
from raw_xmpp import RawClient  # noqa: E402
from xmpp_rig import rig as rig_module  # noqa: E402

# A machine that builds on all its cores meanwhile.
WAIT_SECONDS = 60
CHUNK_BYTES = 65536


def state_of(event):
    return event.get("account_state_changed", {}).get("state")


class Host:
    """One account's client with the file outlet."""

    def __init__(self, rig, folder, name=rig_module.OWNER, resource="postern"):
        self.rig = rig
        self.name = name
        self.resource = resource
        self.folder = pathlib.Path(folder)
        self.events_path = self.folder / "events"
        self.commands_path = self.folder / "commands"
        self.process = None
        self.folder.mkdir(mode=0o700)
        self.events_path.touch()
        os.mkfifo(self.commands_path, 0o600)

    def launch(self, password_file=None):
        """Starts the client and waits for nothing. 'password_file': instead of the one that holds the right password."""
        environment = dict(os.environ, POSTERN_TEST_EVENTS=str(self.events_path),
                           POSTERN_TEST_COMMANDS=str(self.commands_path))
        flags = self.rig.host_flags(str(self.folder / "data"), self.name, self.resource)
        if password_file is not None:
            flags[flags.index("--password-file") + 1] = str(password_file)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [str(BUILD / "bin/postern-purple-host"), *flags,
                 "--plugin", str(BUILD / "tests/file_outlet_plugin.so")],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start(self):
        online = self.count(lambda e: state_of(e) == "ACCOUNT_STATE_ONLINE")
        self.launch()
        self.wait("signing on", lambda: self.count(lambda e: state_of(e) == "ACCOUNT_STATE_ONLINE") > online)

    def end(self, number=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(number)
        code = self.process.wait(WAIT_SECONDS)
        self.process = None
        return code

    def lines(self):
        # The last line may still be being written.
        whole = self.events_path.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def events(self, kind=None):
        """The events of one kind, oldest first: the whole event, with its kind's part under `it`."""
        found = []
        for line in self.lines():
            event = line.get("event")
            if event is not None and (kind is None or kind in event):
                found.append(dict(event, it=event.get(kind)))
        return found

    def count(self, check):
        return sum(bool(check(event)) for event in self.events())

    def messages(self, text):
        return [event["it"]["message"] for event in self.events("message_created")
                if event["it"]["message"]["text"] == text]

    def wait(self, what, check):
        deadline = time.monotonic() + WAIT_SECONDS
        while not (answer := check()):
            if self.process.poll() is not None:
                raise AssertionError(f"the host ended: {(self.folder / 'log').read_text()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: no {what} in {WAIT_SECONDS} s:\n{self.events_path.read_text()}"
                                     f"{(self.folder / 'log').read_text()}")
            time.sleep(0.05)
        return answer

    def message(self, text):
        return self.wait(f"message {text!r}", lambda: self.messages(text))[0]

    def event(self, kind, check=lambda event: True):
        """The first event of a kind that passes."""
        return self.wait(kind, lambda: [event for event in self.events(kind) if check(event)])[0]

    def _write(self, line):
        # An error where the client has ended, and not a wait for one that reads.
        descriptor = os.open(self.commands_path, os.O_WRONLY | os.O_NONBLOCK)
        os.set_blocking(descriptor, True)
        with open(descriptor, "w", encoding="utf-8") as fifo:
            fifo.write(line + "\n")

    def ask(self, command_id, **kind):
        """Gives a command and waits for nothing."""
        self._write(json.dumps({"command_id": command_id, **kind}))

    def command(self, command_id, **kind):
        self.ask(command_id, **kind)
        return self.result(command_id)

    def result(self, command_id, after=0):
        return self.wait(f"result of {command_id}", lambda: [
            line["result"] for line in self.lines()
            if line.get("result", {}).get("command_id") == command_id][after:])[0]

    def done(self, command_id, **kind):
        """A command that must succeed. What the client cannot do yet is tried again, as an app does."""
        deadline = time.monotonic() + WAIT_SECONDS
        tries = 0
        while True:
            result = self.command(f"{command_id}-{tries}", **kind)
            if result["state"] != "STATE_FAILED_RETRIABLE" or time.monotonic() > deadline:
                break
            tries += 1
            time.sleep(0.5)
        assert result["state"] == "STATE_SENT", result
        return result

    def send(self, command_id, text, chat="carol@chat.test", **more):
        return self.command(command_id, send_message={"chat_id": chat, "text": text, **more})

    def upload(self, command_id, chat, name, data, announced=None):
        """An UploadCommand and its bytes, 'announced' of them. Returns the result."""
        self._write(json.dumps({"command_id": command_id, "upload": {
            "chat_id": chat, "attachment": {"file_name": name, "size_bytes": str(announced or len(data))}}}))
        for offset in range(0, len(data), CHUNK_BYTES):
            part = data[offset:offset + CHUNK_BYTES]
            self._write("+" + json.dumps({
                "command_id": command_id, "offset": str(offset), "data": base64.b64encode(part).decode(),
                "last": offset + len(part) == len(data)}))
        return self.result(command_id)

    def downloaded(self, command_id):
        """The bytes that a DownloadCommand brought, put together by their offsets."""
        data = b""
        for line in self.lines():
            chunk = line.get("chunk")
            if chunk is None or chunk["command_id"] != command_id:
                continue
            assert int(chunk["offset"]) == len(data), chunk["offset"]
            data += base64.b64decode(chunk["data"])
        return data


class World:
    """A server, Bob and Alice with the adapter and Dave with a client that knows nothing: it takes ten seconds to make."""

    def __init__(self, server_module=""):
        """`server_module`: Lua that the server runs besides, as a module of its host. Then profanity is gone."""
        self.server_module = server_module
        self.temporary = tempfile.TemporaryDirectory(prefix="postern-real-", dir="/tmp")
        self.rig = rig_module.Rig(os.path.join(self.temporary.name, "rig"), ("alice", "dave", rig_module.STRANGER))
        self.bob = self.alice = self.dave = None

    def open(self):
        self.rig.start(os.getpid())
        if self.server_module:
            self.add_server_module()
        self.bob = Host(self.rig, os.path.join(self.temporary.name, "bob"))
        self.alice = Host(self.rig, os.path.join(self.temporary.name, "alice"), "alice")
        self.bob.start()
        self.alice.start()
        self.dave = RawClient(self.rig, "dave").online()

    def add_server_module(self):
        home = pathlib.Path(self.rig.state["server_home"])
        self.rig.take_server_down()
        plugin = home / "plugins/mod_for_test.lua"
        plugin.write_text(self.server_module)
        plugin.chmod(0o644)
        config = home / "prosody.cfg.lua"
        config.write_text(config.read_text().replace('"pep_server_identity"', '"pep_server_identity", "for_test"'))
        self.rig.bring_server_back()

    def close(self):
        for host in (self.bob, self.alice):
            if host is not None:
                host.end(signal.SIGKILL)
        if self.dave is not None:
            self.dave.close()
        self.rig.stop()
        self.temporary.cleanup()
