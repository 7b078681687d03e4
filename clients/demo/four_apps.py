# SPDX-License-Identifier: Apache-2.0
"""`run_demo --apps`: four apps at work on AliceChat at once, each with a grant of its own; then the end of each.

The servers that the apps are for, Prosody and Tryton, are started as the tests of the apps start them.
"""

import itertools
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading
import time

from throwaway import Failure

TESTS = pathlib.Path(__file__).resolve().parents[2] / "tests"
WAIT_SECONDS = 60
END_SECONDS = 20
PEOPLE = """\
account you@alicechat.example "Your AliceChat"
person maria "María García" es
person bob   "Bob Okafor"
direct maria
group dinner "Friday dinner" maria bob
"""
MARIA, DINNER = "direct:maria", "group:dinner"
NAMES = {"maria": "María García", "bob": "Bob Okafor"}
NUMBER = "+34600111222"
# What Maria writes while the demo is left running, and how often.
SMALL_TALK = ("¿Vienes en coche o en tren?", "La mesa está reservada para las ocho.", "Hoy hace mucho calor aquí.")
SMALL_TALK_SECONDS = 20
# The scripted person's answers, question after question: AliceChat, translator, CRM, XMPP bridge, assistant.
ANSWERS = (
    "Which chats=the one with María||all and new|all and new|the one with Friday dinner|",
    "How long (=3",
)
TRANSLATOR, CRM, BRIDGE, ASSISTANT = (
    f"org.postern.{name}" for name in ("translator", "crm", "xmpp-bridge", "assistant"))


class AliceChat:
    """Its people do what they are told."""

    def __init__(self, demo):
        self.demo = demo
        self.attached = threading.Event()
        self.lines = []
        self.answers = queue.Queue()
        self.ids = itertools.count()
        path = os.path.join(demo.profile.root, "people.txt")
        pathlib.Path(path).write_text(PEOPLE, encoding="utf-8")
        self.process = demo.profile.start(
            [demo.program("postern-demo-gatekeeper"), "--script", path, "--control"], self.hear, stdin=subprocess.PIPE)

    def hear(self, line):
        if line.startswith("{"):
            self.answers.put(json.loads(line))
            return
        line = line.removeprefix("AliceChat: ")
        if line == "attached":
            self.attached.set()
        self.lines.append(line)
        self.demo.tell.say("AliceChat", line)

    def happen(self, **event):
        try:
            self.process.popen.stdin.write((json.dumps({"do": event}) + "\n").encode())
            self.process.popen.stdin.flush()
        except OSError:
            raise Failure("AliceChat has ended") from None
        try:
            answer = self.answers.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise Failure(f"AliceChat did not answer within {WAIT_SECONDS} s") from None
        if "done" not in answer:
            raise Failure(f"AliceChat cannot do that: {answer}")

    def says(self, chat, who, text):
        self.demo.tell.say("AliceChat", f"[{'Friday dinner' if chat == DINNER else NAMES[who]}] {NAMES[who]}: {text}")
        self.happen(chat_id=chat, message_created={"message": {
            "id": f"m{next(self.ids)}", "chat_id": chat, "sender_contact_id": who, "kind": "MESSAGE_KIND_TEXT",
            "sender_display_name": NAMES[who], "text": text, "end_to_end_encrypted": True}})


class App:
    """A program that runs along. What it says is shown under its name."""

    def __init__(self, demo, name, app_id, argv, stdin=None):
        self.demo = demo
        self.name = name
        self.app_id = app_id
        self.lines = []
        self.process = demo.profile.start(argv, self.hear, stdin=stdin or subprocess.DEVNULL)

    def hear(self, line):
        self.lines.append(line)
        self.demo.tell.say(self.name, re.sub(r"^postern-[a-z-]+: ", "", line))

    def said(self, text):
        return any(text in line for line in list(self.lines))

    def wait(self, text):
        self.demo.profile.wait_for(
            lambda: self.said(text) or not self.process.running(), f"'{text}' from the {self.name}", WAIT_SECONDS)
        if not self.said(text):
            raise Failure(f"the {self.name} ended; its reason is above")


class Assistant(App):
    """The assistant's server, and in the place of a model a few lines that call its tools over stdio."""

    def __init__(self, demo):
        self.answers = queue.Queue()
        self.last_id = 0
        super().__init__(demo, "assistant", ASSISTANT, [demo.program("postern-assistant")], subprocess.PIPE)
        self.ask("initialize", protocolVersion="2025-11-25", capabilities={},
                 clientInfo={"name": "demo", "version": "1"})
        self.write(jsonrpc="2.0", method="notifications/initialized")

    def hear(self, line):
        if line.startswith("{"):
            self.answers.put(json.loads(line))
        elif not line.startswith("event="):  # its log of calls, which are shown as they are made
            super().hear(line)

    def write(self, **message):
        self.process.popen.stdin.write((json.dumps(message) + "\n").encode())
        self.process.popen.stdin.flush()

    def ask(self, method, **params):
        self.last_id += 1
        self.write(jsonrpc="2.0", id=self.last_id, method=method, params=params)
        try:
            answer = self.answers.get(timeout=self.demo.seconds)
        except queue.Empty:
            raise Failure(f"the assistant's server did not answer within {self.demo.seconds} s") from None
        if "result" not in answer:
            raise Failure(f"the assistant's server says {answer}")
        return answer["result"]

    def call(self, tool, **arguments):
        """What the tool found, and what it said when it failed."""
        shown = ", ".join(f'{name}: "{value}"' for name, value in arguments.items() if not name.endswith("id"))
        self.demo.tell.say(self.name, f"{tool}({shown})")
        result = self.ask("tools/call", name=tool, arguments=arguments)
        if result.get("isError"):
            said = result["content"][0]["text"]
            self.demo.tell.say(self.name, f"  {said}")
            return None, said
        return result["structuredContent"], ""


class Phone:
    """You, with an XMPP client on another device. Shows what comes."""

    def __init__(self, demo, client):
        self.demo = demo
        self.client = client
        self.texts = []
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        from raw_xmpp import body, child
        seen = 0
        while not self._over.wait(0.05):
            stanzas = self.client.stanzas[seen:]
            seen += len(stanzas)
            for stanza in stanzas:
                text = body(stanza)
                if text and stanza.get("type") in ("chat", "groupchat"):
                    self.texts.append(text)
                    nick = child(stanza, "http://jabber.org/protocol/nick", "nick")
                    who = stanza.get("from").rpartition("/")[2] if nick is None else nick.text
                    self.demo.tell.say("your phone", f"{who}: {text}".replace("\n", " "))

    def wait(self, text):
        self.demo.profile.wait_for(
            lambda: any(text in said for said in list(self.texts)), f"'{text}' on the phone", WAIT_SECONDS)

    def close(self):
        self._over.set()
        self._reader.join()
        self.client.close()


class FourApps:
    def __init__(self, demo):
        self.demo = demo
        self.tell = demo.tell
        self.server = self.phone = None
        demo.answers = ANSWERS
        demo.brief = demo.person == "scripted"

    def run(self):
        self.demo.open_profile()
        self.demo.heading("AliceChat, the messaging client, asks to bring in its chats")
        self.demo.announce_question("A gatekeeper needs your yes before it may feed Postern.")
        self.alice = AliceChat(self.demo)
        self.demo.wait_for_answer(self.alice.process, self.alice.attached.is_set, "the attachment of AliceChat")
        self.alice.happen(contact_changed={"contact": {
            "id": "maria", "display_name": NAMES["maria"], "addresses": [f"tel:{NUMBER}"]}})
        self.start_servers()
        self.start_apps()
        self.work()
        # Left running, the apps are the user's to play with, and to revoke.
        if not self.demo.options.keep:
            self.revoke_all()
        self.summary()

    # --- what the apps work with ----------------------------------------------------------------------------

    def start_servers(self):
        self.demo.heading("Two servers of yours start, on this device: XMPP (Prosody) and a CRM (Tryton)")
        for folder in ("real", "apps"):
            sys.path.append(str(TESTS / folder))
        import tryton
        import xmpp_bridge_world as xmpp
        self.xmpp = xmpp
        try:
            self.tryton = tryton.Tryton(self.demo.profile)
            self.tryton.start()
            self.server = xmpp.Server()
        except (RuntimeError, xmpp.rig_module.RigError) as error:
            raise Failure(str(error)) from None
        self.party = self.tryton.new_party("García Import S.L.", mobile="+34 600 111 222")
        self.tell.say("CRM", "has a party: García Import S.L., +34 600 111 222")
        client = xmpp.raw_xmpp.RawClient(self.server.rig, xmpp.rig_module.PEER, "phone").online()
        self.phone = Phone(self.demo, client)
        self.tell.say("your phone", "an XMPP client, logged in to your server")

    def write(self, name, text):
        path = os.path.join(self.demo.profile.root, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, app, ready):
        self.demo.wait_for_answer(app.process, lambda: app.said(ready), f"the start of the {app.name}")
        return app

    def start_apps(self):
        demo, xmpp = self.demo, self.xmpp
        demo.heading("The translator asks: to read what Maria writes, and nothing leaves this device")
        demo.announce_question("An app gets nothing by itself. Give it María's chat.")
        self.translator = self.start(App(demo, "translator", TRANSLATOR, [
            demo.program("postern-translator"), "watch", "--to", "en"], subprocess.PIPE), "Following your chats")

        demo.heading("The CRM app asks: who wrote and when, never what")
        demo.announce_question("Another app, another question. Give it all chats.")
        password = self.write("crm-password", self.tryton.password + "\n")
        config = self.write("crm.toml", f'[tryton]\nurl = "{self.tryton.url}"\ndatabase = "crm"\nuser = "admin"\n'
                            f'password_file = "{password}"\n')
        self.crm = self.start(App(demo, "CRM", CRM, [demo.program("postern-crm"), "--config", config]),
                              "following Postern")

        demo.heading("The XMPP bridge asks: everything, and it leaves Postern for your XMPP server")
        demo.announce_question("This one reads and writes. Give it all that it asks for, in all chats.")
        secret = self.write("component-secret", xmpp.SECRET)
        config = self.write("bridge.toml", xmpp.CONFIG.format(
            owner=xmpp.OWNER, component=xmpp.COMPONENT, port=self.server.component_port, secret=secret,
            rooms=xmpp.rig_module.ROOMS, domain=xmpp.rig_module.DOMAIN, ca=self.server.rig.state["certificate"]))
        self.bridge = self.start(App(demo, "XMPP bridge", BRIDGE, [
            demo.program("postern-xmpp-bridge"), "--config", config]), "bridging")
        self.enter_room()

        demo.heading("The assistant asks: to look things up in one chat, and you confirm what it sends")
        demo.announce_question("A model will read along here. Give it Friday dinner.")
        code, lines = demo.profile.run([demo.program("postern-assistant"), "--allow"], demo.seconds)
        self.tell.release()
        for line in lines:
            self.tell.say("assistant", line)
        if code != 0:
            raise Failure("the assistant was not allowed")
        self.assistant = Assistant(demo)
        demo.heading("Four apps, four grants")
        demo.command("grants", "list")

    def enter_room(self):
        from raw_xmpp import child
        client = self.phone.client
        invitation = client.wait_message("invitation", lambda s: child(s, "jabber:x:conference", "x") is not None)
        client.join(child(invitation, "jabber:x:conference", "x").get("jid"), "you")
        self.tell.say("your phone", "enters the room that stands for Friday dinner")

    # --- what happens ------------------------------------------------------------------------------------------

    def wait_for_note(self, words):
        """What somebody at Tryton's client sees at Maria's party."""
        notes = []

        def there():
            notes[:] = [note for note in self.tryton.notes(self.party) if words in note and "all together" in note]
            return notes
        self.demo.profile.wait_for(there, f"a note in Tryton with '{words}'", WAIT_SECONDS)
        self.tell.say("CRM", "a note at García Import S.L.: " + " ".join(
            line for line in notes[0].splitlines()[1:] if not line.startswith("[")))

    def work(self):
        demo = self.demo
        demo.heading("Maria writes, and the same message means something else to each app")
        self.alice.says(MARIA, "maria", "¿Puedes traer el pan para la cena del viernes?")
        self.translator.wait("bread")
        self.phone.wait("traer el pan")
        self.wait_for_note("María García: 1 message")
        demo.heading("You answer on the phone; it goes out through AliceChat")
        ghost = next(stanza.get("from") for stanza in self.phone.client.stanzas
                     if "traer el pan" in "".join(stanza.itertext()) and stanza.get("type") == "chat")
        answer = "Claro, yo llevo el pan."
        self.tell.say("your phone", f"you write: {answer}")
        self.phone.client.send(f"<message to='{ghost}' type='chat' id='w1'><body>{answer}</body></message>")
        self.wait_for_alice(answer)
        self.wait_for_note("You: 1 message")
        demo.heading("The assistant looks something up, and answers when you have seen what")
        self.alice.says(DINNER, "bob", "Dinner is at eight. Who brings the wine?")
        self.phone.wait("Who brings the wine?")
        chats, _ = self.assistant.call("list_chats")
        names = [chat["name"] for chat in chats["chats"]]
        self.tell.say("assistant", f"  sees {len(names)} chat{'s' * (len(names) > 1)}: {', '.join(names)}")
        if "Friday dinner" not in names or (demo.person == "scripted" and len(names) > 1):
            raise Failure("the assistant does not see the chat that it is to be given, or more than that")
        dinner = next(chat["chat_id"] for chat in chats["chats"] if chat["name"] == "Friday dinner")
        found, _ = self.assistant.call("list_messages", chat_id=dinner)
        self.tell.say("assistant", "  reads: " + "; ".join(message["text"] for message in found["messages"]))
        demo.announce_question("It wants to write.")
        answer = "I bring two bottles of red wine."
        self.assistant.call("send_message", text=answer, chat_id=dinner, request_id="demo-1")
        self.wait_for_alice(answer, demo.seconds)
        self.tell.release()

    def wait_for_alice(self, text, seconds=WAIT_SECONDS):
        self.demo.profile.wait_for(
            lambda: any(text in line for line in list(self.alice.lines)), f"'{text}' in AliceChat", seconds)

    # --- the end of the access ---------------------------------------------------------------------------------

    def revoke(self, app):
        self.demo.heading(f"You take the {app.name}'s access back")
        self.demo.command("grants", "revoke", "--app", app.app_id)

    def ended(self, app):
        try:
            app.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"the {app.name} did not end") from None
        return len(app.lines)

    def revoke_all(self):
        alice, phone = self.alice, self.phone
        self.revoke(self.assistant)
        found, why = self.assistant.call("list_chats")
        if found is not None or not why:
            raise Failure("the assistant still sees chats")
        alice.says(MARIA, "maria", "Mi hermana compra las manzanas en el mercado.")
        self.translator.wait("apples")
        phone.wait("manzanas")
        self.wait_for_note("María García: 2 messages")

        self.revoke(self.translator)
        lines = self.ended(self.translator)
        alice.says(MARIA, "maria", "El tren de las ocho llega siempre con retraso.")
        phone.wait("con retraso")
        self.wait_for_note("María García: 3 messages")
        if len(self.translator.lines) != lines:
            raise Failure("the translator still got something")

        self.revoke(self.crm)
        self.ended(self.crm)
        left = [note for note in self.tryton.notes(self.party) if "[postern:" in note]
        self.tell.say("CRM", f"{len(left)} of its notes are left in Tryton")
        if left:
            raise Failure("the CRM app left notes behind")
        alice.says(MARIA, "maria", "La puerta de la casa está cerrada.")
        phone.wait("está cerrada")
        if [note for note in self.tryton.notes(self.party) if "[postern:" in note]:
            raise Failure("the CRM app still got something")

        self.revoke(self.bridge)
        self.ended(self.bridge)
        alice.says(MARIA, "maria", "¿Hay alguien ahí?")
        self.demo.command("grants", "list")
        if any("alguien" in text for text in phone.texts):
            raise Failure("the phone still got something")

    def summary(self):
        self.tell.heading("What just happened")
        if self.demo.person == "scripted":
            given = ("Four apps asked, and a scripted person, not you, said yes, each time to something else: the",
                     "translator got one chat's text, the CRM app who wrote and when, the XMPP bridge everything, and",
                     "the assistant one chat, and what it wrote was shown before it went out. They worked at once.")
        else:
            given = ("Four apps asked, you said yes, and each got what you gave it. They worked at once, and what the",
                     "assistant wrote was shown to you before it went out.")
        if self.demo.options.keep:
            end = ("They go on. Take back what you gave, from one after the other, and see what the others still get.",)
        else:
            end = ("Each was cut off by `postern grants revoke` while the others went on, and Maria's last message",
                   "reached none of them.")
        for line in (*given, *end):
            self.tell.text(f"  {line}")
        if memory := self.demo.memory():
            self.tell.text(f"  {memory}")

    def go_on(self):
        """Maria writes now and then, and each app that may hears it, until Ctrl-C."""
        for text in itertools.cycle(SMALL_TALK):
            time.sleep(SMALL_TALK_SECONDS)
            self.alice.says(MARIA, "maria", text)

    def close(self):
        if self.phone is not None:
            self.phone.close()
        if self.server is not None:
            self.server.close()
