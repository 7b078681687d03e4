// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "clients/sdk/client.h"
#include "clients/translator/chat_names.h"
#include "clients/translator/config.h"
#include "clients/translator/language.h"
#include "clients/translator/screen.h"

namespace postern::translator {

// The chats into which this program is looped: there it writes, in the user's name and under the
// original as an answer, what a message means in the chat's other languages.
//
// The post's request id is made from the event's, so a message that comes again after a restart is
// not posted twice: the broker remembers.
class Loops {
 public:
  Loops(sdk::Client& client, const ChatNames& names, Screen& screen)
      : client_(client), names_(names), screen_(screen) {}

  // Finds the chats that the user named, and asks for each in which it may not write yet. What
  // cannot be, is said and left out.
  void Begin(const Config& config);
  // Asks for those for which it could not ask before: Postern lets a program ask once in five
  // minutes, and the broker may have been away or the screen locked. To be called now and then.
  void AskAgain();

  // The languages into which a message of 'from' is to be put in this chat; none where it is not
  // looped in.
  std::vector<Language> Wanted(const std::string& chat_id, const Language& from) const;

  // Posts. Comes back when it is done, or never can be; waits out what passes by itself.
  void Post(const v1::Event& event, const std::string& message_id, const std::string& text);

  bool empty() const { return chats_.empty() && unasked_.empty(); }

 private:
  void Try(const std::string& name, const std::vector<Language>& languages);
  absl::Status Enter(const std::string& name, const std::vector<Language>& languages);

  sdk::Client& client_;
  const ChatNames& names_;
  Screen& screen_;
  std::map<std::string, std::vector<Language>> chats_;    // by id
  std::map<std::string, std::vector<Language>> unasked_;  // by name
  std::chrono::steady_clock::time_point ask_again_;
};

}  // namespace postern::translator
