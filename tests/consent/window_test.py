#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What comes of the consent window under clicks, keys, crashes and names of every kind.

Runs on an Xvfb and a session bus of its own (on_display.sh). The seed of the random ticks is printed.
"""
import collections
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
ROUNDS = 3
SHOWN_SECONDS = 15
KINDS, OF_A_KIND = 15, 20
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
        run("xdotool windowsize --sync %s 600 2600" % self.id)

    def focus(self):
        run("xdotool windowfocus --sync %s" % self.id)

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
    for keys in ("click 1", "key alt+a", "key space", "key Tab key space"):
        window = Window(reader, **GATEKEEPER)
        run("xdotool mousemove --window %s 450 2575" % window.id if "click" in keys else "true")
        run("xdotool windowfocus $(xdotool search --maxdepth 0 '' 2>/dev/null | head -1)")
        started = time.monotonic()
        window.focus()
        while time.monotonic() - started < 0.9:
            run("xdotool " + keys)
        answer = window.agent.answer
        assert answer is None or answer["decision"] == "refuse", (keys, answer)
        window.agent.close()


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
    """Each of 300 as a chat's name; one of each kind as an app's name, and one as its purpose."""
    texts = hostile_texts()
    kinds = [texts[start:start + OF_A_KIND] for start in range(0, len(texts), OF_A_KIND)]
    for place, kind in enumerate(kinds):
        name = kind[3]
        purpose = kinds[(place + 7) % KINDS][8]
        chats = [text["name"] for text in kinds[(place + 3) % KINDS]]
        window = Window(reader, claimed_name=name["name"], purpose=purpose["purpose"],
                        looks_like=name["looks_like"], mixed_script=name["mixed_script"],
                        chats=chats_named(chats))
        deadline = time.monotonic() + SHOWN_SECONDS
        wrong = wrong_in(reader.tree(), name, purpose, chats)
        while wrong and time.monotonic() < deadline:
            wrong = wrong_in(reader.tree(), name, purpose, chats)
        assert not wrong, wrong
        if name["kind"] in KEPT:
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
            held_enter_refuses, the_first_second_grants_nothing, grants_what_was_ticked,
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
