# SPDX-License-Identifier: Apache-2.0
"""What the bridge's tests share: AliceChat moved by hand, posternd, the bridge, a Prosody and its user's client."""

import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/real"))
import plain_python  # noqa: E402
import raw_xmpp  # noqa: E402
from alice_chat import AliceChat  # noqa: E402
from plain_python import WAIT_SECONDS, program  # noqa: E402, F401
from xmpp_rig import rig as rig_module  # noqa: E402

OWNER = f"{rig_module.PEER}@{rig_module.DOMAIN}"  # the bridge's user on the XMPP side
COMPONENT = f"bridge.{rig_module.DOMAIN}"
SECOND = f"bridge2.{rig_module.DOMAIN}"  # of another bridge
SECRET = "a secret of the tests"
COMPONENT_CONFIG = """
Component "{component}"
  component_secret = "{secret}"
"""
CONFIG = """\
owner = "{owner}"
component = "{component}"
port = {port}
secret_file = "{secret}"
rooms = "{rooms}"
upload = "upload.{domain}"
ca_file = "{ca}"
"""
ROUTES = ("messages", "server", "alice", "broker")


class Server:
    """A Prosody that takes the bridge as a component."""

    def __init__(self):
        self.component_port = rig_module.free_port()
        self.folder = tempfile.mkdtemp(prefix="postern-bridge-")
        self.rig = rig_module.Rig(self.folder)
        plain = rig_module.PROSODY_CONFIG
        try:
            # The archive is what a client that was offline reads up.
            rig_module.PROSODY_CONFIG = plain.replace('"private", ', '"private", "mam", ').replace(
                "component_ports = {{ }}",
                f'component_ports = {{{{ {self.component_port} }}}}\ncomponent_interfaces = {{{{ "127.0.0.1" }}}}').replace(
                "  http_external_url", f'  http_file_share_access = {{{{ "{{domain}}", "{COMPONENT}", "{SECOND}" }}}}\n'
                "  http_external_url") + \
                "".join(COMPONENT_CONFIG.format(component=name, secret=SECRET) for name in (COMPONENT, SECOND))
            self.rig.prepare()
        finally:
            rig_module.PROSODY_CONFIG = plain
        self.process = self.rig.start_server()

    def kill(self):
        """Ends it as a power cut would, and waits until it is gone."""
        self.process.kill()
        self.process.wait(WAIT_SECONDS)

    def start(self):
        self.process = self.rig.start_server()

    def close(self):
        self.process.terminate()
        self.process.wait(WAIT_SECONDS)
        shutil.rmtree(self.rig.state["server_home"], ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class BridgeWorld(plain_python.World):
    def __init__(self, script=None, *flags):
        """'script': AliceChat's people; without it there is no AliceChat, and the test brings another gatekeeper.

        'flags' are AliceChat's."""
        super().__init__()
        self.server = Server()
        self.profile.start_bus_and_keyring()
        self.start_broker("How many (=5", "How far back=4")
        self.alice = AliceChat(self, script, *flags) if script else None
        self.bridge_lines = []
        self.bridge = None
        secret = self.path("secret")
        rig_module.write_private(secret, SECRET)
        self.config = self.write_config()

    def write_config(self, name="bridge.toml", more="", **changed):
        values = {"owner": OWNER, "component": COMPONENT, "port": self.server.component_port, "secret": self.path("secret"),
                  "rooms": rig_module.ROOMS, "domain": rig_module.DOMAIN, "ca": self.server.rig.state["certificate"]}
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(**{**values, **changed}) + more)
        return path

    def start_bridge(self, config=None, lines=None):
        lines = self.bridge_lines if lines is None else lines
        return self.start([program("postern-xmpp-bridge"), "--config", config or self.config], lines, "bridging")

    def client(self, resource="raw"):
        return raw_xmpp.RawClient(self.server.rig, rig_module.PEER, resource)

    def close(self):
        self.profile.close()
        self.server.close()
