# SPDX-License-Identifier: Apache-2.0
"""The real posternd on the test's display, in a profile that is thrown away."""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients/demo"))
from throwaway import Profile  # noqa: E402

BIN = os.path.realpath(os.environ.get("POSTERN_BIN", "build/bin"))
DEADLINE_SECONDS = 60
WINDOW_VARIABLES = ("GDK_DEBUG", "GDK_DISABLE", "GDK_BACKEND", "GSK_RENDERER", "GTK_A11Y")


class Broker:
    """Runs while the block does, with a keyring of its own."""

    def __enter__(self):
        self.profile = Profile()
        try:
            self.begin()
        except BaseException:
            self.profile.close()
            raise
        return self

    def begin(self):
        self.profile.env.update(LANG="C.UTF-8", LANGUAGE="", GSETTINGS_BACKEND="memory")
        # What on_display.sh says of windows.
        self.profile.env.update({name: os.environ[name] for name in WINDOW_VARIABLES if name in os.environ})
        self.profile.start_bus_and_keyring()
        self.profile.keep_accessibility()
        daemon = self.start("posternd")
        self.profile.wait_for(lambda: any("event=serving" in line for line in daemon.lines), "the start of posternd",
                              DEADLINE_SECONDS)

    def __exit__(self, *_):
        self.profile.close()

    def write(self, name, text):
        """Writes a file into the profile; returns its path."""
        path = os.path.join(self.profile.root, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, program, *arguments):
        """Starts a program of this build. What it says is in its 'lines'."""
        lines = []
        process = self.profile.start([os.path.join(BIN, program), *arguments], lines.append)
        process.lines = lines
        return process

    def ended_well(self, process):
        """Waits for the end of a program that has nothing more to wait for."""
        assert process.wait(DEADLINE_SECONDS) == 0, process.lines

    def postern(self, *arguments):
        """What `postern ARGUMENTS --json` says, with the owner's key."""
        code, lines = self.profile.run([os.path.join(BIN, "postern"), *arguments, "--json"], DEADLINE_SECONDS)
        assert code == 0, (arguments, lines)
        return json.loads("\n".join(lines))

    def granted(self, app):
        """The one grant of an app, by the name the person gave it: its scopes, its chats by name, and the whole."""
        grant, = [owned["grant"] for owned in self.postern("grants", "list")["grants"]
                  if owned["app_display_name"] == app]
        names = {chat["chat_id"]: chat["name"] for chat in self.postern("disclosures")["disclosures"]}
        chats = [names[chat] for chat in grant["selection"]["included_chat_ids"]]
        return grant["scopes"], sorted(chats), grant
