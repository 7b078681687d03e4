#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a screen reader makes of the consent window, over AT-SPI.

Reads one request a line from standard input and answers each in one line, both JSON:

    {"do": "press", "name": "Read new"}   presses the widget whose name begins so
    {"do": "turn", "name": "Chats"}       clicks the tab whose name begins so
    {"do": "wait", "name": "Allow"}       waits until there is one, and it can be used
    {"do": "focus", "name": "Search"}     gives the keyboard to it
    {"do": "where", "name": "Search"}     its place in the window: x, y, width, height; of what is in a row, not of
                                          the row that has its name, with "in_row": true
    {"do": "tree"}                        all that is said, from top to bottom
    {"do": "answers"}                     width and height of the last two buttons
    {"do": "focused"}                     what the keyboard acts on: its name, and how many are above it

Where a window is drawn larger, "scale" says by how much: what is clicked is found by it.

Answers {"ok": false, "there": [...]} when what is named does not come within ten seconds.
"""
import json
import re
import subprocess
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

WAIT_SECONDS = 10
# How often what was found may vanish before it is pressed.
TRIES_MAX = 5
POLL_SECONDS = 0.03
ANSWER_MILLISECONDS = 10_000
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "postern-consent"
# Of one widget: a list of thousands offers some hundred rows at a time.
CHILDREN_MAX = 40
Role = Atspi.Role
State = Atspi.StateType
PRESSABLE = (Role.CHECK_BOX, Role.TOGGLE_BUTTON, Role.PUSH_BUTTON, Role.RADIO_BUTTON, Role.TEXT,
             Role.ENTRY, Role.COMBO_BOX, Role.LIST_ITEM, Role.BUTTON if hasattr(Role, "BUTTON")
             else Role.PUSH_BUTTON)
SWITCHES = (Role.SWITCH,) if hasattr(Role, "SWITCH") else ()
IN_ROW = tuple(role for role in PRESSABLE if role != Role.LIST_ITEM) + SWITCHES
TABS = (Role.PAGE_TAB,)
BUTTONS = (Role.PUSH_BUTTON, Role.BUTTON if hasattr(Role, "BUTTON") else Role.PUSH_BUTTON)
TICKABLE = (Role.CHECK_BOX, Role.TOGGLE_BUTTON)
WRITTEN = (Role.TEXT, Role.ENTRY, Role.LABEL)
# What at-spi2 of Debian 13 calls otherwise.
ROLE_NAMES = {"button": "push button"}
# These hold others and say nothing by themselves.
SILENT = (Role.FILLER, Role.PANEL, Role.SCROLL_PANE, Role.SEPARATOR, Role.VIEWPORT, Role.UNKNOWN)
ACCESSIBLE = "org.a11y.atspi.Accessible"
ACTION = "org.a11y.atspi.Action"
COMPONENT = "org.a11y.atspi.Component"
TEXT = "org.a11y.atspi.Text"
PROPERTIES = "org.freedesktop.DBus.Properties"
NOTHING = "/org/a11y/atspi/null"
DESKTOP = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")


class Bus:
    """The bus of screen readers.

    What libatspi asks about a page, one question after the other, takes a second; here all that is to be known
    of a level of widgets is asked at once.
    """

    def __init__(self):
        session = Gio.bus_get_sync(Gio.BusType.SESSION)
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                address, = session.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", None,
                                             None, Gio.DBusCallFlags.NONE, ANSWER_MILLISECONDS, None).unpack()
                break
            except GLib.Error:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)
        self._bus = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)

    def ask(self, questions):
        """Puts all 'questions': (place, interface, method, arguments). Returns their answers; None: it vanished."""
        answers = [None] * len(questions)
        waiting = len(questions)

        def on_answer(bus, result, number):
            nonlocal waiting
            waiting -= 1
            try:
                answers[number] = bus.call_finish(result).unpack()
            except GLib.Error:
                pass

        for number, ((name, path), interface, method, arguments) in enumerate(questions):
            self._bus.call(name, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE,
                           ANSWER_MILLISECONDS, None, on_answer, number)
        while waiting > 0:
            GLib.MainContext.default().iteration(True)
        return answers

    def act(self, place):
        """Does a widget's first action. Returns whether it was still there; who does not answer may have done it."""
        try:
            self._bus.call_sync(*place, ACTION, "DoAction", GLib.Variant("(i)", (0,)), None, Gio.DBusCallFlags.NONE,
                                ANSWER_MILLISECONDS, None)
        except GLib.Error as error:
            return (error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT) or
                    error.matches(Gio.dbus_error_quark(), Gio.DBusError.NO_REPLY))
        return True


class Widget:
    """What was said of a widget when it was asked. Without 'role' and 'properties' it was not asked for those."""

    def __init__(self, place, states, children, role=(Role.UNKNOWN,), properties=({},)):
        self.place = place
        low, high = states[0]
        self._states = low | high << 32
        self.children = [tuple(child) for child in children[0][:CHILDREN_MAX] if child[1] != NOTHING]
        self.role = Role(role[0])
        self.name = properties[0].get("Name") or ""
        self.description = properties[0].get("Description") or ""

    def has(self, state):
        return bool(self._states >> int(state) & 1)


def about(place, whole):
    """Returns what to ask of a widget: whether it is shown, and what is below it; as a 'whole' all there is."""
    where = [(place, ACCESSIBLE, "GetState", None), (place, ACCESSIBLE, "GetChildren", None)]
    what = [(place, ACCESSIBLE, "GetRole", None),
            (place, PROPERTIES, "GetAll", GLib.Variant("(s)", (ACCESSIBLE,)))]
    return where + what if whole else where


def children_of(place):
    answer, = bus.ask([(place, ACCESSIBLE, "GetChildren", None)])
    return [tuple(child) for child in answer[0]] if answer is not None else []


def program():
    """Returns the place of the program's newest object, or None."""
    places = children_of(DESKTOP)
    for place, name in reversed(list(zip(places, names_of(places)))):
        if name == PROGRAM:
            return place
    return None


def names_of(places):
    answers = bus.ask([(place, PROPERTIES, "Get", GLib.Variant("(ss)", (ACCESSIBLE, "Name"))) for place in places])
    return [answer[0] if answer is not None else "" for answer in answers]


def widgets(whole=True):
    """Returns all that is shown, from top to bottom; widgets come and go, and what vanished is left out."""
    root = program()
    if root is None:
        return []
    shown = {}
    tops = level = children_of(root)[:CHILDREN_MAX]
    while level:
        questions = [about(place, whole) for place in level]
        answers = iter(bus.ask([question for of_one in questions for question in of_one]))
        level = [child for place, of_one in zip(level, questions)
                 for child in see(shown, place, [next(answers) for _ in of_one])]
    found = []
    below = list(reversed(tops))
    while below:
        widget = shown.pop(below.pop(), None)
        if widget is not None:
            found.append(widget)
            below.extend(reversed(widget.children))
    return found


def see(shown, place, answers):
    """Adds what can be seen at 'place' to 'shown'; returns the places below it."""
    if None in answers:
        return []
    widget = Widget(place, *answers)
    if not widget.has(State.VISIBLE):
        return []
    shown[place] = widget
    return widget.children


def own(name):
    """Returns a widget's name; the toolkit's word for a kind of widget is none."""
    return "" if re.fullmatch(r"(Gtk|Adw)[A-Z]\w*", name) else name


def texts_of(found):
    """Returns what each of the widgets holds as text."""
    answers = bus.ask([(widget.place, TEXT, "GetText", GLib.Variant("(ii)", (0, -1))) for widget in found])
    return [answer[0] if answer is not None else "" for answer in answers]


def line_of(widget, text):
    """Returns what is said of a widget, or None."""
    name = own(widget.name)
    if text == name:
        text = ""
    if widget.role in SILENT and not name and not text:
        return None
    role = Role.get_name(widget.role)
    words = [ROLE_NAMES.get(role, role)]
    if name:
        words.append(json.dumps(name, ensure_ascii=False))
    if text:
        words.append("holds " + json.dumps(text, ensure_ascii=False))
    if widget.description and widget.description != name:
        words.append("described " + json.dumps(widget.description, ensure_ascii=False))
    if widget.role in TICKABLE:
        words.append("on" if widget.has(State.CHECKED) or widget.has(State.PRESSED) else "off")
    if widget.has(State.EXPANDED):
        words.append("expanded")
    if widget.role in PRESSABLE and not widget.has(State.SENSITIVE):
        words.append("disabled")
    if len(words) == 1:
        return None
    return " ".join(words)


def find(name, usable, roles):
    for widget in widgets():
        if widget.role in roles and widget.name.startswith(name):
            if not usable or widget.has(State.SENSITIVE):
                return widget
    return None


def wait_for(name, usable, roles):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        widget = find(name, usable, roles)
        if widget is not None:
            return widget
        time.sleep(POLL_SECONDS)
    return None


def press(widget, scale):
    """Returns whether it was still there: pages are filled anew while they are read."""
    actions, = bus.ask([(widget.place, PROPERTIES, "Get", GLib.Variant("(ss)", (ACTION, "NActions")))])
    if actions is not None and actions[0] > 0:
        return bus.act(widget.place)
    # GTK 4.8 gives check buttons and text no action.
    return click(widget, scale)


def extents(widget):
    """Returns its place in the window: x, y, width, height."""
    answer, = bus.ask([(widget.place, COMPONENT, "GetExtents",
                        GLib.Variant("(u)", (int(Atspi.CoordType.WINDOW),)))])
    return answer[0] if answer is not None else (0, 0, 0, 0)


def click(widget, scale):
    """Clicks a widget where it says it is. Returns whether it was still there."""
    x, y, width, height = extents(widget)
    if width == 0:
        return False
    place = [str(scale * (x + width // 2)), str(scale * (y + height // 2))]
    subprocess.run(["xdotool", "mousemove", *place, "click", "1"], check=True)
    return True


def tree():
    found = widgets()
    written = [widget for widget in found if widget.role in WRITTEN]
    texts = dict(zip((widget.place for widget in written), texts_of(written)))
    lines = (line_of(widget, texts.get(widget.place, "")) for widget in found)
    return [line for line in lines if line is not None]


def answer(request):
    do = request["do"]
    if do == "tree":
        return {"ok": True, "tree": tree()}
    if do == "answers":
        buttons = [widget for widget in widgets() if widget.role in BUTTONS][-2:]
        return {"ok": len(buttons) == 2, "sizes": [extents(button)[2:] for button in buttons]}
    if do == "focused":
        for above, widget in enumerate(widgets(whole=False)):
            if widget.has(State.FOCUSED):
                name, = names_of([widget.place])
                return {"ok": True, "name": own(name) or texts_of([widget])[0], "place": above}
        return {"ok": True, "name": "", "place": -1}
    scale = request.get("scale", 1)
    for _ in range(TRIES_MAX):
        roles = TABS if do == "turn" else IN_ROW if request.get("in_row") else PRESSABLE
        widget = wait_for(request["name"], do == "wait", roles)
        if widget is None:
            break
        if do == "where":
            x, y, width, height = extents(widget)
            return {"ok": True, "x": x, "y": y, "width": width, "height": height}
        # A tab's action is over a quarter of a second later, and nothing says so.
        act = {"press": press, "focus": click, "turn": click}.get(do)
        if act is None or act(widget, scale):
            return {"ok": True}
    return {"ok": False, "there": tree()}


bus = Bus()
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
