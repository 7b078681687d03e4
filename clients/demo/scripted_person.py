#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own and answers Postern's consent questions there, as a person would.

For `./dev demo` where there is no terminal. It types at the same agent that a person types at; Postern
has no other way to be answered. What it types is in the output, marked "[scripted person]".

    scripted_person.py [--answer 'PROMPT=LINE']... [--timeout SECONDS] [--] COMMAND [ARGUMENT...]

PROMPT is the beginning of a prompt of the agent ("Allow which"), LINE what is typed at it. A later
--answer for the same prompt replaces the default below; 'PROMPT=LINE|LINE' types the first line at the
first such prompt, the second at the second, and the last at all that follow. "Allow which=all" types
the numbers of all that is offered; "the one with TEXT" types the number of the line that holds TEXT.
Exits with the command's exit code, or 124 when the time is over (the command is then ended).
"""
import argparse
import errno
import os
import pty
import select
import signal
import sys
import time

# What a willing person types. Empty is Enter.
DEFAULTS = {
    "Your name for it": "",
    "Allow which": "all",
    "Which chats": "all and new",
    "Which accounts": "1",
    "Which kinds (": "",
    "With whom (": "",
    "Leave out which": "",
    "How far back": "",
    "How many (": "",
    "How long (": "",
    "While locked (": "",
    "Start it (": "",
    'Type "allow"': "allow",
}
# Every prompt of the agent ends so.
PROMPT_END = "> "
# How a question's heading and each access it asks for begin.
QUESTION_PREFIX = "Postern: "
SCOPES_PREFIX = "  [ ] "
ONE_WITH = "the one with "
END_GRACE_SECONDS = 5


class Person:
    """Watches one line of output at a time and knows what to type when it is a prompt."""

    def __init__(self, answers):
        self.answers = {prompt: line.split("|") for prompt, line in answers.items()}
        self.line = ""
        self.scopes = 0
        self.offered = []

    def number_of(self, text):
        """The number before what was offered last with this text."""
        return next((line.split()[0] for line in reversed(self.offered) if text in line), "")

    def hear(self, text):
        """Takes output; returns (prompt, line) when a prompt waits, else None."""
        for character in text:
            if character == "\n":
                if self.line.startswith(QUESTION_PREFIX):
                    self.scopes = 0
                    self.offered = []
                elif self.line.startswith(SCOPES_PREFIX):
                    self.scopes += 1
                    self.offered.append(self.line.removeprefix(SCOPES_PREFIX))
                self.line = ""
            elif character != "\r":
                self.line += character
        if not self.line.endswith(PROMPT_END):
            return None
        for prompt, lines in self.answers.items():
            if self.line.startswith(prompt):
                self.line = ""
                line = lines.pop(0) if len(lines) > 1 else lines[0]
                if prompt == "Allow which" and line == "all":
                    line = "1-%d" % self.scopes
                elif line.startswith(ONE_WITH):
                    line = self.number_of(line.removeprefix(ONE_WITH))
                return prompt, line
        return None


def say(text):
    os.write(1, text.encode("utf-8", "replace"))


def exit_code(status):
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def end(pid):
    """Asks the command to end, and makes it."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + END_GRACE_SECONDS
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def run(command, answers, timeout):
    person = Person(answers)
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print("cannot run %s: %s" % (command[0], error.strerror), file=sys.stderr)
            os._exit(127)
    # Asked to end, the command is: it must not outlive us.
    def stop(number, _frame):
        end(pid)
        sys.exit(128 + number)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)

    say("[scripted person] There is no terminal here: a scripted person answers the questions below.\n")
    deadline = time.monotonic() + timeout
    while True:
        readable, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        if not readable:
            say("\n[scripted person] The time is over.\n")
            end(pid)
            return 124
        try:
            output = os.read(terminal, 65536)
        except OSError as error:
            # The last program on the terminal has gone.
            if error.errno != errno.EIO:
                raise
            output = b""
        if not output:
            break
        os.write(1, output.replace(b"\r\n", b"\n"))
        # A character cut in two by the read does no harm: prompts are ASCII.
        answer = person.hear(output.decode("utf-8", "replace"))
        if answer is not None:
            prompt, line = answer
            say("[scripted person] %s\n" % (line if line else "(Enter)"))
            os.write(terminal, line.encode() + b"\n")
    return exit_code(os.waitpid(pid, 0)[1])


def main():
    parser = argparse.ArgumentParser(
        description="Runs a command on a terminal and answers Postern's consent questions there.")
    parser.add_argument("--answer", action="append", default=[], metavar="PROMPT=LINE")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("no command")
    answers = dict(DEFAULTS)
    for answer in options.answer:
        prompt, equals, line = answer.partition("=")
        if not equals:
            parser.error("--answer needs PROMPT=LINE")
        answers[prompt] = line
    sys.exit(run(command, answers, options.timeout))


if __name__ == "__main__":
    main()
