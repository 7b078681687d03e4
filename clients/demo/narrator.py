# SPDX-License-Identifier: Apache-2.0
"""What the demo prints: headings, and one line at a time with the name of who says it."""

import os
import sys
import threading

WIDTH = 12
COLOURS = {
    "posternd": "35",
    "AliceChat": "36",
    "app": "32",
    "you": "1",
    "question": "33",
    "Bob's client": "36",
    "Carol": "34",
    "translator": "32",
    "CRM": "32",
    "XMPP bridge": "32",
    "assistant": "32",
    "your phone": "34",
}


class Narrator:
    """Thread-safe. While a person types in the same terminal, lines wait: see hold()."""

    def __init__(self, stream=sys.stdout):
        self._stream = stream
        self._colours = (
            stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in (None, "dumb")
        )
        self._lock = threading.Lock()
        self._held = None

    def _paint(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours else text

    def _write(self, text):
        if self._held is not None:
            self._held.append(text)
            return
        self._stream.write(text)
        self._stream.flush()

    def heading(self, text):
        with self._lock:
            self._write(f"\n{self._paint('1', text)}\n")

    def text(self, text=""):
        with self._lock:
            self._write(f"{text}\n")

    def say(self, who, line):
        label = self._paint(COLOURS.get(who, "0"), who.rjust(WIDTH))
        with self._lock:
            self._write(f"{label} {self._paint('2', '│')} {line}\n")

    def hold(self):
        """Keeps lines back until release(): somebody else has the terminal."""
        with self._lock:
            if self._held is None:
                self._held = []

    def release(self):
        with self._lock:
            held, self._held = self._held, None
            for text in held or []:
                self._write(text)
