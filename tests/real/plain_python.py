# SPDX-License-Identifier: Apache-2.0
"""What the tests with Debian's python3-grpcio share: a broker in a throw-away profile, generated stubs, a channel.

Nothing here is client code of ours: a program in any language that gRPC generates stubs for does the same.
"""

import importlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/demo"))
from throwaway import Failure, Profile  # noqa: E402

BIN = os.path.realpath(os.environ.get("POSTERN_BIN", ROOT / "build" / "bin"))
# A machine that builds on all its cores meanwhile.
WAIT_SECONDS = 60
PLUGIN = "/usr/bin/grpc_python_plugin"
NEEDED = {"protoc": "protobuf-compiler", PLUGIN: "protobuf-compiler-grpc", "openssl": "openssl"}
MANIFEST = """\
app_id = "{app_id}"
display_name = "Plain Python"
purpose = "Shows that generated stubs are enough."
required_scopes = ["chats:read", "messages:read"]
optional_scopes = ["messages:history", "messages:send"]
[data_destination]
kind = "stays_on_device"
"""
SERVICES = ("attachment", "chat", "event", "forward", "message")


def program(name):
    return os.path.join(BIN, name)


def generate_stubs(folder, include, *protos):
    """Generates Python stubs into 'folder' and makes them importable."""
    missing = sorted(package for tool, package in NEEDED.items() if not shutil.which(tool))
    if missing:
        raise Failure("missing: apt-get install " + " ".join(missing))
    os.makedirs(folder, exist_ok=True)
    subprocess.run(
        ["protoc", f"-I{include}", f"--plugin=protoc-gen-grpc={PLUGIN}", f"--python_out={folder}",
         f"--grpc_out={folder}", *(str(proto) for proto in protos)], check=True)
    sys.path.insert(0, str(folder))


def generate_contract(folder):
    generate_stubs(folder, ROOT / "proto", *sorted((ROOT / "proto/postern/v1").glob("*.proto")))


def make_certificate(folder, name):
    """A key and a certificate of 'name', for a day, that nobody vouches for. Returns their paths."""
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-keyout", key, "-out", certificate, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        check=True, capture_output=True)
    return key, certificate


class Stubs:
    """The generated messages and stubs of what an app calls, by service: `pb["chat"]`, `chat.ListChats`."""

    def __init__(self, channel):
        self.pb = {"version": importlib.import_module("postern.v1.version_pb2")}
        for name in SERVICES:
            self.pb[name] = importlib.import_module(f"postern.v1.{name}_service_pb2")
            grpc_module = importlib.import_module(f"postern.v1.{name}_service_pb2_grpc")
            setattr(self, name, getattr(grpc_module, f"{name.capitalize()}ServiceStub")(channel))

    def call(self, service, method, **fields):
        """One call that the user's client answers: again, with the same id, while that says that it is too early.

        A client that signed on just now may have to fetch the other people's keys first.
        """
        import grpc

        request = getattr(self.pb[service], method + "Request")(**fields)
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return getattr(getattr(self, service), method)(request, timeout=WAIT_SECONDS)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def subscribe(self, **fields):
        """A stream of events. Its first frame is empty and says that it is up."""
        return self.event.Subscribe(self.pb["event"].SubscribeRequest(
            protocol_version=self.pb["version"].ProtocolVersion(major=1), **fields))

    def list_chats(self):
        return self.chat.ListChats(self.pb["chat"].ListChatsRequest(page_size=50), timeout=WAIT_SECONDS).chats


class World:
    def __init__(self):
        self.profile = Profile()
        self.profile.env["PATH"] = BIN + ":" + self.profile.env.get("PATH", "/usr/bin:/bin")
        self.said = []
        self.broker = None

    def path(self, name):
        return os.path.join(self.profile.root, name)

    def wait(self, condition, what):
        self.profile.wait_for(condition, what, WAIT_SECONDS)

    def start(self, argv, lines, ready):
        """Starts a program, which says into 'lines'. Returns when it has said 'ready'."""
        before = len(lines)
        process = self.profile.start(argv, lines.append)
        self.wait(lambda: any(ready in line for line in lines[before:]) or not process.running(), f"{argv[0]}: {ready}")
        if not process.running():
            raise Failure(f"{argv[0]} ended:\n" + "\n".join(lines))
        return process

    def start_broker(self, *answers):
        """'answers': what the scripted person types other than usual, each "PROMPT=LINE"."""
        self.broker = self.start(
            [sys.executable, str(ROOT / "clients/demo/scripted_person.py"), "--timeout", "300",
             *(word for answer in answers for word in ("--answer", answer)), "--", program("posternd")],
            self.said, "event=serving")

    def stop_broker(self):
        self.profile.end(self.broker, "the end of posternd")

    @staticmethod
    def kill(process):
        """Ends a program as a power cut would, and waits until it is gone."""
        process.popen.kill()
        process.popen.wait(WAIT_SECONDS)

    def kill_broker(self):
        """posternd runs under the scripted person, who ends with it."""
        person = self.broker.popen
        children = pathlib.Path(f"/proc/{person.pid}/task/{person.pid}/children").read_text(encoding="ascii")
        for pid in children.split():
            os.kill(int(pid), signal.SIGKILL)
        person.wait(WAIT_SECONDS)

    def start_gatekeeper(self, speed, lines):
        """AliceChat, which plays its script once over all its starts. Returns when it is attached."""
        return self.start([program("postern-demo-gatekeeper"), "--speed", speed], lines, "attached")

    def postern(self, *arguments):
        code, lines = self.profile.run([program("postern"), *arguments], WAIT_SECONDS)
        return code, "\n".join(lines)

    def suspend(self, app_id):
        """Suspends an app's grant; the same as `postern grants suspend`, which wants the grant's id."""
        code, said = self.postern("grants", "list", "--app", app_id, "--json")
        grant = re.search(r'"id": *"([^"]+)"', said)
        if code != 0 or grant is None:
            raise Failure(f"{app_id} has no grant: {said}")
        code, said = self.postern("grants", "suspend", grant[1])
        if code != 0:
            raise Failure(f"postern grants suspend ended with {code}: {said}")

    def resume_all(self):
        code, said = self.postern("grants", "resume", "--all")
        if code != 0:
            raise Failure(f"postern grants resume ended with {code}: {said}")

    def enroll(self, app_id, manifest_text=MANIFEST):
        """`postern enroll`, answered by the scripted person. Returns the folder with the three files."""
        manifest, keys = self.path(f"{app_id}.toml"), self.path(app_id)
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(manifest_text.format(app_id=app_id))
        code, said = self.postern("enroll", "--manifest", manifest, "--out", keys)
        if code != 0:
            raise Failure(f"postern enroll ended with {code}: {said}")
        return keys

    def make_unknown_key(self):
        """A key that nobody has enrolled, with what else a client needs."""
        keys = self.path("unknown")
        os.mkdir(keys, 0o700)
        make_certificate(keys, "nobody")
        shutil.copy(os.path.join(self.profile.env["XDG_DATA_HOME"], "postern/broker.pem"), f"{keys}/broker.pem")
        return keys

    def channel(self, keys):
        """All that a program does to connect."""
        import grpc

        key, certificate, broker = (
            pathlib.Path(keys, name).read_bytes() for name in ("key.pem", "certificate.pem", "broker.pem"))
        credentials = grpc.ssl_channel_credentials(
            root_certificates=broker, private_key=key, certificate_chain=certificate)
        return grpc.secure_channel("unix:" + self.profile.socket, credentials)
