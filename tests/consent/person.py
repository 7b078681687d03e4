# SPDX-License-Identifier: Apache-2.0
"""Somebody in front of the consent window: what those who click and those who type have in common."""
import os
import time

from asking import Agent
from states_test import WINDOW_SECONDS, run, window_of

DEADLINE_SECONDS = 10


class Person:
    """Looks at a window, which has the keyboard, and has the pointer out of the way.

    The window is that of an agent which this test asks 'asked', or, without, the one that posternd opens next.
    """

    def __init__(self, reader, asked=None):
        self.reader = reader
        self.agent = None
        self.rest()
        if asked is not None:
            self.meet(Agent(asked, dict(os.environ, LANG="C.UTF-8", LANGUAGE="")))

    def meet(self, agent=None):
        """Waits for the window and gives it the keyboard."""
        self.agent = agent
        self.window = window_of(agent)
        assert self.window, "no window"
        self.pid = run("xdotool getwindowpid " + self.window)
        run("xdotool windowfocus --sync " + self.window)

    def rest(self):
        """Has the pointer out of the way, and no window of a question before."""
        run("xdotool mousemove 1390 2790")
        assert run("timeout %d sh -c 'while xdotool search --onlyvisible --name ^Postern$ >/dev/null; do sleep 0.03; "
                   "done' && echo none" % WINDOW_SECONDS) == "none", "the window of a question before stays"

    def key(self, name):
        run("xdotool key " + name)

    def sees(self, line, gone=None):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            said = self.reader.tree()
            if line in said and gone not in said:
                return said
        raise AssertionError("the window does not say %r, but %r" % (line, said))

    def sees_a_list(self):
        """Waits until the choices are open: they are a window of their own."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            if len(run("xdotool search --onlyvisible --pid " + self.pid).split()) == 2:
                return
        raise AssertionError("no list of choices opens")
