# SPDX-License-Identifier: Apache-2.0
"""An XMPP client that knows nothing: it logs in, sends the XML it is given and keeps the XML that comes.

The far end of tests that compare stanzas field by field. Only Python's standard library, so that no other
client's idea of an extension comes between.
"""

import base64
import http.client
import itertools
import select
import socket
import ssl
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

WAIT_SECONDS = 60
STREAM = ("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
          "to='{domain}' version='1.0'>")
CLIENT = "{jabber:client}"

# What the tests read and write, as the documents name it.
REPLY = "urn:xmpp:reply:0"
FALLBACK = "urn:xmpp:fallback:0"
CORRECT = "urn:xmpp:message-correct:0"
RETRACT = "urn:xmpp:message-retract:1"
REACTIONS = "urn:xmpp:reactions:0"
RECEIPTS = "urn:xmpp:receipts"
MARKERS = "urn:xmpp:chat-markers:0"
STATES = "http://jabber.org/protocol/chatstates"
STANZA_ID = "urn:xmpp:sid:0"
OOB = "jabber:x:oob"
UPLOAD = "urn:xmpp:http:upload:0"
PING = "urn:xmpp:ping"
BLOCKING = "urn:xmpp:blocking"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
MUC_USER = "http://jabber.org/protocol/muc#user"
MUC_ADMIN = "http://jabber.org/protocol/muc#admin"
MUC_OWNER = "http://jabber.org/protocol/muc#owner"


class RawClient:
    """One resource of one account. Everything that came is in `stanzas`, oldest first."""

    def __init__(self, rig, name, resource="raw"):
        self.rig = rig
        self.domain = rig.state["domain"]
        self.bare = f"{name}@{self.domain}"
        self.resource = resource
        self.jid = f"{self.bare}/{resource}"
        self.stanzas = []
        self._changed = threading.Condition()
        self._ids = itertools.count()
        # OpenSSL does not bear that one thread reads while another writes.
        self._using = threading.Lock()
        self._socket = socket.create_connection((rig.state["host"], rig.state["port"]), WAIT_SECONDS)
        self._open_stream()
        self._write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self._read_until("proceed")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(rig.state["certificate"])
        self._socket = context.wrap_socket(self._socket, server_hostname=self.domain)
        self._open_stream()
        secret = base64.b64encode(f"\0{name}\0{rig.password(name)}".encode()).decode()
        self._write(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>")
        self._read_until("success")
        self._open_stream()
        self._socket.setblocking(False)
        self._reader = threading.Thread(target=self._read_stanzas, daemon=True)
        self._reader.start()
        self.request("set", f"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind>")

    def _open_stream(self):
        self._parser = ElementTree.XMLPullParser(("start", "end"))
        self._events = self._parser.read_events()
        self._depth = 0
        self._write(STREAM.format(domain=self.domain))
        self._read_until("features")

    def _write(self, text):
        data = text.encode()
        while data:
            with self._using:
                try:
                    data = data[self._socket.send(data):]
                    continue
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
            select.select([], [self._socket], [])

    def _receive(self):
        while True:
            with self._using:
                try:
                    return self._socket.recv(65536)
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
            select.select([self._socket], [], [])

    def _next(self):
        """The next whole element below the stream."""
        while True:
            for kind, element in self._parser.read_events():
                self._depth += 1 if kind == "start" else -1
                if kind == "end" and self._depth == 1:
                    return element
            data = self._receive()
            if not data:
                return None
            self._parser.feed(data)

    def _read_until(self, name):
        element = self._next()
        if element is None or element.tag.rpartition("}")[2] != name:
            raise AssertionError(f"the server says {element if element is None else ElementTree.tostring(element)}")

    def _read_stanzas(self):
        while True:
            try:
                element = self._next()
            except (OSError, ValueError):
                return  # closed
            if element is None:
                return
            with self._changed:
                self.stanzas.append(element)
                self._changed.notify_all()

    # -- for tests

    def send(self, xml):
        self._write(xml)

    def ask(self, kind, child, to=None):
        """An <iq/> and its answer, which may be an error."""
        ident = f"raw-{next(self._ids)}"
        target = f" to='{to}'" if to else ""
        self.send(f"<iq type='{kind}' id='{ident}'{target}>{child}</iq>")
        return self.wait(f"answer to {child}", lambda stanza: stanza.tag == CLIENT + "iq" and stanza.get("id") == ident)

    def request(self, kind, child, to=None):
        """The same where an error is a failure."""
        answer = self.ask(kind, child, to)
        if answer.get("type") != "result":
            raise AssertionError(ElementTree.tostring(answer, "unicode"))
        return answer

    def online(self):
        self.send("<presence/>")
        return self

    def wait(self, what, check, seen=0):
        """The first stanza that passes, also of those that came before, but for the first 'seen'."""
        deadline = time.monotonic() + WAIT_SECONDS
        with self._changed:
            while True:
                for stanza in self.stanzas[seen:]:
                    if check(stanza):
                        return stanza
                seen = len(self.stanzas)
                if not self._changed.wait(max(0, deadline - time.monotonic())):
                    said = "\n".join(ElementTree.tostring(stanza, "unicode") for stanza in self.stanzas[-20:])
                    raise AssertionError(f"{self.jid}: no {what} in {WAIT_SECONDS} s; the last that came:\n{said}")

    def wait_message(self, what, check):
        return self.wait(what, lambda stanza: stanza.tag == CLIENT + "message" and check(stanza))

    def count_messages(self, check):
        with self._changed:
            return sum(1 for stanza in self.stanzas if stanza.tag == CLIENT + "message" and check(stanza))

    def join(self, room, nick):
        seen = len(self.stanzas)
        self.send(f"<presence to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        self.wait("own presence in the room", lambda stanza: stanza.tag == CLIENT + "presence" and
                  stanza.get("from") == f"{room}/{nick}" and has_status(stanza, "110"), seen)

    def open_room(self, room, name, lasting=False):
        """Makes a room that was just joined one that anybody may enter, and names it. 'lasting': a restart does not end it."""
        self.request("set", f"<query xmlns='{MUC_OWNER}'><x xmlns='jabber:x:data' type='submit'>"
                     "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
                     f"<field var='muc#roomconfig_roomname'><value>{name}</value></field>"
                     f"<field var='muc#roomconfig_persistentroom'><value>{int(lasting)}</value></field>"
                     "<field var='muc#roomconfig_whois'><value>anyone</value></field></x></query>", room)

    def _https(self, target):
        context = ssl.create_default_context(cafile=self.rig.state["certificate"])
        return http.client.HTTPSConnection(target.hostname, target.port, timeout=WAIT_SECONDS, context=context)

    def upload(self, service, name, data):
        """Puts a file where the server keeps them (XEP-0363). Returns its link."""
        answer = self.request("get", f"<request xmlns='{UPLOAD}' filename='{name}' size='{len(data)}'/>", service)
        slot = answer.find(f"{{{UPLOAD}}}slot")
        target = urllib.parse.urlsplit(slot.find(f"{{{UPLOAD}}}put").get("url"))
        connection = self._https(target)
        headers = {header.get("name"): header.text for header in slot.iter(f"{{{UPLOAD}}}header")}
        connection.request("PUT", target.path + ("?" + target.query if target.query else ""), data, headers)
        status = connection.getresponse().status
        connection.close()
        if status not in (200, 201):
            raise AssertionError(f"the server answers {status} to a file")
        return slot.find(f"{{{UPLOAD}}}get").get("url")

    def fetch(self, link):
        """The file behind a link."""
        target = urllib.parse.urlsplit(link)
        connection = self._https(target)
        connection.request("GET", target.path)
        data = connection.getresponse().read()
        connection.close()
        return data

    def close(self):
        self._socket.close()


def has_status(stanza, code):
    return any(status.get("code") == code for status in stanza.iter(f"{{{MUC_USER}}}status"))


def body(stanza):
    found = stanza.find(CLIENT + "body")
    return None if found is None else found.text


def child(stanza, namespace, name):
    return stanza.find(f"{{{namespace}}}{name}")


def written(stanza):
    """The text without what is there for clients that know no replies."""
    text = body(stanza)
    mark = child(stanza, FALLBACK, "fallback")
    part = None if mark is None else mark.find(f"{{{FALLBACK}}}body")
    if part is not None and part.get("start"):
        text = text[:int(part.get("start"))] + text[int(part.get("end")):]
    return text
