# SPDX-License-Identifier: Apache-2.0
"""Plays posternd to the real agent: a question on descriptor 3, previews for drafts, the answer."""
import json
import os
import socket
import subprocess
import threading

PACKET = 32 * 1024
ACCOUNTS = [{"id": "%02x" % n + "0" * 30, "name": "alice", "network": network}
            for n, network in ((1, "xmpp"), (2, "alicechat"))]


def chats_named(names, account=0, kind="group"):
    return [{"account": account, "id": "%08x" % (n + 1) + "0" * 24, "name": name, "type": kind}
            for n, name in enumerate(names)]


def question(**changes):
    """A translator's question, with 'changes'."""
    asked = {
        "accounts": ACCOUNTS, "app_id": "org.example.translator", "asked_chats": [],
        "chats": chats_named(["Family", "Work"]) + [
            {"account": 1, "id": "77" + "0" * 30, "name": "Bob", "type": "direct"}],
        "claimed_name": "AliceTrans", "destination": "leaves_device",
        "destination_service": "translate.example", "held_scopes": [], "held_until": None,
        "kind": "enroll_app", "known_name": "", "looks_like": [], "message_text": "",
        "mixed_script": False, "networks": [],
        "optional_scopes": ["messages:history", "messages:send", "reactions:write"],
        "principal": "ab" * 32, "purpose": "Shows your messages in your language",
        "question_id": "0123456789abcdef" * 2, "required_scopes": ["chats:read", "messages:read"],
        "role": "app", "software_version": "1.2", "subject": "", "subject_objected": False,
        "systemd_unit": "", "timeout_seconds": 120,
    }
    asked.update(changes)
    return asked


def preview_of(draft):
    """One message for each ticked chat, and one that is withheld."""
    view = "whole" if "messages:read" in draft["scopes"] else "metadata"
    lines = [{"chat": "Family", "sender": "Bob", "time": 1790000000 - n * 60, "view": view,
              "text": text if view == "whole" else ""}
             for n, text in enumerate(("Dinner at eight?", "Yes. I bring salad.", "\u05e9\u05dc\u05d5\u05dd"))]
    lines.append({"chat": "Family", "sender": "Carol", "text": "", "time": 1789990000,
                  "view": "withheld"})
    return {"chats": max(1, len(draft["chats"])), "known": True, "lines": lines, "messages": 4,
            "readable_now": 3 if "messages:history" in draft["scopes"] else 0}


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Agent:
    """A running agent with one question."""

    def __init__(self, asked, environment, preview=preview_of):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = os.path.join(os.environ.get("POSTERN_BIN", "build/bin"), "postern-consent")
        self.process = subprocess.Popen(
            [program, "--face=window"], env=environment, close_fds=False,
            stdin=subprocess.DEVNULL, preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
        theirs.close()
        self.preview = preview
        self.drafts = []
        self.answer = None
        self._send(canonical(asked))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _send(self, message):
        self.channel.send(b"postern 1 %d" % len(message))
        for start in range(0, len(message), PACKET):
            self.channel.send(message[start:start + PACKET])

    def _receive(self):
        header = self.channel.recv(64)
        if not header:
            return None
        size, message = int(header.split()[-1]), b""
        while len(message) < size:
            message += self.channel.recv(PACKET + 1)
        return json.loads(message)

    def _listen(self):
        while True:
            try:
                message = self._receive()
            except OSError:
                return
            if message is None:
                return
            if message["decision"] != "draft":
                self.answer = message
                return
            self.drafts.append(message)
            try:
                self._send(canonical(self.preview(message)))
            except OSError:
                return

    def wait(self, seconds=20):
        """Returns the answer, or None when there was none; the agent is then gone."""
        self._thread.join(seconds)
        self.close()
        return self.answer

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.channel.close()
