#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A throw-away XMPP world: a Prosody server on loopback and profanity as the peer.

Everything lives in one folder and is gone after `stop`. A keeper process owns the server and the peer and
ends them when it is told to, or when the process that started the rig is gone. Nothing is ended by name.
"""

import argparse
import contextlib
import html
import json
import os
import pwd
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DOMAIN = "chat.test"
OWNER = "bob"  # the gatekeeper's account
PEER = "carol"  # the person who writes to it
START_SECONDS = 30  # Prosody needs about 1 s; a loaded two-core machine needs far more
PEER_SECONDS = 60  # profanity makes its OMEMO keys once, which takes some seconds
STOP_SECONDS = 10
POLL_SECONDS = 0.1  # how often a screen or a port is looked at again; every such loop has a deadline
RETRY_SECONDS = 1  # between two tries to send while the peer's client still fetches keys
NO_KEYS_YET = "This message cannot be decrypted for any recipient."
TMUX_SOCKET_BYTES_MAX = 107  # sun_path
NEEDED = {
    "prosody": "prosody",
    "prosodyctl": "prosody",
    "profanity": "profanity",
    "tmux": "tmux",
    "openssl": "openssl",
    "setpriv": "util-linux",
}

# Prosody 0.12 advertises PEP on the account only. libpurple asks the server, and without this line lurch
# publishes nothing and the messages go out in clear.
PEP_IDENTITY_MODULE = 'module:add_identity("pubsub", "pep", "Prosody");\n'

STRANGER = "stranger"
ROOMS = f"rooms.{DOMAIN}"  # where groups are made
DOWN = f"down.{DOMAIN}"  # a service that nobody ever starts: what is sent there is refused for now

# Each is in the others' contacts: device lists come on their own only from people one is subscribed to.
GROUPS = "[People]\n"

PROSODY_CONFIG = """\
daemonize = false
pidfile = "{home}/prosody.pid"
data_path = "{home}/data"
plugin_paths = {{ "{home}/plugins" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ }}
s2s_ports = {{ }}
s2s_direct_tls_ports = {{ }}
http_ports = {{ }}
https_ports = {{ {https_port} }}
https_interfaces = {{ "127.0.0.1" }}
https_ssl = {{ key = "{home}/server.key", certificate = "{home}/server.crt" }}
component_ports = {{ }}
modules_disabled = {{ "s2s" }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "carbons", "pep", "blocklist", "vcard4",
  "vcard_legacy", "ping", "offline", "private", "bookmarks", "groups", "stanza_debug", "pep_server_identity",
  "admin_shell" }}
groups_file = "{home}/groups"
authentication = "internal_hashed"
storage = "internal"
c2s_require_encryption = true
-- OMEMO publishes some hundred small items at once.
limits = {{ c2s = {{ rate = "1mb/s" }} }}
log = {{ {{ levels = {{ min = "debug" }}, to = "file", filename = "{home}/prosody.log", timestamps = true }} }}
VirtualHost "{domain}"
  ssl = {{ key = "{home}/server.key", certificate = "{home}/server.crt" }}
Component "rooms.{domain}" "muc"
  modules_enabled = {{ "muc_mam" }}
Component "upload.{domain}" "http_file_share"
  http_host = "127.0.0.1"
  http_external_url = "https://127.0.0.1:{https_port}/"
Component "down.{domain}"
"""

PROFANITY_ACCOUNT = """\
[{jid}]
enabled=true
jid={jid}
password={password}
server=127.0.0.1
port={port}
resource=profanity
tls.policy=trust
"""

PROFANITY_CONFIG = """\
[connection]
account={jid}

[logging]
chlog=false

[ui]
splash=false
wrap=false

[notifications]
message=off
"""


class RigError(Exception):
    """What a person can act on."""


def say(text):
    print(f"rig.py: {text}", file=sys.stderr)


def wait_until(what, seconds, check):
    """Asks `check` until it answers something true; RigError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise RigError(f"{what} did not happen within {seconds} s")
        time.sleep(POLL_SECONDS)


def write_private(path, text, mode=0o600):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def free_port():
    """A port nobody listens on now. Prosody fails to start, and we say so, if somebody is faster."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Rig:
    """The rig in one folder. `state` is what every command needs to know; it is made once by `start`."""

    def __init__(self, folder, people=()):
        """`people`: further accounts by name. One that is called STRANGER is in nobody's contacts."""
        self.folder = os.path.realpath(folder)
        self.people = list(people)
        self.state_path = os.path.join(self.folder, "rig.json")
        self.state = {}
        self.keeper = None  # in the process that started it

    def load(self):
        try:
            with open(self.state_path, encoding="utf-8") as file:
                self.state = json.load(file)
        except FileNotFoundError:
            raise RigError(f"no rig in {self.folder}: run `rig.py start {self.folder}`") from None
        return self

    # -- the server ------------------------------------------------------------------------------

    def prepare(self):
        missing = sorted({package for tool, package in NEEDED.items() if not shutil.which(tool)})
        if missing:
            raise RigError("missing: apt-get install " + " ".join(missing))
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        os.chmod(self.folder, 0o700)
        if os.path.exists(self.state_path):
            raise RigError(f"a rig is there already: `rig.py stop {self.folder}` first")
        home = os.path.join(self.folder, "prosody")
        user = None
        if os.geteuid() == 0:
            # Prosody does not want to be root, and another user cannot walk through our 0700 folder.
            user = pwd.getpwnam("prosody")
            home = tempfile.mkdtemp(prefix="postern-prosody-", dir="/tmp")
        os.makedirs(os.path.join(home, "plugins"), mode=0o700, exist_ok=True)
        os.makedirs(os.path.join(home, "data"), mode=0o700, exist_ok=True)
        self.state = {
            "domain": DOMAIN,
            "host": "127.0.0.1",
            "port": free_port(),
            "https_port": free_port(),
            "owner": f"{OWNER}@{DOMAIN}",
            "owner_password_file": os.path.join(self.folder, "owner.password"),
            "peer": f"{PEER}@{DOMAIN}",
            "peer_password": secrets.token_urlsafe(18),
            "certificate": os.path.join(self.folder, "server.crt"),
            "server_home": home,
            "server_log": os.path.join(home, "prosody.log"),
            "server_user": user.pw_name if user else None,
        }
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-keyout", f"{home}/server.key", "-out", f"{home}/server.crt",
             "-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN},IP:127.0.0.1"],
            check=True, capture_output=True)
        shutil.copyfile(f"{home}/server.crt", self.state["certificate"])
        write_private(f"{home}/plugins/mod_pep_server_identity.lua", PEP_IDENTITY_MODULE)
        names = [name for name in (OWNER, PEER, *self.people) if name != STRANGER]
        write_private(f"{home}/groups",
                      GROUPS + "".join(f"{name}@{DOMAIN}={name.capitalize()}\n" for name in names))
        write_private(f"{home}/prosody.cfg.lua",
                      PROSODY_CONFIG.format(home=home, port=self.state["port"], domain=DOMAIN,
                                            https_port=self.state["https_port"]))
        if user:
            for parent, folders, files in os.walk(home):
                for name in [parent] + [os.path.join(parent, entry) for entry in folders + files]:
                    os.chown(name, user.pw_uid, user.pw_gid)
        owner_password = secrets.token_urlsafe(18)
        write_private(self.state["owner_password_file"], owner_password)
        # Prosody 0.12 registers people while it is down, 13 only while it runs.
        server = self.start_server()
        try:
            self.register(OWNER, owner_password)
            self.register(PEER, self.state["peer_password"])
            for name in self.people:
                password = secrets.token_urlsafe(18)
                write_private(os.path.join(self.folder, f"{name}.password"), password)
                self.register(name, password)
        finally:
            self.end_server(server)

    def password(self, name):
        if name == PEER:
            return self.state["peer_password"]
        path = os.path.join(self.folder, f"{'owner' if name == OWNER else name}.password")
        with open(path, encoding="utf-8") as file:
            return file.read()

    def as_server(self, *command):
        """`command` as the server's user, ended with its parent."""
        prefix = ["setpriv", "--pdeathsig", "TERM"]
        if self.state["server_user"]:
            user = pwd.getpwnam(self.state["server_user"])
            prefix += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        return prefix + list(command)

    def register(self, name, password):
        config = f"{self.state['server_home']}/prosody.cfg.lua"
        # The password goes in by a pipe: command lines can be read by everybody. It is asked for twice.
        def asked():
            done = subprocess.run(
                self.as_server("prosodyctl", "--config", config, "adduser", f"{name}@{DOMAIN}"),
                input=f"{password}\n{password}\n", text=True, capture_output=True, cwd="/")
            # Prosody 13 takes clients a moment before it takes orders.
            return None if "Unable to connect" in done.stdout + done.stderr else done

        done = wait_until(f"prosodyctl reaching Prosody to add {name}", START_SECONDS, asked)
        if done.returncode != 0:
            raise RigError(f"prosodyctl could not add {name}: {done.stdout}{done.stderr}")

    def start_server(self):
        """Starts Prosody in the foreground of the calling process and waits until it takes connections."""
        home = self.state["server_home"]
        with open(os.path.join(self.folder, "prosody.out"), "ab") as output:
            server = subprocess.Popen(
                self.as_server("prosody", "--config", f"{home}/prosody.cfg.lua", "-F"),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/")

        def listening():
            if server.poll() is not None:
                raise RigError(f"Prosody ended with {server.returncode}: see {self.folder}/prosody.out")
            with socket.socket() as probe:
                probe.settimeout(1)
                return probe.connect_ex(("127.0.0.1", self.state["port"])) == 0

        wait_until("Prosody listening", START_SECONDS, listening)
        return server

    @staticmethod
    def end_server(server):
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    def _order(self, number, runs):
        """Has the keeper end or start the server, and waits until it has."""
        keeper = self.load().state["keeper"]
        if process_name(keeper["pid"]) != keeper:
            raise RigError("the keeper has gone")
        os.kill(keeper["pid"], number)
        wait_until(f"server {'up' if runs else 'down'}", START_SECONDS + STOP_SECONDS,
                   lambda: self.load().state["server_runs"] == runs)

    def take_server_down(self):
        """Ends the server under the clients that are connected to it. Accounts, rooms and offline messages stay."""
        self._order(signal.SIGUSR1, False)

    def bring_server_back(self):
        """Starts it again, at the same port. Clients come back by themselves or not; profanity does not."""
        self._order(signal.SIGUSR2, True)

    # -- the peer --------------------------------------------------------------------------------

    def tmux(self, *arguments, check=True):
        done = subprocess.run(["tmux", "-S", os.path.join(self.folder, "tmux"), "-f", "/dev/null", *arguments],
                              text=True, capture_output=True)
        if check and done.returncode != 0:
            raise RigError(f"tmux {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p", "-J", "-S", "-500", "-t", "peer")

    def type(self, line):
        self.tmux("send-keys", "-t", "peer", "-l", "--", line)
        self.tmux("send-keys", "-t", "peer", "Enter")

    def wait_on_screen(self, text, seconds=PEER_SECONDS):
        try:
            wait_until(f"{text!r} on the peer's screen", seconds, lambda: text in self.screen())
        except RigError as error:
            raise RigError(f"{error}; it shows:\n{self.screen().strip()}") from None

    def run_profanity(self):
        home = os.path.join(self.folder, "peer")
        environment = {
            "HOME": home, "XDG_CONFIG_HOME": f"{home}/config", "XDG_DATA_HOME": f"{home}/data",
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "TERM": "screen-256color",
        }
        # Wide, so that no line is wrapped and a text can be searched for.
        command = ["env", "-i"] + [f"{key}={value}" for key, value in environment.items()]
        self.tmux("new-session", "-d", "-s", "peer", "-x", "220", "-y", "60", *command,
                  "profanity", "--log", "ERROR")
        self.wait_on_screen(f"{self.state['peer']}/profanity logged in successfully")

    def log_peer_in(self):
        """Starts profanity and logs in."""
        home = os.path.join(self.folder, "peer")
        if len(os.fsencode(os.path.join(self.folder, "tmux"))) > TMUX_SOCKET_BYTES_MAX:
            raise RigError(f"{self.folder} is too long a path for tmux's socket")
        for folder in ("config/profanity", "data/profanity"):
            os.makedirs(os.path.join(home, folder), mode=0o700, exist_ok=True)
        write_private(f"{home}/data/profanity/accounts", PROFANITY_ACCOUNT.format(
            jid=self.state["peer"], password=self.state["peer_password"], port=self.state["port"]))
        write_private(f"{home}/config/profanity/profrc", PROFANITY_CONFIG.format(jid=self.state["peer"]))
        self.run_profanity()

    def start_peer(self):
        """Starts profanity, logs in, and makes its OMEMO keys."""
        self.log_peer_in()
        for line in ("/roster hide", "/omemo trustmode blind", "/omemo gen"):
            self.type(line)
        self.wait_on_screen("graphic materials generated")  # "crytographic" before 0.15
        # profanity 0.13 never publishes its devices when the list does not exist yet: make an empty one.
        self.type("/xmlconsole")
        self.type("<iq type='set' id='make-list'><pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                  "<publish node='eu.siacs.conversations.axolotl.devicelist'><item id='current'>"
                  "<list xmlns='eu.siacs.conversations.axolotl'/></item></publish></pubsub></iq>")
        wait_until("the peer's device list", PEER_SECONDS, self.peer_device_published)
        self.type("/win 1")

    def peer_device_published(self):
        with open(self.state["server_log"], encoding="utf-8", errors="replace") as log:
            return any("RECV" in line and "axolotl.devicelist" in line and "<device " in line
                       for line in log)

    def peer_say(self, text, encrypted):
        """Has the peer write `text` to the owner, and waits until its own screen shows it as sent."""
        self.type(f"/msg {self.state['owner']}")
        if not encrypted:
            self.type("/omemo end")
            self.type(text)
            self.wait_on_screen(f"me: {text}")
            return
        deadline = time.monotonic() + PEER_SECONDS
        while True:
            # profanity fetches the other side's keys in the background, and until it has them it refuses:
            # a refused text was not sent, so it may be typed again.
            if self.screen().count(NO_KEYS_YET) > 0:
                # Keys that were asked for before they were published are asked for again by a new start only.
                self.type("/omemo end")
            self.type(f"/omemo start {self.state['owner']}")
            wait_until("OMEMO in the peer's chat", PEER_SECONDS, lambda: "[OMEMO]" in self.screen())
            refusals = self.screen().count(NO_KEYS_YET)
            self.type(text)
            wait_until("the peer's client taking the text", PEER_SECONDS, lambda: (
                f"me: {text}" in self.screen() or self.screen().count(NO_KEYS_YET) > refusals))
            if f"me: {text}" in self.screen():
                return
            if time.monotonic() > deadline:
                raise RigError(f"the peer found no keys of {self.state['owner']} in {PEER_SECONDS} s")
            time.sleep(RETRY_SECONDS)

    def peer_wait_for(self, text, seconds=PEER_SECONDS):
        """Waits until the peer's chat with the owner shows `text`."""
        self.type(f"/msg {self.state['owner']}")
        self.wait_on_screen(text, seconds)

    # -- all of it -------------------------------------------------------------------------------

    def save(self):
        temporary = self.state_path + ".new"
        write_private(temporary, json.dumps(self.state, indent=2) + "\n")
        os.replace(temporary, self.state_path)

    def keep(self, owner):
        """Holds the server and the peer until told to end, or until `owner` is gone."""
        server = None
        ending = []
        orders = []  # whether the server shall run
        wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: ending.append(True))
        signal.signal(signal.SIGUSR1, lambda *_: orders.append(False))
        signal.signal(signal.SIGUSR2, lambda *_: orders.append(True))
        try:
            poller = select.poll()
            poller.register(wake_read, select.POLLIN)
            owner_fd = os.pidfd_open(owner) if owner else -1
            if owner_fd >= 0:
                poller.register(owner_fd, select.POLLIN)
            self.prepare()
            self.state["keeper"] = process_name(os.getpid())
            self.save()
            server = self.start_server()
            self.start_peer()
            self.state.update(ready=True, server_runs=True)
            self.save()
            while not ending and (server is None or server.poll() is None):
                for descriptor, _ in poller.poll(1000 * STOP_SECONDS):
                    if descriptor == owner_fd:
                        ending.append(True)
                    else:
                        os.read(wake_read, 4096)
                while orders:
                    if orders.pop(0):
                        server = server or self.start_server()
                    elif server:
                        self.end_server(server)
                        server = None
                    self.state["server_runs"] = server is not None
                    self.save()
        finally:
            with contextlib.suppress(RigError, OSError):
                self.tmux("kill-server", check=False)
            if server:
                self.end_server(server)
            home = self.state.get("server_home", "")
            if home and not home.startswith(self.folder):
                shutil.rmtree(home, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.state_path)

    def start(self, owner):
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        if os.path.exists(self.state_path):
            raise RigError(f"a rig is there already: `rig.py stop {self.folder}` first")
        log_path = os.path.join(self.folder, "keeper.log")
        with open(log_path, "wb") as log:
            keeper = subprocess.Popen(
                [sys.executable, os.path.realpath(__file__), "keep", self.folder, "--owner", str(owner),
                 *(argument for name in self.people for argument in ("--person", name))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

        def ready():
            if keeper.poll() is not None:
                with open(log_path, encoding="utf-8", errors="replace") as log:
                    raise RigError(log.read().strip() or f"the keeper ended with {keeper.returncode}")
            with contextlib.suppress(RigError, ValueError):
                return self.load().state.get("ready")
            return False

        try:
            wait_until("the rig", START_SECONDS + 2 * PEER_SECONDS, ready)
        except (RigError, KeyboardInterrupt):
            keeper.terminate()
            keeper.wait()
            raise
        self.keeper = keeper

    def stop(self):
        """Ends everything and removes the folder. Safe to repeat."""
        keeper = None
        with contextlib.suppress(RigError):
            keeper = self.load().state.get("keeper")
        if keeper and process_name(keeper["pid"]) == keeper:
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(keeper["pid"])
                signal.pidfd_send_signal(descriptor, signal.SIGTERM)
                if not select.select([descriptor], [], [], 3 * STOP_SECONDS)[0]:
                    raise RigError(f"the keeper (process {keeper['pid']}) does not end")
                os.close(descriptor)
        if self.keeper:
            self.keeper.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def host_flags(self, data_directory, name=OWNER, resource="postern"):
        """What postern-purple-host needs to be the client of the owner, or of one of `people`."""
        return ["--account", f"{name}@{DOMAIN}/{resource}",
                "--password-file", os.path.join(self.folder, f"{'owner' if name == OWNER else name}.password"),
                "--server", f"{self.state['host']}:{self.state['port']}",
                "--trust-certificate", self.state["certificate"],
                "--data-dir", data_directory]

    def count_in_server_log(self, text):
        """How many lines of what the server read and wrote hold `text`, as it is or as XML writes it."""
        in_xml = html.escape(text).replace("&#x27;", "&apos;")
        with open(self.state["server_log"], encoding="utf-8", errors="replace") as log:
            return sum(text in line or in_xml in line for line in log)


def process_name(pid):
    """A process by its id and start time: an id alone is used again. None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return {"pid": int(pid), "start": file.read().rpartition(")")[2].split()[19]}
    except (FileNotFoundError, ProcessLookupError):
        return None


EXAMPLES = """\
examples:
  rig.py start /tmp/try                     a server, two accounts, profanity with its OMEMO keys
  rig.py host-flags /tmp/try /tmp/try/host  flags that make postern-purple-host the gatekeeper
  rig.py say /tmp/try 'hello'               the peer writes, with OMEMO
  rig.py say-plain /tmp/try 'hello'         the peer writes without
  rig.py wait-for /tmp/try 'hello back'     until the peer's screen shows it
  rig.py count /tmp/try 'hello'             lines of the server's stanza log that hold it
  rig.py stop /tmp/try
"""


def main():
    parser = argparse.ArgumentParser(prog="rig.py", description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words, helps in (
            ("start", [], "start everything and return when it is ready"),
            ("keep", [], argparse.SUPPRESS),
            ("stop", [], "end everything and remove the folder"),
            ("state", [], "print where things are, as JSON"),
            ("screen", [], "print the peer's screen"),
            ("host-flags", ["data_directory"], "print flags for postern-purple-host, one a line"),
            ("say", ["text"], "the peer writes to the owner with OMEMO"),
            ("say-plain", ["text"], "the peer writes to the owner without OMEMO"),
            ("wait-for", ["text"], "wait until the peer's screen shows the text"),
            ("count", ["text"], "count the server's stanza log lines that hold the text")):
        command = commands.add_parser(name, help=helps)
        command.add_argument("folder")
        for word in words:
            command.add_argument(word)
        if name in ("start", "keep"):
            command.add_argument("--person", action="append", default=[], help="one more account")
            command.add_argument("--owner", type=int, default=0,
                                 help="end when this process does (0: only `stop` ends it)")
        if name == "wait-for":
            command.add_argument("--seconds", type=float, default=PEER_SECONDS)
    arguments = parser.parse_args()
    rig = Rig(arguments.folder, getattr(arguments, "person", ()))
    try:
        if arguments.command == "start":
            rig.start(arguments.owner)
        elif arguments.command == "keep":
            rig.keep(arguments.owner)
        elif arguments.command == "stop":
            rig.stop()
        elif arguments.command == "state":
            print(json.dumps(rig.load().state, indent=2))
        elif arguments.command == "screen":
            print(rig.load().screen())
        elif arguments.command == "host-flags":
            print("\n".join(rig.load().host_flags(arguments.data_directory)))
        elif arguments.command in ("say", "say-plain"):
            rig.load().peer_say(arguments.text, arguments.command == "say")
        elif arguments.command == "wait-for":
            rig.load().peer_wait_for(arguments.text, arguments.seconds)
        elif arguments.command == "count":
            print(rig.load().count_in_server_log(arguments.text))
    except RigError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
