// SPDX-License-Identifier: Apache-2.0
// What ids are called, for lines that people read: chats, people, and a few words of recent
// messages.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "postern/v1/account.pb.h"
#include "postern/v1/chat.pb.h"
#include "postern/v1/event.pb.h"

namespace postern::cli {

// How much of an id is shown: enough to tell a person's chats apart.
inline constexpr size_t kShortIdLength = 8;

// Returns the first letters of 'id'.
std::string ShortId(const std::string& id);

// Learns from each event and from one look-up a chat; forgets what was deleted or expired. What it
// returns is visible text. Bounded: it holds the latest kExcerptsMax messages' first words and
// kPeopleMax names. Not thread-safe.
class Names {
 public:
  static constexpr size_t kExcerptsMax = 1000;
  static constexpr size_t kPeopleMax = 10000;

  // Returns the chat with its participants, or nothing when it cannot be seen.
  using Lookup = std::function<std::optional<v1::Chat>(const std::string& chat_id)>;
  explicit Names(Lookup lookup) : lookup_(std::move(lookup)) {}

  // Takes in the names an event carries, and for an event of an unknown chat looks that chat up.
  void Learn(const v1::Event& event);
  // Drops the words of what the event deletes, and takes an edit's new ones. Call it once the line
  // for the event has been written.
  void Forget(const v1::Event& event);
  void LearnChat(const v1::Chat& chat);
  // The account's own contact is called "you" from here on.
  void LearnAccount(const v1::Account& account);

  std::string Chat(const std::string& chat_id) const;
  std::string Person(const std::string& contact_id) const;
  // The first words of a message, in quotes, or "a message".
  std::string Excerpt(const std::string& message_id) const;

 private:
  void LearnPerson(const std::string& contact_id, const std::string& name);
  void Remember(const std::string& message_id, const std::string& text);

  Lookup lookup_;
  std::unordered_map<std::string, std::string> chats_;
  std::unordered_map<std::string, std::string> people_;
  std::unordered_set<std::string> own_contacts_;
  std::unordered_map<std::string, std::string> excerpts_;
  std::deque<std::string> excerpt_order_;
};

}  // namespace postern::cli
