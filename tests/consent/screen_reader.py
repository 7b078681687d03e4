#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a screen reader makes of the consent window, over AT-SPI.

Reads one request a line from standard input and answers each in one line, both JSON:

    {"do": "press", "name": "Read new"}   presses the widget whose name begins so
    {"do": "wait", "name": "Allow"}       waits until there is one, and it can be used
    {"do": "focus", "name": "Search"}     gives the keyboard to it
    {"do": "where", "name": "Search"}     its place in the window: x, y, width, height
    {"do": "tree"}                        all that is said, from top to bottom
    {"do": "focused"}                     what the keyboard acts on: its name, and how many are above it
    {"do": "ticked"}                      the names of what is ticked or switched on

Answers {"ok": false, "there": [...]} when what is named does not come within ten seconds.
"""
import json
import re
import subprocess
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

WAIT_SECONDS = 10
POLL_SECONDS = 0.03
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "postern-consent"
# Of one widget: a list of thousands offers some hundred rows at a time.
CHILDREN_MAX = 40
Role = Atspi.Role
State = Atspi.StateType
PRESSABLE = (Role.CHECK_BOX, Role.TOGGLE_BUTTON, Role.PUSH_BUTTON, Role.RADIO_BUTTON, Role.TEXT,
             Role.ENTRY, Role.COMBO_BOX, Role.LIST_ITEM, Role.BUTTON if hasattr(Role, "BUTTON")
             else Role.PUSH_BUTTON)
TICKABLE = (Role.CHECK_BOX, Role.TOGGLE_BUTTON)
# These hold others and say nothing by themselves.
SILENT = (Role.FILLER, Role.PANEL, Role.SCROLL_PANE, Role.SEPARATOR, Role.VIEWPORT, Role.UNKNOWN)


def window():
    """Returns the program's newest object, or None."""
    while GLib.MainContext.default().iteration(False):
        pass
    desktop = Atspi.get_desktop(0)
    desktop.set_cache_mask(Atspi.Cache.NONE)
    for place in reversed(range(desktop.get_child_count())):
        program = desktop.get_child_at_index(place)
        if program is not None and program.get_name() == PROGRAM:
            program.set_cache_mask(Atspi.Cache.NONE)
            return program
    return None


def below(node, depth=0):
    """Yields (depth, widget) for all that is shown below 'node'."""
    for place in range(min(node.get_child_count(), CHILDREN_MAX)):
        child = node.get_child_at_index(place)
        if child is None:
            continue
        if not child.get_state_set().contains(State.VISIBLE):
            continue
        yield depth, child
        yield from below(child, depth + 1)


def widgets():
    """Returns all that is shown; widgets come and go, and what vanishes ends the walk."""
    program = window()
    found = []
    if program is None:
        return found
    try:
        for item in below(program):
            found.append(item)
    except GLib.Error:
        pass
    return found


def name_of(widget):
    """Returns its name; the toolkit's word for a kind of widget is none."""
    name = widget.get_name() or ""
    return "" if re.fullmatch(r"(Gtk|Adw)[A-Z]\w*", name) else name


def text_of(widget):
    try:
        text = widget.get_text_iface()
        return Atspi.Text.get_text(text, 0, -1) if text is not None else ""
    except GLib.Error:
        return ""


def line_of(depth, widget):
    """Returns what is said of a widget, or None."""
    role = widget.get_role()
    name = name_of(widget)
    text = text_of(widget) if role in (Role.TEXT, Role.ENTRY, Role.LABEL) else ""
    description = widget.get_description() or ""
    if text == name:
        text = ""
    if role in SILENT and not name and not text:
        return None
    states = widget.get_state_set()
    words = [widget.get_role_name()]
    if name:
        words.append(json.dumps(name, ensure_ascii=False))
    if text:
        words.append("holds " + json.dumps(text, ensure_ascii=False))
    if description and description != name:
        words.append("described " + json.dumps(description, ensure_ascii=False))
    if role in TICKABLE:
        on = states.contains(State.CHECKED) or states.contains(State.PRESSED)
        words.append("on" if on else "off")
    if states.contains(State.EXPANDED):
        words.append("expanded")
    if role in PRESSABLE and not states.contains(State.SENSITIVE):
        words.append("disabled")
    if len(words) == 1:
        return None
    return " ".join(words)


def find(name, usable):
    program = window()
    if program is None:
        return None
    try:
        for _, widget in below(program):
            if widget.get_role() in PRESSABLE and (widget.get_name() or "").startswith(name):
                if not usable or widget.get_state_set().contains(State.SENSITIVE):
                    return widget
    except GLib.Error:
        pass
    return None


def wait_for(name, usable):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        widget = find(name, usable)
        if widget is not None:
            return widget
        time.sleep(POLL_SECONDS)
    return None


def press(widget):
    action = widget.get_action_iface()
    if action is not None and Atspi.Action.get_n_actions(action) > 0:
        Atspi.Action.do_action(action, 0)
        return
    # GTK 4.8 gives check buttons and text no action.
    click(widget)


def click(widget):
    """Clicks a widget where it says it is."""
    extents = Atspi.Component.get_extents(widget.get_component_iface(), Atspi.CoordType.WINDOW)
    subprocess.run(["xdotool", "mousemove", str(extents.x + extents.width // 2),
                    str(extents.y + extents.height // 2), "click", "1"], check=True)


def tree():
    lines = []
    for depth, widget in widgets():
        try:
            line = line_of(depth, widget)
        except GLib.Error:
            continue
        if line is not None:
            lines.append(line)
    return lines


def answer(request):
    do = request["do"]
    if do == "tree":
        return {"ok": True, "tree": tree()}
    if do == "focused":
        for place, (_, widget) in enumerate(widgets()):
            if widget.get_state_set().contains(State.FOCUSED):
                return {"ok": True, "name": name_of(widget) or text_of(widget), "place": place}
        return {"ok": True, "name": "", "place": -1}
    if do == "ticked":
        names = [widget.get_name() for _, widget in widgets() if widget.get_role() in TICKABLE and
                 (widget.get_state_set().contains(State.CHECKED) or
                  widget.get_state_set().contains(State.PRESSED))]
        return {"ok": True, "ticked": names}
    widget = wait_for(request["name"], do == "wait")
    if widget is None:
        return {"ok": False, "there": tree()}
    if do == "where":
        place = Atspi.Component.get_extents(widget.get_component_iface(), Atspi.CoordType.WINDOW)
        return {"ok": True, "x": place.x, "y": place.y, "width": place.width, "height": place.height}
    if do == "press":
        press(widget)
    if do == "focus":
        click(widget)
    return {"ok": True}


def main():
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except GLib.Error as error:
            reply = {"ok": False, "error": str(error)}
        print(json.dumps(reply), flush=True)


main()
