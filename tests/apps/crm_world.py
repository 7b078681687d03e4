# SPDX-License-Identifier: Apache-2.0
"""postern-crm between AliceChat and a real Tryton, in a throw-away profile."""

import os
import pathlib
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "real"))
from plain_python import WAIT_SECONDS, Failure, World, program  # noqa: E402
from tryton import DATABASE, USER, Tryton  # noqa: E402

APP = "org.postern.crm"
PEOPLE = """\
person alice "Alice Novak"
person maria "María García"
person jonas "Jonas Becker"
direct alice
direct maria
direct jonas
group dinner "Friday dinner" alice maria jonas
+0 alice - is "Alice Novak" address=tel:+436641234567
+0 jonas - is "Jonas Becker" address=xmpp:jonas@example.org
"""
# gRPC's own trace of what it has decrypted: the bytes that came over the wire to this process.
WIRE = ("GRPC_VERBOSITY=DEBUG", "GRPC_TRACE=secure_endpoint")
READ = re.compile(r"\] +READ 0x[0-9a-f]+: ((?:[0-9a-f]{2} ?)+)")


def zone_where_it_is_noon():
    """So that no test runs over midnight, where the notes of a day begin anew."""
    return f"Fixed/UTC{12 - time.gmtime().tm_hour:+03d}:00:00"


def wire_bytes(lines):
    """All that a process started with WIRE was sent."""
    return b"".join(bytes.fromhex(found[1]) for found in map(READ.search, lines) if found)


class CrmWorld(World):
    def __init__(self):
        super().__init__()
        self.profile.start_bus_and_keyring()
        self.tryton = Tryton(self.profile)
        self.tryton.start()
        self.zone = zone_where_it_is_noon()
        self.scripts = 0
        self.app = None
        self.lines = []
        self.configure()

    def configure(self, url=None, password=None, **records):
        """Writes the configuration. Values are TOML."""
        secret = self.path("crm-password")
        if os.path.exists(secret):
            os.unlink(secret)
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write((password or self.tryton.password) + "\n")
        self.config = self.path("crm.toml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f'[tryton]\nurl = "{url or self.tryton.url}"\ndatabase = "{DATABASE}"\nuser = "{USER}"\n'
                       f'password_file = "{secret}"\n[records]\n')
            file.writelines(f"{name} = {value}\n" for name, value in records.items())
            file.write(f'time_zone = "{self.zone}"\n')

    def alice_chat(self, *lines, people=PEOPLE):
        """AliceChat comes, plays this, and goes when posternd has all of it."""
        self.scripts += 1
        script = self.path(f"script-{self.scripts}.txt")
        with open(script, "w", encoding="utf-8") as file:
            file.write(people + "".join(line + "\n" for line in lines))
        code, said = self.profile.run([program("postern-demo-gatekeeper"), "--script", script, "--full-speed",
                                       "--quiet", "--exit-at-end"], WAIT_SECONDS)
        if code != 0:
            raise RuntimeError("\n".join(said))

    def start_app(self, *environment, ready="following Postern", options=()):
        self.lines = []
        argv = ["/usr/bin/env", *environment, program("postern-crm"), "--config", self.config, *options]
        try:
            self.app = self.start(argv, self.lines, ready)
        except Failure as failure:
            own = [line for line in self.lines if line.startswith("postern-crm")]
            raise Failure("\n".join([str(failure), *own, *self.said[-40:]])) from failure

    def stop_app(self):
        self.profile.end(self.app, "the end of postern-crm")
        return self.app.popen.returncode

    def kill_app(self):
        self.kill(self.app)

    def crm(self, *arguments):
        code, lines = self.profile.run([program("postern-crm"), "--config", self.config, *arguments], WAIT_SECONDS)
        return code, "\n".join(lines)
