#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How much a person has to do, from an app's first launch to a grant for one chat for one day.

Every click, key and turn of the wheel on the real window, at the size in which it opens, counts as an
action, and so does launching the app. No manual is read: each step goes by what the window says. Runs on an
Xvfb and a session bus of its own (on_display.sh).
"""
import sys
import time

from asking import question
from person import DEADLINE_SECONDS, Person
from states_test import ScreenReader, run

ACTIONS_MAX = 12
# Taking it back in the settings window, held by tests/settings (RevokingTakesNoMoreActionsThanGranting).
REVOKING_ACTIONS_MAX = 3
DAY_SECONDS = 24 * 60 * 60
# What has not moved for so long has come to rest.
STILL_SECONDS = 0.5
# The bars above and below what scrolls.
BAR = 60


class Newcomer(Person):
    """Acts on the window by mouse and keyboard alone, and counts."""

    def __init__(self, reader):
        self.actions = 1  # launches the app
        super().__init__(reader, question())

    def _height(self):
        return int(run("xdotool getwindowgeometry --shell %s | sed -n s/HEIGHT=//p" % self.window))

    def _where(self, name):
        reply = self.reader.ask(do="where", name=name)
        assert reply["ok"], (name, reply)
        return reply["x"] + reply["width"] // 2, reply["y"] + reply["height"] // 2

    def click(self, name, in_bar=False):
        x, y = self._where(name)
        while not in_bar and not BAR < y < self._height() - 2 * BAR:
            self._scroll(5 if y > BAR else 4)
            before, y = y, self._settled(name, y)
            assert y != before, "%r cannot be scrolled to" % name
        run("xdotool mousemove %d %d click 1" % (x, y))
        self.actions += 1

    def _scroll(self, button):
        """One turn of the wheel."""
        run("xdotool mousemove 300 300 click --repeat 5 --delay 5 %d" % button)
        self.actions += 1

    def _settled(self, name, start):
        """Returns where it is once it has left 'start' and no longer moves."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        before = start
        moved = time.monotonic()
        while time.monotonic() < deadline and (time.monotonic() - moved < STILL_SECONDS or before == start):
            y = self._where(name)[1]
            if y != before:
                moved = time.monotonic()
            before = y
        return before

    def key(self, name):
        super().key(name)
        self.actions += 1

    def sees_a_list(self):
        """Waits until the choices are open: they are a window of their own."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            if len(run("xdotool search --onlyvisible --pid %d" % self.agent.process.pid).split()) == 2:
                return
        raise AssertionError("no list of choices opens")


def main():
    reader = ScreenReader()
    person = Newcomer(reader)
    person.click("Read new messages")
    person.sees('check box "Read new messages" on')
    person.click("Family (group")
    person.sees('label "1 chat chosen"')
    person.click("How long")
    person.sees('label "7 days"')
    person.sees_a_list()
    for key in ("Home", "Down", "Down", "Return"):
        person.key(key)
    person.sees('label "1 day"', gone='label "7 days"')
    person.sees('push button "Allow"')
    before = time.time()
    person.click("Allow", in_bar=True)
    answer = person.agent.wait()
    assert answer is not None and answer["decision"] == "allow", answer
    assert answer["scopes"] == ["messages:read"], answer
    assert answer["chat_choice"] == "listed" and answer["chats"] == [0], answer
    assert answer["accounts"] == [] and answer["excluded_chats"] == [], answer
    assert answer["validity"] == "until", answer
    assert abs(answer["expire_time"] - before - DAY_SECONDS) < 60, answer
    print("actions from first launch to a grant for one chat for one day:", person.actions)
    assert person.actions <= ACTIONS_MAX, person.actions
    assert REVOKING_ACTIONS_MAX <= person.actions, person.actions
    return 0


if __name__ == "__main__":
    sys.exit(main())
