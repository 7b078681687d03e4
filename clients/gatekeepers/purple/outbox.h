// SPDX-License-Identifier: GPL-3.0-or-later
// Messages of ours with a text, between the client's own sending and the wire: the text is taken
// before lurch encrypts it, whether it was encrypted is read from the bytes that leave. What would
// leave in clear in a chat that has been encrypted does not leave.
//
// A message in a 1:1 chat is told when the other side's server has taken it, and not when it
// refused it: a question to the same address (XEP-0199) goes right behind it, and what is sent to
// one address is processed in its order (RFC 6120, 10.1), so that a refusal (8.3) comes before the
// answer, whatever that is. A message in a room is told when the room has sent it back, for only
// then it has its id.
#pragma once

#include <glib.h>
#include <xmlnode.h>

#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/parts.h"
#include "clients/gatekeepers/purple/stanza.h"

namespace postern::purple {

// A text to send, and what it says about another message.
struct Draft {
  std::string command_id;  // empty: the user wrote it in the client
  std::string chat_jid;
  bool group = false;
  std::string text;     // what is told to apps
  bool notice = false;  // goes as "/me waves", told without the "/me "
  std::string wire_text;
  std::string reply_to_id;
  std::string reply_to_jid;
  std::string reply_to_contact_id;
  std::string reply_excerpt;
  size_t quoted_characters = 0;
  std::string corrected_id;         // the message whose new text this is, as the broker knows it
  std::string corrected_origin_id;  // as its author called it
  std::optional<v1::Attachment> file;
};

// Called once, when it is known whether the network took what only points at a message (a reaction,
// a deletion, a marker, that the user types), or nobody can say any more, which counts as taken.
// Returns what is to be told of it.
using Verdict = std::function<std::vector<v1::Event>(bool taken)>;

class Outbox {
 public:
  explicit Outbox(const Parts& parts) : parts_(parts) {}
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // Has the client send 'draft' and answers its command, now or later.
  void Send(const Draft& draft);
  // Sends 'stanza', which has an id of its own and no text, and answers the command of 'draft'
  // later. Of that its command and chat count.
  void Point(const XmlNodePtr& stanza, const Draft& draft, Verdict verdict);

  // What the signals tell, in the order of a stanza's way out.
  void BeforeEncryption(xmlnode* packet);
  void AfterEncryption(xmlnode** packet);
  void BytesLeave(char** text);
  // The client wrote a line against what is being sent.
  void ErrorWritten(std::string_view reason);

  // A room sent back what this client wrote: tells of it, under the id that the room gave it. False
  // when it was not this client's.
  bool TakeReflection(const StanzaFacts& facts, const std::string& message_id);

  // A message of ours was sent back as an error.
  void TakeRefusal(const StanzaFacts& facts);
  // The other side of a 1:1 chat has or spoke of a message. Others' messages, empty ids and
  // those of long ago are nothing.
  void TakeMention(const std::string& chat_jid, const std::string& stanza_id);

  // One tick of the clock that bounds how long a command may wait for the network.
  void GiveUpOnOld();
  // Commands that still wait are answered UNKNOWN. What has left and nobody refused is told.
  void ForgetAll();

 private:
  struct Outgoing {
    Draft draft;
    Verdict verdict;    // it is no text, if there is one
    std::string error;  // what the client said against it
    std::time_t start_time = 0;
    bool left = false;
    bool encrypted = false;
    bool answered = false;
  };

  // Whether a question behind it tells that it was taken: of a text in a room its echo tells.
  static bool IsAskedBehind(const Outgoing& outgoing);
  // Asks behind everything that has left and was not asked behind yet.
  void AskBehind();
  void TakeArrival(const std::string& stanza_id);
  v1::Event EventOf(const Outgoing& outgoing, const std::string& message_id);
  void TellSent(const Outgoing& outgoing, const std::string& stanza_id);
  void AnswerUnsent(const std::string& stanza_id, Outgoing& outgoing);
  // Nobody will say any more what became of it.
  void GiveUp(const std::string& stanza_id, Outgoing& outgoing);
  // Somebody else than the user's own devices can read the payload, or nobody else is meant to.
  bool IsForOthers(xmlnode* packet, const std::string& to_jid) const;
  void Refuse(xmlnode** packet, const std::string& stanza_id, std::string_view reason);

  Parts parts_;
  const Draft* sending_ = nullptr;            // set while the client sends for a command
  std::string sending_stanza_id_;             // the stanza it made
  std::string sending_error_;                 // what the client wrote against it meanwhile
  std::map<std::string, Outgoing> outgoing_;  // by the id of the stanza
  std::vector<std::string> unasked_;          // of it, what is to be asked behind, oldest first
  guint asking_ = 0;                          // runs AskBehind
};

}  // namespace postern::purple
