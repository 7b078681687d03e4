# SPDX-License-Identifier: Apache-2.0
"""A real Tryton server with the module 'party' in a throw-away folder, and what a person there would see."""

import base64
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import tempfile
import urllib.request

from plain_python import BIN, WAIT_SECONDS, World
from xmpp_rig.rig import free_port

DATABASE = "crm"
FILE = DATABASE + ".sqlite"
USER = "admin"
CONFIG = """[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
"""
INIT_SECONDS = 300
# Where a new database is kept to be copied: making one takes longer than most of the tests.
TOOLS = pathlib.Path(BIN).parent / "tools"


def new_database():
    """A folder with a database that has the module 'party', and the password of its user. Made once for a version."""
    for tool in ("trytond", "trytond-admin"):
        if not shutil.which(tool):
            raise RuntimeError("missing: apt-get install tryton-server tryton-modules-party")
    versions = subprocess.run(
        ["dpkg-query", "--show", "--showformat=-${Version}", "tryton-server", "tryton-modules-party"], check=True,
        capture_output=True, text=True).stdout
    made = TOOLS / f"tryton{versions}"
    if made.exists():
        return made
    TOOLS.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(dir=TOOLS))
    (folder / "password").write_text(secrets.token_hex(12))
    (folder / FILE).touch()
    config = folder / "trytond.conf"
    config.write_text(CONFIG.format(folder=folder, port=0))
    for arguments in (("--all", "--email", "admin@localhost"), ("-u", "party", "--activate-dependencies")):
        subprocess.run(["trytond-admin", "-c", config, "-d", DATABASE, *arguments], check=True, timeout=INIT_SECONDS,
                       env=dict(os.environ, TRYTONPASSFILE=str(folder / "password")),
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        folder.rename(made)
    except OSError:  # Another test was quicker.
        shutil.rmtree(folder)
    return made


class Tryton:
    """'profile' starts and ends its process."""

    def __init__(self, profile):
        self.profile = profile
        self.folder = os.path.join(profile.root, "tryton")
        os.mkdir(self.folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        database = new_database()
        self.password = (database / "password").read_text()
        shutil.copy(database / FILE, self.folder)
        self.config = os.path.join(self.folder, "trytond.conf")
        self.process = None
        self.session = None
        self.log = []
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=self.folder, port=self.port))

    def start(self):
        self.process = self.profile.start(["trytond", "-c", self.config, "-d", DATABASE], self.log.append)
        self.profile.wait_for(self._answers, "the start of trytond", WAIT_SECONDS)

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.profile.end(self.process, "the end of trytond", WAIT_SECONDS)

    def kill(self):
        World.kill(self.process)

    def call(self, method, *arguments):
        if self.session is None and method != "common.db.login":
            uid, token = self.call("common.db.login", USER, {"password": self.password}, "en")
            self.session = base64.b64encode(f"{USER}:{uid}:{token}".encode()).decode()
        request = urllib.request.Request(
            f"{self.url}/{DATABASE}/", json.dumps({"id": 1, "method": method, "params": arguments}).encode(),
            {"Content-Type": "application/json"})
        if self.session:
            request.add_header("Authorization", "Session " + self.session)
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as response:
            answer = json.load(response)
        if answer.get("error"):
            raise RuntimeError(answer["error"])
        return answer["result"]

    def new_party(self, name, **mechanisms):
        return self.call("model.party.party.create", [{
            "name": name, "contact_mechanisms": [["create", [{"type": kind, "value": value}
                                                             for kind, value in mechanisms.items()]]]}], {})[0]

    def parties(self):
        """Names by id."""
        return {row["id"]: row["name"]
                for row in self.call("model.party.party.search_read", [], 0, None, None, ["name"], {})}

    def mechanisms(self, party):
        rows = self.call("model.party.contact_mechanism.search_read", [["party", "=", party]], 0, None, None,
                         ["type", "value"], {})
        return sorted((row["type"], row["value"]) for row in rows)

    def note_rows(self):
        """All of each note, with when it was last written."""
        return sorted(self.call("model.ir.note.search_read", [], 0, None, None,
                                ["resource", "message", "create_date", "write_date"], {}), key=lambda row: row["id"])

    def notes(self, party):
        return [row["message"] for row in self.note_rows() if row["resource"] == f"party.party,{party}"]
