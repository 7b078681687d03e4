# SPDX-License-Identifier: Apache-2.0
"""What the translator's real tests share: a broker, AliceChat moved by hand, and the translator itself.

Apertium and CLD2 are the real ones; what AliceChat's people write comes from the test, one request a line.
"""

import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/real"))
from plain_python import WAIT_SECONDS, World, program  # noqa: E402, F401
from alice_chat import AliceChat, Lines  # noqa: E402

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


class TranslatorWorld(World):
    def __init__(self):
        super().__init__()
        self.said = Lines()
        self.alice_chat = None
        self._written = 0

    def begin(self, *answers):
        self.profile.start_bus_and_keyring()
        self.start_broker(*answers)
        self.alice_chat = AliceChat(self, SCRIPT)

    @property
    def alice(self):
        """What AliceChat shows."""
        return self.alice_chat.said

    def write(self, chat, sender, text):
        """Somebody writes in AliceChat. Returns the message's id there."""
        self._written += 1
        message_id = f"w{self._written}"
        self.alice_chat.says(chat, sender, message_id, text, sender_display_name=PEOPLE[sender],
                             end_to_end_encrypted=True, from_owner=sender == "you")
        return message_id

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
