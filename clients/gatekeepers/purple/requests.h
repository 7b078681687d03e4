// SPDX-License-Identifier: GPL-3.0-or-later
// Questions to servers and rooms (<iq/>) and what shall happen with their answers. A message to a
// room that is answered by nothing but a refusal has a question right behind it: see outbox.h.
#pragma once

#include <account.h>
#include <xmlnode.h>

#include <ctime>
#include <functional>
#include <map>
#include <string>

#include "clients/gatekeepers/purple/stanza.h"

namespace postern::purple {

// What is asked when only the answer counts (XEP-0199).
XmlNodePtr NewPing();

class Requests {
 public:
  // Gets the whole <iq type='result'/>, or null and why: refused, or not answered in time.
  using Answered = std::function<void(xmlnode* result, const StanzaError& error)>;

  // 'account' must outlive it.
  explicit Requests(PurpleAccount* account) : account_(account) {}

  // Sends 'child' to 'to' (empty: the own account) and has 'answered' called once, later. While
  // the account is offline, or too much is unanswered, it is called at once.
  void Get(const std::string& to, XmlNodePtr child, Answered answered);
  void Set(const std::string& to, XmlNodePtr child, Answered answered);

  // Sends 'message', which has an id, and calls once, now or later, with whether its address
  // refused it: null and why, or whatever it said to the question behind it.
  void SendMessage(const XmlNodePtr& message, Answered answered);

  // Takes an <iq/> that came in, which may answer one of ours.
  void Take(xmlnode* iq);
  // Takes a <message/> that came in, which may be one of those back as an error.
  void TakeRefusal(xmlnode* message);
  // One tick of the clock: what waits too long is not waited for any more.
  void GiveUpOnOld();
  // The connection is gone: so is every answer.
  void GiveUpOnAll();

 private:
  struct Waiting {
    std::string to;
    std::string message_id;  // it is the question behind this message; empty: of its own
    Answered answered;
    std::time_t start_time = 0;
  };

  void Send(const char* type, const std::string& to, XmlNodePtr child, Answered answered,
            const std::string& message_id = {});

  PurpleAccount* account_;
  std::map<std::string, Waiting> waiting_;  // by id
};

}  // namespace postern::purple
