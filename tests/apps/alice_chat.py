# SPDX-License-Identifier: Apache-2.0
"""AliceChat moved by hand, and what it and others say, to wait for."""

import json
import queue
import re
import subprocess
import threading

from plain_python import WAIT_SECONDS, program


class Lines:
    """What a program says, to wait for."""

    def __init__(self):
        self.said = []
        self._more = threading.Condition()

    def append(self, line):
        with self._more:
            self.said.append(line)
            self._more.notify_all()

    def __iter__(self):
        return iter(list(self.said))

    def __len__(self):
        return len(self.said)

    def __getitem__(self, place):
        return self.said[place]

    def wait(self, pattern, after=0, seconds=WAIT_SECONDS):
        """The first line past 'after' that fits. Fails with all that was said."""
        found = []

        def fits():
            found.extend(line for line in self.said[after:] if re.search(pattern, line))
            return found

        with self._more:
            if not self._more.wait_for(fits, seconds):
                raise AssertionError(f"nothing fits {pattern!r} in:\n" + "\n".join(self.said[after:]))
        return found[0]

    def all(self, pattern):
        return [line for line in self if re.search(pattern, line)]


class AliceChat:
    """postern-demo-gatekeeper --control: its people do what they are told, and say what they see."""

    def __init__(self, world, script, *flags):
        self.world = world
        self.flags = flags
        self.path = world.path("script.txt")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(script)
        self.answers = queue.Queue()
        self.said = Lines()
        self.start()

    def start(self):
        before = len(self.said)
        self.process = self.world.profile.start(
            [program("postern-demo-gatekeeper"), "--script", self.path, "--control", *self.flags], self.hear,
            stdin=subprocess.PIPE)
        self.said.wait("attached", before)

    def hear(self, line):
        if line.startswith("{"):
            self.answers.put(json.loads(line))
        else:
            self.said.append(line)

    def ask(self, **request):
        self.process.popen.stdin.write((json.dumps(request) + "\n").encode())
        self.process.popen.stdin.flush()
        try:
            return self.answers.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise AssertionError(f"AliceChat does not answer {request}:\n" + "\n".join(self.said)) from None

    def do(self, chat, files=None, **kind):
        answer = self.ask(do={"chat_id": chat, **kind}, **({"files": files} if files else {}))
        if "done" not in answer:
            raise AssertionError(f"{kind}: {answer}")

    def says(self, chat, who, ident, text, **more):
        self.do(chat, message_created={"message": {
            "id": ident, "sender_contact_id": who, "kind": "MESSAGE_KIND_TEXT", "text": text, **more}})

    def look(self, chat, message=""):
        return self.ask(look={"chat_id": chat, "message_id": message})["seen"]
