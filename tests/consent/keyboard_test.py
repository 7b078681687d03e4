#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole consent window without a pointer: one chat for one day is granted by keys alone.

What a person sees as the ring around a widget, the screen reader tells here. Runs on an Xvfb and a session bus
of its own (on_display.sh).
"""
import sys
import time

from asking import question
from person import DEADLINE_SECONDS, Person
from states_test import ScreenReader

DAY_SECONDS = 24 * 60 * 60
# More stops than the window has.
STOPS_MAX = 60
# GTK 4.8 does not say that a text field has the ring: for so long it is nowhere then.
NOWHERE_SECONDS = 1


class Typist(Person):
    """Has a keyboard and no pointer."""

    def stop(self):
        """Where the ring is: how far down, and around what."""
        focused = self.reader.ask(do="focused")
        return focused.get("place", -1), focused.get("name", "")

    def step(self, key, before):
        """Presses 'key' and returns where one is then; until then one is at 'before'."""
        self.key(key)
        deadline = time.monotonic() + DEADLINE_SECONDS
        somewhere = time.monotonic()
        while time.monotonic() < deadline:
            now = self.stop()
            if now[0] >= 0:
                somewhere = time.monotonic()
            if now != before and (now[0] >= 0 or time.monotonic() - somewhere > NOWHERE_SECONDS):
                return now
        raise AssertionError("%s leads nowhere from %r" % (key, before))

    def walk_to(self, name, key="Tab"):
        passed = [self.stop()]
        while not passed[-1][1].startswith(name):
            assert len(passed) < STOPS_MAX, "%r is not reached, but %r" % (name, passed)
            passed.append(self.step(key, passed[-1]))
        return [name for _, name in passed]


def grants_one_chat_for_one_day(reader):
    person = Typist(reader, question())
    person.walk_to("Read new messages")
    person.key("space")
    person.sees('check box "Read new messages" on')
    person.walk_to("Family (group")
    person.key("space")
    person.sees('label "1 chat chosen"')
    passed = person.walk_to("How long")
    # The other chats are on the way: each is a stop of its own.
    for name in ("Work (group", "Bob (1:1"):
        assert any(stop.startswith(name) for stop in passed), passed
    person.key("space")
    person.sees_a_list()
    for key in ("Home", "Down", "Down", "Return"):
        person.key(key)
    person.sees('label "1 day"', gone='label "7 days"')
    person.sees('push button "Allow"')
    before = time.time()
    person.walk_to("Allow")
    person.key("space")
    answer = person.agent.wait()
    assert answer is not None and answer["decision"] == "allow", answer
    assert answer["scopes"] == ["messages:read"], answer
    assert answer["chat_choice"] == "listed" and answer["chats"] == [0], answer
    assert answer["validity"] == "until", answer
    assert abs(answer["expire_time"] - before - DAY_SECONDS) < 60, answer


def main():
    reader = ScreenReader()
    started = time.monotonic()
    grants_one_chat_for_one_day(reader)
    print("one chat for one day, by keys alone: %.1f s" % (time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main())
