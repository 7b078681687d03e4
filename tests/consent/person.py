# SPDX-License-Identifier: Apache-2.0
"""Somebody in front of the consent window: what those who click and those who type have in common."""
import os
import time

from asking import Agent
from states_test import run, window_of

DEADLINE_SECONDS = 10


class Person:
    """Looks at the window of 'asked', which has the keyboard, and has the pointer out of the way."""

    def __init__(self, reader, asked):
        self.reader = reader
        run("xdotool mousemove 1390 2790")
        self.agent = Agent(asked, dict(os.environ, LANG="C.UTF-8", LANGUAGE=""))
        self.window = window_of(self.agent)
        run("xdotool windowfocus --sync " + self.window)

    def key(self, name):
        run("xdotool key " + name)

    def sees(self, line, gone=None):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            said = self.reader.tree()
            if line in said and gone not in said:
                return
        raise AssertionError("the window does not say %r, but %r" % (line, said))
