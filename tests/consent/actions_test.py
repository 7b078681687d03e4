#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How much a person has to do, from an app's first launch to a grant for one chat for one day; and that what
posternd then keeps is what was ticked.

All of it is real: posternd, the client whose chats it has, the programs that ask, the window. Every click, key and
turn of the wheel on the window, at the size in which it opens, counts as an action, and so does launching the app. No
manual is read: each step goes by what the window says. Runs on an Xvfb and a session bus of its own (on_display.sh).
The seed of the random ticks is printed.
"""
import datetime
import random
import sys
import time

from broker import Broker
from person import DEADLINE_SECONDS, Person
from states_test import ScreenReader, run
from window_test import SENTENCES

ACTIONS_MAX = 12
# Taking it back in the settings window, held by tests/settings (RevokingTakesNoMoreActionsThanGranting).
REVOKING_ACTIONS_MAX = 3
DAY_SECONDS = 24 * 60 * 60
# What has not moved for so long has come to rest.
STILL_SECONDS = 0.5
# The bars above and below what scrolls.
BAR = 60
SCRIPT = """\
person bob "Bob"
group family "Family" bob
group work "Work" bob
direct bob
+0 bob family says m1 "Dinner at eight?"
"""
CHATS = ("Family", "Work", "Bob")
MANIFEST = """\
app_id = "org.example.%(id)s"
display_name = "%(name)s"
purpose = "Shows your messages in your language"
required_scopes = ["chats:read", "messages:read"]
optional_scopes = ["messages:history", "messages:send", "reactions:write"]
[data_destination]
kind = "leaves_device"
service = "translate.example"
"""


class Newcomer(Person):
    """Acts on the window by mouse and keyboard alone, and counts."""

    actions = 1  # launches the app

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


def asks(broker, person, name):
    """Has an app called 'name' ask. Returns it once its question is before 'person'."""
    manifest = broker.write(name + ".toml", MANIFEST % {"id": name.lower(), "name": name})
    person.rest()
    app = broker.start("postern", "enroll", "--manifest", manifest, "--out", name)
    person.meet()
    return app


def ticked(said):
    """The check boxes that are on."""
    return [line.split('"')[1] for line in said if line.startswith("check box ") and line.endswith(" on")]


def lets_the_client_in(broker, reader):
    """The chats are there when this returns."""
    person = Person(reader)
    client = broker.start("postern-demo-gatekeeper", "--exit-at-end", "--script", broker.write("script", SCRIPT))
    person.meet()
    person.sees('push button "Allow"')
    assert reader.ask(do="press", name="Allow")["ok"]
    broker.ended_well(client)


def one_chat_for_one_day(broker, reader):
    person = Newcomer(reader)
    app = asks(broker, person, "Translator")
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
    shown = ticked(person.sees('push button "Allow"'))
    before = time.time()
    person.click("Allow", in_bar=True)
    broker.ended_well(app)

    scopes, chats, grant = broker.granted("Translator")
    assert scopes == ["SCOPE_MESSAGES_READ"] and chats == ["Family"], grant
    assert len(shown) == 2 and shown[0] == "Read new messages" and shown[1].startswith("Family (group"), shown
    selection = grant["selection"]
    assert selection["chat_choice"] == "CHAT_CHOICE_LISTED", grant
    assert selection["networks"] == [] and selection["excluded_chat_ids"] == [], grant
    assert not grant["only_while_unlocked"] and not grant["may_start"], grant
    assert grant["state"] == "STATE_ACTIVE" and grant["validity"]["kind"] == "KIND_UNTIL", grant
    end = datetime.datetime.fromisoformat(grant["validity"]["expire_time"].replace("Z", "+00:00")).timestamp()
    assert abs(end - before - DAY_SECONDS) < 60, grant
    print("actions from first launch to a grant for one chat for one day:", person.actions)
    assert person.actions <= ACTIONS_MAX, person.actions
    assert REVOKING_ACTIONS_MAX <= person.actions, person.actions


def whatever_is_ticked(broker, reader):
    seed = random.randrange(10 ** 6)
    print("seed", seed)
    chance = random.Random(seed)
    # One that reads: what is disclosed of the chats names them afterwards.
    scopes = sorted({"messages:read", *chance.sample(sorted(SENTENCES), chance.randint(1, len(SENTENCES)))})
    chats = chance.sample(CHATS, chance.randint(1, len(CHATS)))
    person = Person(reader)
    app = asks(broker, person, "Reader")
    # All of it can be pressed without scrolling.
    run("xdotool windowsize --sync %s 600 2600" % person.window)
    for name in [SENTENCES[scope] for scope in scopes] + [chat + " (" for chat in chats]:
        assert reader.ask(do="press", name=name)["ok"], name
    # A click shows when the window has taken it.
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(shown := ticked(person.sees('push button "Allow"'))) != len(scopes) + len(chats):
        if time.monotonic() > deadline:
            break
    assert len(shown) == len(scopes) + len(chats), (shown, scopes, chats)
    assert reader.ask(do="press", name="Allow")["ok"]
    broker.ended_well(app)
    stored = broker.granted("Reader")
    wanted = {"SCOPE_" + scope.upper().replace(":", "_") for scope in scopes}
    assert len(stored[0]) == len(wanted) and set(stored[0]) == wanted, (seed, stored)
    assert stored[1] == sorted(chats), (seed, stored)


def main():
    reader = ScreenReader()
    with Broker() as broker:
        lets_the_client_in(broker, reader)
        one_chat_for_one_day(broker, reader)
        whatever_is_ticked(broker, reader)
    return 0


if __name__ == "__main__":
    sys.exit(main())
