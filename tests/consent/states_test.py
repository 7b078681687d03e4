#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every state of the consent window: a picture of it, and what a screen reader makes of it.

    states_test.py TREES PICTURES [STATE...]     compares with TREES/STATE.txt
    UPDATE=1 states_test.py TREES PICTURES ...   writes them anew; read the difference before you commit it

Pictures go to PICTURES/STATE.png, for people to look at; a state without one fails. What is said is
compared line by line with GTK 4.8 (Debian 12); other versions say some things in other roles, and only
the words are compared there. In every state Refuse and Allow are of the same size, and nothing in the window's
sources gives one of them, or a warning, a colour of its own. Runs on an Xvfb and a session bus of its own.
"""
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from asking import Agent, chats_named, question

DEADLINE_SECONDS = 15
# Until a window comes or goes: its program may have to start beside a build.
WINDOW_SECONDS = 60
HERE = os.path.dirname(os.path.abspath(__file__))
WINDOW_SOURCES = os.path.join(HERE, "../../platform/linux")
# Style classes that push or frighten, and ways to make more of them.
UNFAIR = re.compile(r"destructive|suggested|\"(?:error|warning|success|accent|opaque)\"|css_provider|foreground=")
# Below this a picture shows nothing.
PICTURE_BYTES_MIN = 8000
ALL_SCOPES = """chats:read messages:metadata messages:read messages:history messages:search
attachments:read contacts:read contacts:identify reactions:read receipts:read typing:read presence:read
calls:read ephemeral:read messages:draft messages:send.ask messages:reply messages:send messages:edit_own
messages:delete_own reactions:write attachments:write receipts:write typing:write chats:create chats:write
forward export""".split()
STAYS = {"destination": "stays_on_device", "destination_service": ""}
OWNER = dict(STAYS, role="owner", claimed_name="", purpose="", app_id="", software_version="",
             accounts=[], chats=[], required_scopes=[], optional_scopes=[])
APP = dict(accounts=[], chats=[], required_scopes=[], optional_scopes=[], known_name="My translator")
GATEKEEPER = dict(STAYS, kind="enroll_gatekeeper", role="gatekeeper", claimed_name="AliceChat",
                  purpose="Connects AliceChat", networks=["alicechat"], accounts=[], chats=[],
                  required_scopes=[], optional_scopes=[])
CHOSEN = ["Read new messages", "Family"]
LONG = "Neighbourhood watch of the upper harbour"


class State:
    def __init__(self, asked=None, press=(), awake=None, height=760, environment=None, search="", width=600):
        self.asked = question(**(asked or {}))
        self.press, self.search = press, search
        # Whether the window has had the focus for a second; None where it makes no difference.
        self.awake = awake
        self.height, self.width = height, width
        self.environment = environment or {}


# The named list. What is new in the window gets a state here.
STATES = {
    "enroll": State(dict(STAYS, required_scopes=["chats:read"], optional_scopes=[], app_id="",
                         claimed_name="Clock", purpose="Shows who is waiting")),
    "enroll-leaves-device": State(height=1500),
    "known-name": State(dict(known_name="My translator")),
    "look-alike": State(dict(looks_like=["AliceTrans", "\u05e9\u05dc\u05d5\u05dd"])),
    "mixed-script": State(dict(claimed_name="\u0410liceTrans", mixed_script=True)),
    "evidence": State(press=["Who is asking"], height=1100),
    "long-names": State(dict(claimed_name=LONG, purpose=(LONG + ", ") * 4, chats=chats_named([LONG] * 6),
                             known_name="W" * 40), height=1700),
    "all-scopes": State(dict(required_scopes=[], optional_scopes=ALL_SCOPES), height=2600),
    "no-chats-yet": State(dict(accounts=[], chats=[]), height=1300),
    "two-thousand-chats": State(dict(chats=chats_named(["Chat %d" % n for n in range(2000)])), height=1500),
    "search": State(dict(chats=chats_named(["Chat %d" % n for n in range(2000)])), search="1999",
                    height=1500),
    "search-finds-nothing": State(search="Zebra", height=1500),
    "all-chats": State(press=["Read new messages", "All chats, also"], height=1700),
    "leave-out": State(press=["All chats you have", "Leave out"], height=1900),
    "asleep": State(press=CHOSEN, awake=False, height=1700),
    "preview": State(press=CHOSEN, awake=True, height=1800),
    "preview-outline": State(dict(optional_scopes=["messages:metadata"]),
                             press=["See who writes", "Family"], awake=True, height=1800),
    "limits": State(press=["Read older", "Send messages as you", "Family"], awake=True, height=1900),
    "may-start": State(dict(STAYS, systemd_unit="translator.service"), press=CHOSEN + ["Start it when"],
                       awake=True, height=1800),
    "widen": State(dict(kind="widen_grant", known_name="My translator", held_scopes=["chats:read"],
                        required_scopes=[], optional_scopes=["messages:read"], asked_chats=[2]), height=1500),
    "extend": State(dict(APP, kind="extend_grant", held_scopes=["chats:read", "messages:read"],
                         held_until=1893456000, subject="Family, Work"), awake=True, height=860),
    "send-message": State(dict(APP, kind="send_message", subject="Bob",
                               message_text="See you at eight.\nBring salad \u202e!"), awake=True),
    "send-long-message": State(dict(APP, kind="send_message", subject=LONG, message_text="word " * 2000),
                               awake=True),
    "unseal": State(dict(OWNER, kind="unseal", subject="Family"), awake=True, height=500),
    "unseal-objected": State(dict(OWNER, kind="unseal", subject="Carol", subject_objected=True), awake=True,
                             height=500),
    "export": State(dict(OWNER, kind="export", subject="Family, since 2026-01-01"), awake=True, height=500),
    "purge": State(dict(OWNER, kind="purge", subject="account alice (xmpp)"), awake=True, height=500),
    "view": State(dict(OWNER, kind="view", subject="Translator"), awake=True, height=500),
    "gatekeeper": State(GATEKEEPER, awake=True, height=660),
    "dark": State(press=CHOSEN, awake=True, height=1800,
                  environment={"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"}),
    "high-contrast": State(environment={"ADW_DEBUG_HIGH_CONTRAST": "1"}),
    "scale-200": State(environment={"GDK_SCALE": "2"}, width=1200, height=1520),
    "text-200": State(environment={"GDK_DPI_SCALE": "2"}, width=760, height=2400),
    "german": State(environment={"LANGUAGE": "de"}, height=1900),
    "german-send": State(dict(APP, kind="send_message", subject="Bob", message_text="Bis um acht."),
                         awake=True, environment={"LANGUAGE": "de"}),
    "german-may-start": State(dict(STAYS, systemd_unit="translator.service"), environment={"LANGUAGE": "de"},
                              height=1800),
    "right-to-left": State(environment={"LANGUAGE": "ar_XB"}, height=1900),
}


def run(command):
    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout.strip()


def window_of(agent=None):
    """Waits for the agent's window, or without one for any, and returns its id, or nothing. By turns of our own:
    xdotool's --sync looks twice a second."""
    whose = "--all --pid %d" % agent.process.pid if agent else ""
    return run("timeout %d sh -c 'until xdotool search --onlyvisible %s --name ^Postern$ | grep .; "
               "do sleep 0.03; done' | tail -1" % (WINDOW_SECONDS, whose))


@functools.cache
def gtk_is_reference():
    return run("pkg-config --modversion gtk4").startswith("4.8.")


class ScreenReader:
    def __init__(self):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-W", "ignore", os.path.join(HERE, "screen_reader.py")], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def tree(self):
        return self.ask(do="tree").get("tree", [])


def words_of(lines):
    return set(re.findall(r'"(?:[^"\\]|\\.)*"', "\n".join(lines)))


def differs(said, reference):
    if gtk_is_reference():
        return said != reference
    return not words_of(reference) <= words_of(said)


def settle(reader, state, reference):
    """Returns what is said once it is what is expected, or no longer changes."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    before = None
    while time.monotonic() < deadline:
        said = reader.tree()
        if reference is not None and not differs(said, reference):
            return said
        if reference is None and said and said == before and (
                state.awake is None or ready(said) == state.awake):
            return said
        before = said
    return reader.tree()


def ready(said):
    return not any("disabled" in line for line in said if line.startswith("push button"))


def show(name, state, reader, trees, pictures):
    """Returns what is wrong with one state, or nothing."""
    environment = dict(os.environ, LANG="C.UTF-8", TZ="UTC", LANGUAGE="")
    environment.update(state.environment)
    run("xdotool mousemove 1390 2790")
    agent = Agent(state.asked, environment)
    try:
        window = window_of(agent)
        if not window:
            return ["%s: no window" % name]
        run("xdotool windowsize --sync %s %d %d" % (window, state.width, state.height))
        run("xdotool windowfocus --sync %s" % window)
        for widget in state.press:
            pressed = reader.ask(do="press", name=widget)
            if not pressed["ok"]:
                return ["%s: there is no '%s', but %s" % (name, widget, pressed.get("there"))]
        if state.search:
            if not reader.ask(do="focus", name="Search chats")["ok"]:
                return ["%s: no search" % name]
            run("xdotool type " + state.search)
        if state.awake is False:
            run("xdotool mousemove 1390 2790")
            run("xdotool windowfocus $(xdotool search --maxdepth 0 '' 2>/dev/null | head -1)")
        path = os.path.join(trees, name + ".txt")
        update = os.environ.get("UPDATE") == "1"
        reference = None
        if not update:
            if not os.path.exists(path):
                return ["%s: %s is missing" % (name, path)]
            with open(path, encoding="utf-8") as file:
                reference = file.read().splitlines()
        said = settle(reader, state, reference)
        picture = os.path.join(pictures, name + ".png")
        # The fastest of PNG's ways to press it together.
        run("import -window %s -depth 8 -quality 11 %s" % (window, picture))
        if update:
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(said) + "\n")
        wrong = []
        sizes = reader.ask(do="answers")["sizes"]
        if len(sizes) != 2 or sizes[0] != sizes[1] or 0 in sizes[0]:
            wrong.append("%s: Refuse and Allow are not of one size: %s" % (name, sizes))
        if not os.path.exists(picture) or os.path.getsize(picture) < PICTURE_BYTES_MIN:
            wrong.append("%s: no picture" % name)
        if reference is not None and differs(said, reference):
            missing = [line for line in reference if line not in said]
            more = [line for line in said if line not in reference]
            wrong.append("%s: says otherwise\n  missing %s\n  instead %s" % (name, missing, more))
        return wrong
    finally:
        agent.close()


def unfair_lines():
    """The lines of the window's sources that make one answer weightier than the other, or a text frightening."""
    found = []
    files = [file for file in sorted(os.listdir(WINDOW_SOURCES)) if file.endswith((".cc", ".h"))]
    assert "window_face.cc" in files, files
    for file in files:
        with open(os.path.join(WINDOW_SOURCES, file), encoding="utf-8") as source:
            found += ["%s:%d: %s" % (file, number, line.strip()) for number, line in enumerate(source, 1)
                      if UNFAIR.search(line)]
    return found


def main():
    trees, pictures, *names = sys.argv[1:]
    os.makedirs(pictures, exist_ok=True)
    os.makedirs(trees, exist_ok=True)
    wrong = unfair_lines()
    if not names:
        for file in os.listdir(trees):
            if file.removesuffix(".txt") not in STATES:
                wrong.append("%s belongs to no state" % file)
        for name in STATES:
            if os.path.exists(os.path.join(pictures, name + ".png")):
                os.unlink(os.path.join(pictures, name + ".png"))
    reader = ScreenReader()
    for name in names or STATES:
        started = time.monotonic()
        found = show(name, STATES[name], reader, trees, pictures)
        print("%-24s %s %.1f s" % (name, "wrong" if found else "ok", time.monotonic() - started), flush=True)
        wrong += found
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
