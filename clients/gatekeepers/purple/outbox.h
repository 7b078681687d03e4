// SPDX-License-Identifier: GPL-3.0-or-later
// Messages of ours with a text, between the client's own sending and the wire: the text is taken
// before lurch encrypts it, whether it was encrypted is read from the bytes that leave. What would
// leave in clear in a chat that has been encrypted does not leave.
//
// A message in a 1:1 chat is told when it has left; one in a room when the room has sent it back,
// for only then it has its id.
#pragma once

#include <xmlnode.h>

#include <ctime>
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
  std::string text;  // what is told to apps
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

class Outbox {
 public:
  explicit Outbox(const Parts& parts) : parts_(parts) {}

  // Has the client send 'draft' and answers its command, now or later.
  void Send(const Draft& draft);

  // What the signals tell, in the order of a stanza's way out.
  void BeforeEncryption(xmlnode* packet);
  void AfterEncryption(xmlnode** packet);
  void BytesLeave(char** text);
  // The client wrote a line against what is being sent.
  void ErrorWritten(std::string_view reason);

  // A room sent back what this client wrote: tells of it, under the id that the room gave it. False
  // when it was not this client's.
  bool TakeReflection(const StanzaFacts& facts, const std::string& message_id);

  // The server or the room sent back an error in the place of a message.
  void TakeRefusal(const StanzaFacts& facts);

  // One tick of the clock that bounds how long a command may wait for the network.
  void GiveUpOnOld();
  // Commands that still wait are answered UNKNOWN.
  void ForgetAll();

 private:
  struct Outgoing {
    Draft draft;
    std::string error;  // what the client said against it
    std::time_t start_time = 0;
    bool left = false;
    bool encrypted = false;
    bool answered = false;
  };

  void TellSent(const Outgoing& outgoing, const std::string& message_id);
  void AnswerUnsent(const std::string& stanza_id, Outgoing& outgoing);
  // Somebody else than the user's own devices can read the payload, or nobody else is meant to.
  bool IsForOthers(xmlnode* packet, const std::string& to_jid) const;
  void Refuse(xmlnode** packet, const std::string& stanza_id, std::string_view reason);

  Parts parts_;
  const Draft* sending_ = nullptr;            // set while the client sends for a command
  std::string sending_stanza_id_;             // the stanza it made
  std::string sending_error_;                 // what the client wrote against it meanwhile
  std::map<std::string, Outgoing> outgoing_;  // by the id of the stanza
};

}  // namespace postern::purple
