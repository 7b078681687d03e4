// SPDX-License-Identifier: Apache-2.0
// AliceChat's network as the people in it see it: what is in which chat now. Everybody looks at the
// same paper, so it is also what the far end sees of what an app did.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "platform/mutex.h"
#include "postern/v1/chat.pb.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/message.pb.h"

namespace postern::demo {

// Messages of one chat that AliceChat still shows: more than a person scrolls back, and a load
// test's memory stays flat.
inline constexpr size_t kMessagesPerChatMax = 10'000;

// A draft that an app left for the user.
struct Draft {
  std::string id;
  std::string text;
  std::string reply_to;
  std::string app;
};

// One chat as it is shown.
struct ChatView {
  v1::Chat chat;
  // Edits, reactions, votes and deletes for all folded in; by id, and in the order they came.
  std::map<std::string, v1::Message> messages;
  std::deque<std::string> order;
  // Who has which message how far: message, person.
  std::map<std::string, std::map<std::string, v1::Receipt::Kind>> receipts;
  // Messages that the user alone no longer sees.
  std::set<std::string> hidden;
  std::set<std::string> typing;
  std::vector<Draft> drafts;
  // The user has read up to this message, as the user's own devices know.
  std::string read_through;
  v1::MessageRequest request;
  bool removed = false;
};

// Thread-safe.
class World {
 public:
  World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Takes what happened. What is not known yet (an edit ahead of its message) is kept for it.
  void Apply(const v1::Event& event);
  void AddDraft(const std::string& chat, Draft draft);

  // Nothing when there is no such chat, message or person.
  std::optional<v1::Chat> FindChat(const std::string& chat) const;
  // The chat with all that is shown in it: a copy of up to kMessagesPerChatMax messages.
  std::optional<ChatView> ViewOf(const std::string& chat) const;
  // As the user sees it: what was deleted for the user alone is deleted.
  std::optional<v1::Message> FindMessage(const std::string& chat, const std::string& message) const;
  std::optional<v1::Contact> FindContact(const std::string& contact) const;
  // The id of a chat that is called so now; empty when none is.
  std::string ChatCalled(const std::string& name) const;
  // The name a person is shown by in AliceChat: "You" for the user.
  std::string NameOf(const std::string& contact) const;
  // What stands before a line about a chat: "[Friday dinner]"; the id where the name is not known.
  std::string Heading(const std::string& chat) const;

 private:
  const ChatView* Shown(const std::string& chat) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyToMessage(const v1::Event& event, ChatView& chat) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyToChat(const v1::Event& event, ChatView& chat) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable platform::Mutex mutex_;
  std::map<std::string, ChatView> chats_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::Contact> contacts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::demo
