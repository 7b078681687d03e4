#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Presses widgets of the consent window over AT-SPI, found by the beginning of their name.

    press_widgets.py NAME...

Waits up to a minute for each. Exits 1, naming what is there, when one does not come.
"""
import subprocess
import sys
import time

import pyatspi

WAIT_SECONDS = 60
PRESSABLE = (pyatspi.ROLE_CHECK_BOX, pyatspi.ROLE_TOGGLE_BUTTON, pyatspi.ROLE_PUSH_BUTTON,
             pyatspi.ROLE_RADIO_BUTTON, pyatspi.ROLE_TEXT, pyatspi.ROLE_ENTRY)


def widgets(node):
    """Yields all below 'node'; widgets come and go, and a vanished one is skipped."""
    try:
        children = [node.getChildAtIndex(i) for i in range(node.childCount)]
    except Exception:  # pyatspi raises its own kinds for a vanished object
        return
    for child in children:
        if child is not None:
            yield child
            yield from widgets(child)


def find(name):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            for app in pyatspi.Registry.getDesktop(0):
                if app is None or app.name != "postern-consent":
                    continue
                # What was asked before the program answered is remembered as nothing.
                app.clearCache()
                for widget in widgets(app):
                    if widget.getRole() in PRESSABLE and widget.name.startswith(name):
                        return widget
        except Exception:  # the window of the case before has gone meanwhile
            pass
        time.sleep(0.05)
    return None


def press(widget):
    if widget.queryAction().nActions > 0:
        widget.queryAction().doAction(0)
        return
    # GTK 4.8 gives check buttons and text no action: they are clicked, where they say they are.
    extents = widget.queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    subprocess.run(["xdotool", "mousemove", str(extents.x + extents.width // 2),
                    str(extents.y + extents.height // 2), "click", "1"], check=True)


def main():
    for name in sys.argv[1:]:
        widget = find(name)
        if widget is None:
            print("there is no", name)
            for app in pyatspi.Registry.getDesktop(0):
                for other in widgets(app):
                    print(" ", other.getRoleName(), repr(other.name))
            return 1
        press(widget)
    return 0


sys.exit(main())
