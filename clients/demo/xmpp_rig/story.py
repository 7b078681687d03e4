# SPDX-License-Identifier: Apache-2.0
"""What happens while `./dev demo --real` runs: two people, two OMEMO implementations, one XMPP server."""

import contextlib
import os
import threading

from throwaway import Failure

from .rig import Rig, RigError

LOCK = "🔒"
# How an OMEMO payload begins in a stanza; it is what the server may see of an encrypted message.
CIPHERTEXT = "<payload>"
IN_CLEAR_MARK = "(not end-to-end encrypted)"


@contextlib.contextmanager
def rig_failures():
    try:
        yield
    except (RigError, OSError) as error:
        raise Failure(f"the XMPP side failed: {error}") from None


class Promise:
    """Something that another thread brings about. is_set() raises when that thread failed."""

    def __init__(self):
        self._kept = threading.Event()
        self._failure = None

    def run(self, work):
        def body():
            try:
                with rig_failures():
                    work()
            except Failure as failure:
                self._failure = failure
            self._kept.set()

        threading.Thread(target=body, daemon=True).start()

    def is_set(self):
        if self._failure is not None:
            raise self._failure
        return self._kept.is_set()


class RealStory:
    """Carol writes with profanity. Bob's client is libpurple with lurch, and feeds Postern."""

    name = "Bob's XMPP client"
    opener = "Hi Bob, this is Carol."
    question = "Are you coming on Friday?"
    answer_chat = "Carol"
    answered = "two messages"
    answer = "Yes, and I'll bring the wine."
    client_away = "Your client was away when I wrote this."
    broker_away = "Your broker was away when I wrote this."
    app_away = "Your app was away when I wrote this."
    second_answer = "All three are back, and nothing is missing."
    in_clear = "And this one I sent without encryption."
    last_seen = "See you on Friday!"
    after = "The app no longer hears this."
    advice = " It will be restarted: allow it for a day or more."
    other_demo = ("./dev demo", "the same with AliceChat, a script with more people, languages and kinds of events")
    notes = (
        "The chat was a real one: two clients with two OMEMO implementations, and a server between them that",
        "saw ciphertext only, but for the one message that Carol sent in clear. Client, broker and app were",
        "restarted while she wrote: nothing was lost, nothing came twice.",
    )

    def __init__(self):
        self.attached = Promise()
        self.answer_shown = Promise()
        self.process = None
        self.rig = None
        self._signed_on = threading.Event()
        self._broker_attached = threading.Event()
        self._closing = threading.Event()
        self._last_line = ""

    def on_line(self, demo, line):
        line = line.rstrip().removeprefix("postern-purple-host: ")
        if line == "signed on":
            self._signed_on.set()
        if line == "broker: attached":
            self._broker_attached.set()
        # While posternd is away it tries again and again: said once.
        repeated = line == self._last_line
        self._last_line = line
        # "assertion" is libpurple's own and harmless: lurch took a stanza away to send it later.
        if line and not repeated and "assertion" not in line:
            demo.tell.say("Bob's client", line)

    def _start_client(self, demo):
        self._signed_on.clear()
        self._broker_attached.clear()
        data = os.path.join(demo.profile.root, "purple")
        self.process = demo.profile.start(
            [demo.program("postern-purple-host"), *self.rig.host_flags(data)],
            lambda line: self.on_line(demo, line))
        return self.process

    def _say(self, demo, text, encrypted=True):
        with rig_failures():
            self.rig.peer_say(text, encrypted)
        demo.tell.say("Carol", text if encrypted else f"{text}  (sent in clear)")

    def _carol_sees(self, demo, text):
        with rig_failures():
            self.rig.peer_wait_for(text)
        demo.tell.say("Carol", f"sees: {text}")

    # --- the steps --------------------------------------------------------------------------------

    def prepare(self, demo):
        demo.tell.text("First a Prosody server and profanity, the client of Carol, who writes to Bob. It makes its keys.")
        self.rig = Rig(os.path.join(demo.profile.root, "xmpp"))
        with rig_failures():
            self.rig.start(os.getpid())

    def start_waiting(self, demo):
        process = self._start_client(demo)

        def open_chat():
            # Carol writes before the client is allowed: it keeps the message until it may hand it over.
            self._wait(self._signed_on)
            self._say(demo, self.opener)
            self._wait(self._broker_attached)

        self.attached.run(open_chat)
        return process

    def _wait(self, event):
        while not event.wait(0.1):
            if self._closing.is_set() or not self.process.running():
                raise Failure("Bob's client ended")

    def play(self, demo):
        self._say(demo, self.question)
        self.answer_shown.run(lambda: self._carol_sees(demo, self.answer))

    def carry_on(self, demo):
        demo.heading("Each of the three programs is restarted, and Carol writes while it is away")
        demo.tell.text("Bob's client ends. The server keeps what it cannot read.")
        demo.profile.end(self.process, "the end of Bob's client")
        self._say(demo, self.client_away)
        self._start_client(demo)
        demo.wait_for_app(self.client_away, "the message of that time")

        demo.tell.text("posternd ends. Bob's client keeps what it decrypted, encrypted on disk.")
        demo.stop_broker()
        self._say(demo, self.broker_away)
        demo.start_broker()
        demo.wait_for_app(self.broker_away, "the message of that time")
        demo.command("status")

        demo.tell.text("The app ends. posternd knows how far it had come.")
        demo.stop_app()
        self._say(demo, self.app_away)
        demo.start_app()
        demo.wait_for_app(self.app_away, "the message of that time")

        demo.heading("The app answers once more, and Carol writes with and without encryption")
        demo.send(self.answer_chat, self.second_answer)
        self._carol_sees(demo, self.second_answer)
        self._say(demo, self.in_clear, encrypted=False)
        self._say(demo, self.last_seen)
        demo.wait_for_app(self.last_seen, "the last message")
        self._check_app(demo)

    def _check_app(self, demo):
        """The app got each text once, marked as it was sent."""
        sent = (self.question, self.answer, self.client_away, self.broker_away, self.app_away,
                self.second_answer, self.in_clear, self.last_seen)
        for text in sent:
            # A message says how it came; a receipt, which names the message by its text, does not.
            lines = [line for line in demo.app_lines if text in line and (LOCK in line or IN_CLEAR_MARK in line)]
            if len(lines) != 1:
                raise Failure(f"the app got {len(lines)} times: {text}")
            encrypted = text != self.in_clear
            if (LOCK in lines[0]) != encrypted or (IN_CLEAR_MARK in lines[0]) == encrypted:
                raise Failure(f"the app was told wrongly how this was sent: {lines[0]}")
        demo.tell.text(f"The app got each of the {len(sent)} messages once, each marked as it was sent.")

    def after_revocation(self, demo):
        """The chat goes on; the app no longer hears it. What the server saw is counted."""
        self._say(demo, self.after)
        demo.tell.text("\nWhat the server read and wrote, searched for each text:")
        private = (self.question, self.answer, self.client_away, self.broker_away, self.app_away,
                   self.second_answer, self.last_seen, self.after)
        for text in (*private, self.in_clear):
            count = self.rig.count_in_server_log(text)
            demo.tell.text(f"  {count:>3} lines hold  {text}")
            if (count > 0) != (text == self.in_clear):
                raise Failure("the server saw what it should not, or the search finds nothing at all")
        count = self.rig.count_in_server_log(CIPHERTEXT)
        demo.tell.text(f"  {count:>3} lines hold  an OMEMO payload: ciphertext")
        if count < len(private):
            raise Failure("there are too few encrypted messages in what the server saw")
        if not demo.options.keep:
            self.process.stop()

    def close(self, demo):
        self._closing.set()
        if self.process is not None:
            self.process.stop()
        if self.rig is not None:
            with contextlib.suppress(RigError):
                self.rig.stop()
