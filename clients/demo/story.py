# SPDX-License-Identifier: Apache-2.0
"""What happens in the chats while the demo runs, and what the demo waits for in it."""

import threading

# Enough for a person to see that the chat goes on without the app.
LINES_AFTER_REVOCATION = 3
AFTER_REVOCATION_SECONDS = 6
# How often the script is played: enough for the demo, and for a day with --keep.
PLAYS = "2"
PLAYS_KEPT = "2000"


class AliceChatStory:
    """The scripted client. It plays its script once, over as many runs as it takes: so it waits, played
    at a crawl, until the app is allowed, and then goes on at its own pace."""

    name = "AliceChat"
    question = "I'll bring des"
    answer_chat = "Friday dinner"
    answered = "one message"
    answer = "Great, I'll bring the wine."
    last_seen = "See you all on Friday!"
    notes = (
        "The message about the gate code was a disappearing one: apps get those only with a permission",
        "of its own, which this app did not ask for.",
    )
    advice = ""
    other_demo = ("./dev demo --real", "a real end-to-end encrypted chat (Prosody, OMEMO) instead of the script")
    crawl = "0.01"
    pace = "0.9"

    def __init__(self):
        self.attached = threading.Event()
        self.answer_shown = threading.Event()
        self.process = None
        self._lines = 0
        self._said = threading.Condition()

    def on_line(self, demo, line):
        if line.startswith("AliceChat: "):
            line = line.removeprefix("AliceChat: ")
            if line == "attached":
                self.attached.set()
        if self.answer in line:
            self.answer_shown.set()
        demo.tell.say("AliceChat", line)
        with self._said:
            self._lines += 1
            self._said.notify_all()

    def _start(self, demo, speed):
        self.process = demo.profile.start(
            [demo.program("postern-demo-gatekeeper"), "--speed", speed, "--repeat",
             PLAYS_KEPT if demo.options.keep else PLAYS],
            lambda line: self.on_line(demo, line))
        return self.process

    def prepare(self, demo):
        """What has to be there before the client starts: nothing."""

    def start_waiting(self, demo):
        return self._start(demo, self.crawl)

    def play(self, demo):
        self.process.stop()
        self._start(demo, self.pace)

    def carry_on(self, demo):
        """What comes after the answer: the script goes on by itself."""

    def after_revocation(self, demo):
        """AliceChat goes on; the app no longer hears it."""
        demo.tell.text("AliceChat goes on, and the app no longer hears it:")
        with self._said:
            enough = self._lines + LINES_AFTER_REVOCATION
            self._said.wait_for(lambda: self._lines >= enough, timeout=AFTER_REVOCATION_SECONDS)
        if not demo.options.keep:
            self.process.stop()

    def close(self, demo):
        if self.process is not None:
            self.process.stop()


def real_story():
    try:
        from xmpp_rig.story import RealStory
    except ImportError:
        from throwaway import Failure

        raise Failure("--real needs clients/demo/xmpp_rig, which is not in this checkout") from None
    return RealStory()
