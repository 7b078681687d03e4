# SPDX-License-Identifier: Apache-2.0
"""What happens while `./dev demo --real` runs: two people, two OMEMO implementations, one XMPP server."""

import os
import threading

from .rig import Rig, RigError

# Enough for the app to have heard it, had it still been allowed.
AFTER_REVOCATION_SECONDS = 3


class RealStory:
    """Carol writes with profanity. Bob's client is libpurple with lurch, and feeds Postern."""

    name = "Bob's XMPP client"
    opener = "Hi Bob, it's me."
    question = "Are you coming on Friday?"
    answer_chat = "Carol"
    answer = "Yes, and I'll bring the wine."
    while_away = "Your client was away when I wrote this."
    in_clear = "And this one I sent without encryption."
    last_seen = "See you on Friday!"

    def __init__(self):
        self.attached = threading.Event()
        self.answer_shown = threading.Event()
        self.process = None
        self.rig = None
        self._signed_on = threading.Event()
        self._broker_attached = threading.Event()
        self._stopping = False

    def on_line(self, demo, line):
        line = line.rstrip().removeprefix("postern-purple-host: ")
        if line == "signed on":
            self._signed_on.set()
        if line == "broker: attached":
            self._broker_attached.set()
        if "assertion" not in line:  # libpurple's own, harmless: lurch took a stanza away to send it later
            demo.tell.say("Bob's client", line)

    def _start_host(self, demo):
        self._signed_on.clear()
        data = os.path.join(demo.profile.root, "purple")
        self.process = demo.profile.start(
            [demo.program("postern-purple-host"), *self.rig.host_flags(data)],
            lambda line: self.on_line(demo, line))
        return self.process

    def _in_background(self, demo, work):
        def run():
            try:
                work()
            except (RigError, OSError) as error:
                if not self._stopping:
                    demo.tell.say("Carol", f"this failed: {error}")

        threading.Thread(target=run, daemon=True).start()

    def start_waiting(self, demo):
        demo.tell.text("A Prosody server and profanity, Carol's client, start on this machine.")
        self.rig = Rig(os.path.join(demo.profile.root, "xmpp"))
        self.rig.start(os.getpid())
        process = self._start_host(demo)

        def open_chat():
            self._signed_on.wait()
            self._say(demo, self.opener)
            self._broker_attached.wait()
            self.attached.set()

        self._in_background(demo, open_chat)
        return process

    def _say(self, demo, text, encrypted=True):
        self.rig.peer_say(text, encrypted)
        demo.tell.say("Carol", text if encrypted else f"{text}  (sent in clear)")

    def play(self, demo):
        def talk():
            self._say(demo, self.question)
            self.rig.peer_wait_for(self.answer)
            demo.tell.say("Carol", f"sees: {self.answer}")
            self.answer_shown.set()
            self.process.stop()
            self._say(demo, self.while_away)
            self._start_host(demo)
            self._say(demo, self.in_clear, encrypted=False)
            self._say(demo, self.last_seen)

        self._in_background(demo, talk)

    def after_revocation(self, demo):
        """The chat goes on; the app no longer hears it. What the server saw is counted."""
        try:
            self._say(demo, "The app no longer hears this.")
            threading.Event().wait(AFTER_REVOCATION_SECONDS)
            demo.tell.text("What the XMPP server read and wrote, searched for each text:")
            for text in (self.question, self.answer, self.last_seen, self.in_clear):
                count = self.rig.count_in_server_log(text)
                demo.tell.text(f"  {count:>2} lines hold {text!r}")
        except RigError as error:
            demo.tell.text(str(error))
        self._stopping = True
        self.process.stop()

    def close(self, demo):
        self._stopping = True
        if self.process is not None:
            self.process.stop()
        if self.rig is not None:
            self.rig.stop()
