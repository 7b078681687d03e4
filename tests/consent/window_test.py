#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What comes of the consent window under clicks, keys, crashes and names of every kind.

Runs on an Xvfb and a session bus of its own (on_display.sh). The seed of the random ticks is printed.
"""
import collections
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time

from asking import Agent, chats_named, question
from states_test import GATEKEEPER, ScreenReader, run, window_of

SENTENCES = {"chats:read": "See the chats", "messages:read": "Read new messages",
             "messages:history": "Read older messages", "messages:send": "Send messages as you",
             "reactions:write": "React to messages"}
# One more is answered before a real posternd (actions_test.py).
ROUNDS = 2
SHOWN_SECONDS = 15
HEIGHT = 2600
# Allow is asleep for so long. The last try begins so much before, as times what the longest one took: it is to be over by
# then. A machine that is slow just then may need another go.
GUARD_SECONDS = 1.0
TRY_TIMES = 1.2
GOES_MAX = 5
ROOT = "$(xdotool search --maxdepth 0 '' 2>/dev/null | head -1)"
KINDS, OF_A_KIND = 15, 20
# Of each kind, as an app's name and as its purpose. `./dev soak` asks for all.
NAMES_OF_A_KIND = int(os.environ.get("POSTERN_HOSTILE_NAMES", "3"))
# Of these kinds the answer is looked at as well.
KEPT = ("bidi", "ansi")
# What is left of a hostile name after cleaning may still look like markup, an escape or another script.
NAMES = ["<b>bold</b>", "&amp;", "a & b", "<span size='99'>", "%s%n", "$0 $1", "\\x1b[2J", "[2J", "_Allow", "__", "'\"`",
         "\u05e9\u05dc\u05d5\u05dd", "\u0627\u0644\u0623\u0647\u0644", "S\u0456gnal", "e\u0301\u0302\u0303\u0304",
         "\U0001f512 locked", "(unnamed)", "\ufffd", "\uff33\uff49\uff47\uff4e\uff41\uff4c", "\u4e2d" * 40, "W" * 40,
         "0", "allow", "\u2026", "</label>", "<!--", "a\u2068b".replace("\u2068", ""), "\u00df", "I\u0307", "\u1e9e"]


class Window:
    def __init__(self, reader, **changes):
        run("xdotool mousemove 1390 2790")
        self.reader = reader
        self.agent = Agent(question(**changes), dict(os.environ, LANG="C.UTF-8", LANGUAGE=""))
        self.id = window_of(self.agent)
        run("xdotool windowsize --sync %s 600 %d" % (self.id, HEIGHT))

    def focus(self):
        run("xdotool windowfocus --sync %s" % self.id)

    def lose_focus(self):
        """Without a window manager, keys also go where the pointer is."""
        run("xdotool mousemove 1390 2790 windowfocus " + ROOT)
        deadline = time.monotonic() + SHOWN_SECONDS
        while 'push button "Allow" disabled' not in self.reader.tree():
            assert time.monotonic() < deadline, "Allow stays awake"

    def walk_to_allow(self):
        deadline = time.monotonic() + SHOWN_SECONDS
        while self.reader.ask(do="focused")["name"] != "Allow":
            assert time.monotonic() < deadline, "Allow is not reached"
            run("xdotool key Tab")

    def tries_in_the_first_second(self, act):
        """Gives the focus to the window and does 'act' until that was a second ago. Returns when the last was over."""
        over = longest = 0
        started = time.monotonic()
        run("xdotool %s windowfocus %s" % (self.to_allow, self.id))
        while time.monotonic() - started + TRY_TIMES * longest < GUARD_SECONDS and self.agent.answer is None:
            began = time.monotonic()
            run("xdotool " + act)
            over = time.monotonic() - started
            longest = max(longest, time.monotonic() - began)
        return over

    def find_allow(self):
        """Where Allow is, once the window has its size; GTK looks what is below the pointer when that moves."""
        deadline = time.monotonic() + SHOWN_SECONDS
        place = {"y": 0}
        while place["y"] < HEIGHT - 100:
            assert time.monotonic() < deadline, place
            place = self.reader.ask(do="where", name="Allow")
        x, y = place["x"] + place["width"] // 2, place["y"] + place["height"] // 2
        self.to_allow = "mousemove --window %s %d %d mousemove --window %s %d %d" % (self.id, x - 9, y, self.id, x, y)

    def press(self, *names):
        for name in names:
            reply = self.reader.ask(do="press", name=name)
            if not reply["ok"]:
                raise AssertionError("there is no %r, but %r" % (name, reply))

    def allow(self):
        reply = self.reader.ask(do="wait", name="Allow")
        if not reply["ok"]:
            raise AssertionError("Allow stays asleep: %r" % reply)
        self.press("Allow")
        return self.agent.wait()


def grants_what_was_ticked(reader):
    seed = random.randrange(10 ** 6)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        window = Window(reader)
        window.focus()
        scopes = chance.sample(sorted(SENTENCES), chance.randint(1, 4))
        chats = chance.sample(range(3), chance.randint(1, 3))
        window.press(*[SENTENCES[scope] for scope in scopes])
        window.press(*[["Family", "Work", "Bob"][chat] for chat in chats])
        answer = window.allow()
        order = ["chats:read", "messages:read", "messages:history", "messages:send", "reactions:write"]
        assert answer["decision"] == "allow", answer
        assert answer["scopes"] == [scope for scope in order if scope in scopes], (scopes, answer)
        assert answer["chats"] == sorted(chats), (chats, answer)
        assert answer["chat_choice"] == "listed" and answer["excluded_chats"] == [], answer


def a_crash_grants_nothing(reader):
    for end in (signal.SIGABRT, signal.SIGKILL, signal.SIGTERM):
        window = Window(reader)
        window.focus()
        window.press("Read new messages", "Family")
        assert reader.ask(do="wait", name="Allow")["ok"]
        window.agent.process.send_signal(end)
        assert window.agent.wait() is None


def the_first_second_grants_nothing(reader):
    """Twice: when the window comes, and when it has the focus again. The same act grants right after."""
    for act in ("%s click 1", "key alt+a"):
        for _ in range(GOES_MAX):
            if first_seconds(reader, act):
                break
        else:
            raise AssertionError("%s: this machine is too slow" % act)
    # Where the focus was on Allow it is no longer when Allow falls asleep.
    window = Window(reader, **GATEKEEPER)
    window.find_allow()
    window.focus()
    assert reader.ask(do="wait", name="Allow")["ok"]
    window.walk_to_allow()
    window.lose_focus()
    window.tries_in_the_first_second("key space")
    answer = window.agent.wait(2)
    assert answer is None or answer["decision"] == "refuse", answer
    window.agent.close()


def first_seconds(reader, act):
    """Returns whether 'act' was tried in the first second twice, and in time; it must not have granted then."""
    window = Window(reader, **GATEKEEPER)
    try:
        window.find_allow()
        if "%s" in act:
            act = act % window.to_allow
        in_time = []
        for _ in range(GOES_MAX):
            window.lose_focus()
            over = window.tries_in_the_first_second(act)
            if over < GUARD_SECONDS:
                in_time.append(over)
                assert reader.ask(do="wait", name="Allow")["ok"], (act, over, window.agent.answer)
            else:
                return False  # the last try may have come after the guard, and granted
            if len(in_time) == 2:
                break
        else:
            return False
        run("xdotool " + act)
        answer = window.agent.wait()
        assert answer is not None and answer["decision"] == "allow", (act, answer)
        print("%s: the last tries were over %.3f and %.3f s after the focus came" % (act, *in_time))
        return True
    finally:
        window.agent.close()


def enter_refuses_after_focus_loss(reader):
    """Also where Enter was held when the focus came back."""
    window = Window(reader, **GATEKEEPER)
    window.find_allow()
    window.focus()
    assert reader.ask(do="wait", name="Allow")["ok"]
    window.walk_to_allow()
    window.lose_focus()
    run("xdotool keydown Return")
    try:
        window.tries_in_the_first_second("key --repeat 5 Return")
        answer = window.agent.wait(10)
    finally:
        run("xdotool keyup Return")
    assert answer is not None and answer["decision"] == "refuse", answer


def held_enter_refuses(reader):
    run("xdotool keydown Return")
    try:
        window = Window(reader, **GATEKEEPER)
        window.focus()
        run("xdotool key --repeat 20 Return")
        answer = window.agent.wait(10)
    finally:
        run("xdotool keyup Return")
    assert answer is not None and answer["decision"] == "refuse", answer


def names_are_shown_as_they_are(reader):
    accounts = [{"id": "%08x" % (n + 1) + "0" * 24, "name": name, "network": "xmpp"} for n, name in enumerate(NAMES)]
    for name in NAMES[:2]:
        window = Window(reader, accounts=accounts, claimed_name=name, purpose=name, chats=[])
        window.focus()
        window.press("Read new messages", "All chats you have", "a & b (xmpp)", "<b>bold</b> (xmpp)")
        said = "\n".join(reader.ask(do="tree")["tree"])
        for shown in NAMES:
            spoken = shown.replace("\\", "\\\\").replace('"', '\\"')
            assert spoken + " (xmpp)" in said, (shown, said)
        answer = window.allow()
        assert answer["given_name"] == name, answer
        assert answer["accounts"] == [NAMES.index("<b>bold</b>"), NAMES.index("a & b")], answer


def hostile_texts():
    """Returns what is left of each hostile name and purpose once it is cleaned, kind by kind."""
    program = os.path.join(os.environ.get("POSTERN_BIN", "build/bin"), "../tests/permissions_hostile_texts")
    lines = subprocess.run([program], check=True, capture_output=True).stdout.decode().strip("\n").split("\n")
    texts = [json.loads(line) for line in lines]
    assert len(texts) == KINDS * OF_A_KIND, len(texts)
    return texts


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def said_under(title, said):
    """Returns the labels that follow the label 'title'."""
    place = said.index("label " + quoted(title)) if "label " + quoted(title) in said else len(said)
    return said[place + 1:place + 2]


def wrong_in(said, name, purpose, chats):
    """Returns what is not shown exactly as it was cleaned, and is not flagged as it should be."""
    wrong = []
    for title, text in (("It calls itself", name["name"]), ("It says it is for", purpose["purpose"])):
        if said_under(title, said) != ["label " + quoted(text)]:
            wrong.append((title, text, said_under(title, said)))
    rows = collections.Counter("check box %s off" % quoted(chat + " (group, xmpp, alice)") for chat in chats)
    shown = collections.Counter(line for line in said if line.endswith(' (group, xmpp, alice)" off'))
    if rows != shown:
        wrong.append((rows - shown, shown - rows))
    warning = "".join(said_under("Its name", said))
    flagged = all("\u2068%s\u2069" % other in warning for other in name["looks_like"])
    if not flagged or bool(warning) != (bool(name["looks_like"]) or name["mixed_script"]):
        wrong.append((name, warning))
    return wrong


def hostile_names_are_shown_cleaned(reader):
    """Each of 300 as a chat's name; of each kind some, or all, as an app's name and as its purpose."""
    texts = hostile_texts()
    kinds = [texts[start:start + OF_A_KIND] for start in range(0, len(texts), OF_A_KIND)]
    assert 0 < NAMES_OF_A_KIND <= OF_A_KIND, NAMES_OF_A_KIND
    for place, number in itertools.product(range(KINDS), range(NAMES_OF_A_KIND)):
        # From the first of a kind to its last, and back over another kind.
        name = kinds[place][number * OF_A_KIND // NAMES_OF_A_KIND]
        purpose = kinds[(place + 7) % KINDS][OF_A_KIND - 1 - number * OF_A_KIND // NAMES_OF_A_KIND]
        chats = [text["name"] for text in kinds[(place + 3) % KINDS]] if number == 0 else []
        # A window with little else in it is read aloud sooner.
        little = {} if chats else {"required_scopes": ["chats:read"], "optional_scopes": []}
        window = Window(reader, claimed_name=name["name"], purpose=purpose["purpose"],
                        looks_like=name["looks_like"], mixed_script=name["mixed_script"],
                        chats=chats_named(chats), **little)
        deadline = time.monotonic() + SHOWN_SECONDS
        wrong = wrong_in(reader.tree(), name, purpose, chats)
        while wrong and time.monotonic() < deadline:
            wrong = wrong_in(reader.tree(), name, purpose, chats)
        assert not wrong, wrong
        if chats and name["kind"] in KEPT:
            window.focus()
            window.press("Read new messages", chats[0] + " (group")
            answer = window.allow()
            assert answer is not None, name
            assert answer["given_name"] == name["name"] and answer["chats"] == [0], answer
        window.agent.close()


def main():
    reader = ScreenReader()
    wrong = 0
    for check in [globals()[name] for name in sys.argv[1:]] or (
            held_enter_refuses, the_first_second_grants_nothing, enter_refuses_after_focus_loss,
            grants_what_was_ticked,
            a_crash_grants_nothing, names_are_shown_as_they_are, hostile_names_are_shown_cleaned):
        started = time.monotonic()
        try:
            check(reader)
            print("%-36s ok %.1f s" % (check.__name__, time.monotonic() - started), flush=True)
        except AssertionError as error:
            wrong += 1
            print("%-36s wrong: %s" % (check.__name__, str(error)[:2000]), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
