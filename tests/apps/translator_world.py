# SPDX-License-Identifier: Apache-2.0
"""What the translator's real tests share: a broker, AliceChat moved by hand, and the translator itself.

Apertium and CLD2 are the real ones; what AliceChat's people write comes from the test, one request a line.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/real"))
from plain_python import WAIT_SECONDS, World, program  # noqa: E402

MANIFEST = ROOT / "clients/translator/manifest.toml"
PEOPLE = {"maria": "María García", "bob": "Bob Okafor", "pere": "Pere Puig", "you": "You"}
# What AliceChat's network calls its chats.
DINNER, MARIA, PERE = "group:dinner", "direct:maria", "direct:pere"
APERTIUM_MODES = pathlib.Path("/usr/share/apertium/modes")
SCRIPT = """\
account you@alicechat.example "Your AliceChat"
person maria "María García" es
person bob "Bob Okafor" en
person pere "Pere Puig"
direct maria
direct pere
group dinner "Friday dinner" maria bob
"""


class Lines:
    """What a program says, to wait for."""

    def __init__(self):
        self.said = []
        self._more = threading.Condition()

    def append(self, line):
        with self._more:
            self.said.append(line)
            self._more.notify_all()

    def __iter__(self):
        return iter(list(self.said))

    def __len__(self):
        return len(self.said)

    def __getitem__(self, place):
        return self.said[place]

    def wait(self, pattern, after=0, seconds=WAIT_SECONDS):
        """The first line past 'after' that fits. Fails with all that was said."""
        found = []

        def fits():
            found.extend(line for line in self.said[after:] if re.search(pattern, line))
            return found

        with self._more:
            if not self._more.wait_for(fits, seconds):
                raise AssertionError(f"nothing fits {pattern!r} in:\n" + "\n".join(self.said[after:]))
        return found[0]

    def all(self, pattern):
        return [line for line in self if re.search(pattern, line)]


class TranslatorWorld(World):
    def __init__(self):
        super().__init__()
        self.said = Lines()
        self.alice = Lines()
        self.alice_process = None
        self._written = 0

    def begin(self, *answers):
        self.profile.start_bus_and_keyring()
        self.start_broker(*answers)
        self.start_alice()

    def start_alice(self):
        script = self.path("script.txt")
        pathlib.Path(script).write_text(SCRIPT, encoding="utf-8")
        before = len(self.alice)
        self.alice_process = self.profile.start(
            [program("postern-demo-gatekeeper"), "--control", "--script", script], self.alice.append,
            stdin=subprocess.PIPE)
        self.alice.wait("attached", before)

    def write(self, chat, sender, text, **more):
        """Somebody writes in AliceChat. Returns the message's id there."""
        self._written += 1
        message_id = f"w{self._written}"
        message = {"id": message_id, "chat_id": chat, "sender_contact_id": sender, "kind": "MESSAGE_KIND_TEXT",
                   "sender_display_name": PEOPLE[sender], "text": text, "end_to_end_encrypted": True,
                   "from_owner": sender == "you", **more}
        self.make({"chat_id": chat, "message_created": {"message": message}})
        return message_id

    def make(self, event):
        line = json.dumps({"do": event}, ensure_ascii=False) + "\n"
        self.alice_process.popen.stdin.write(line.encode())
        self.alice_process.popen.stdin.flush()

    def manifest_without(self, scope):
        """The program's own manifest but for one scope, of an app of its own. Returns its path."""
        text = MANIFEST.read_text(encoding="utf-8")
        name = re.sub("[^a-z]", "", scope)
        # Two programs of one name would have to be named by the user.
        changed = text.replace("org.postern.translator", "org.postern.translator." + name)
        changed = changed.replace('display_name = "Translator"', f'display_name = "{name}"')
        changed = re.sub(r',? ?"%s"(, )?' % re.escape(scope),
                         lambda found: ", " if found[0].startswith(",") and found[1] else "", changed)
        if changed.count('"%s"' % scope):
            raise AssertionError(changed)
        path = self.path(f"{name}.toml")
        pathlib.Path(path).write_text(changed, encoding="utf-8")
        return path

    def configure(self, name="translator", text="", apertium=""):
        """Writes a file of settings. Only English and Spanish are installed for it, whatever else this machine has."""
        modes = pathlib.Path(self.path("modes"))
        modes.mkdir(exist_ok=True)
        for pair in ("eng-spa.mode", "spa-eng.mode"):
            if not (APERTIUM_MODES / pair).exists():
                raise AssertionError("missing: apt-get install apertium-eng-spa")
            if not (modes / pair).exists():
                (modes / pair).symlink_to(APERTIUM_MODES / pair)
        path = self.path(name + ".toml")
        pathlib.Path(path).write_text(f'{text}\n[apertium]\nmodes = "{modes}"\n{apertium}\n', encoding="utf-8")
        return path

    def translator(self, *arguments, config=None):
        """Starts it. Returns the process and what it says."""
        lines = Lines()
        process = self.profile.start(
            [program("postern-translator"), *arguments, "--config", config or self.configure()], lines.append,
            stdin=subprocess.PIPE)
        return process, lines

    def watch(self, *arguments, command="watch", config=None):
        """Starts `watch`, and waits until it follows the chats."""
        process, lines = self.translator(command, "--to", "en", *arguments, config=config)
        try:
            lines.wait("Following your chats")
        except AssertionError as error:
            raise AssertionError(f"{error}\nposternd and the person:\n" + "\n".join(self.said)) from None
        return process, lines

    def type(self, process, line):
        process.popen.stdin.write((line + "\n").encode())
        process.popen.stdin.flush()

    def kill(self, process):
        process.popen.kill()
        process.popen.wait()

    def pipelines(self, process):
        """The programs that a translator runs, as (pid, name)."""
        pid = process.popen.pid
        children = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
        found = []
        for path in children:
            try:
                found += [int(word) for word in path.read_text().split()]
            except OSError:
                pass
        return [(child, pathlib.Path(f"/proc/{child}/comm").read_text().strip()) for child in found
                if os.path.exists(f"/proc/{child}/comm")]

    def until(self, condition, what, seconds=WAIT_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not happen within {seconds} s")
            time.sleep(0.05)
