// SPDX-License-Identifier: Apache-2.0
// What the bridge must still know after a restart: who is called what on the XMPP side, which
// message is which, what came from there and is not yet done. No text of the chats is kept, but for
// what the user wrote until it is sent.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "clients/xmpp_bridge/database.h"

namespace postern::xmpp_bridge {

// A person of the chats, and the ghost that stands for them.
struct Person {
  std::string contact_id;
  std::string node;  // of the ghost's address
  std::string name;
  bool subscribed = false;  // the owner's client wants to know whether they are online
  std::string presence;     // "" unknown, "online", "away", "offline"
  std::string avatar_id;    // the attachment that 'avatar' was made of
  std::string avatar;       // the picture's bytes
  std::string avatar_type;
};

// A chat, and the room that stands for it when it is a group.
struct ChatEntry {
  std::string chat_id;
  std::string node;  // of the room's address
  std::string name;
  bool group = false;
  std::string peer_contact_id;
  bool opened = false;  // the history was brought and the owner invited
};

// One message on both sides. Several XMPP messages may be one message: its files, its corrections.
struct MessageLink {
  std::string chat_id;
  std::string message_id;
  std::string xmpp_id;
  std::string stanza_id;  // what the room calls it
  std::string sender_contact_id;
  bool from_xmpp = false;  // the user wrote it in the XMPP client
  bool told = false;       // the other side has it for certain
};

// A stanza of the user's that has not been carried out yet.
struct Inbound {
  int64_t number = 0;
  std::string request_id;
  std::string stanza;
};

// Thread-safe. All that returns OK is durable. UNAVAILABLE when the disk is full or fails: nothing
// was changed then.
class Store {
 public:
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& path,
                                                     const platform::SecretBytes& key);

  absl::StatusOr<std::string> Meta(const std::string& name);
  absl::Status SetMeta(const std::string& name, const std::string& value);

  // When the bridge was last there, with every chat open: seconds since 1970, 0 when it never was.
  int64_t Seen();
  absl::Status SetSeen(absl::Time now);

  // The person, made with a ghost's address at first sight. 'name' may be empty when it is unknown.
  absl::StatusOr<Person> PersonOf(const std::string& contact_id, const std::string& name);
  absl::StatusOr<std::optional<Person>> PersonByNode(const std::string& node);
  absl::StatusOr<std::vector<Person>> People();
  absl::Status SetSubscribed(const std::string& contact_id, bool subscribed);
  absl::Status SetPresence(const std::string& contact_id, const std::string& presence);
  absl::Status SetAvatar(const Person& person);

  // Makes or renames a chat; its address stays.
  absl::StatusOr<ChatEntry> ChatOf(const std::string& chat_id, const std::string& name, bool group,
                                   const std::string& peer_contact_id);
  absl::StatusOr<std::optional<ChatEntry>> ChatById(const std::string& chat_id);
  absl::StatusOr<std::optional<ChatEntry>> RoomByNode(const std::string& node);
  absl::StatusOr<std::optional<ChatEntry>> DirectWith(const std::string& contact_id);
  absl::Status SetOpened(const std::string& chat_id);
  // Forgets a chat with its messages. Its people stay: they may be in others.
  absl::Status ForgetChat(const std::string& chat_id);

  // The first link of a message: what the XMPP side calls it.
  absl::StatusOr<std::optional<MessageLink>> LinkOf(const std::string& message_id);
  // The message that the XMPP side calls 'id', its own id or the room's.
  absl::StatusOr<std::optional<MessageLink>> LinkByXmppId(const std::string& chat_id,
                                                          const std::string& id);
  // The room has given its id to a message.
  absl::Status SetStanzaId(const std::string& chat_id, const std::string& xmpp_id,
                           const std::string& stanza_id);
  // A send that waited has its message now. Says whether there was such a one.
  absl::Status SetMessageOf(const std::string& request_id, const std::string& message_id);

  // Whether the event has reached the XMPP server before.
  absl::StatusOr<bool> WasDelivered(const std::string& event_id);
  // Before they are told: an answer can be quicker than the server's word that it has them.
  absl::Status Announce(const std::vector<MessageLink>& links);
  // It has now, and these are the messages it made. One transaction.
  absl::Status Delivered(const std::string& event_id, const std::vector<MessageLink>& links);

  // What 'contact_id' has on a message.
  absl::StatusOr<std::set<std::string>> Reactions(const std::string& message_id,
                                                  const std::string& contact_id);
  absl::Status SetReactions(const std::string& message_id, const std::string& contact_id,
                            const std::set<std::string>& emojis);

  // Takes a stanza in. One with a known request id changes nothing.
  absl::Status Spool(const std::string& request_id, const std::string& stanza);
  absl::StatusOr<std::optional<Inbound>> NextInbound();
  // A call for such a stanza is under way: what becomes of it may be told as an event before this
  // file knows its message. True from the start until somebody has looked what an earlier run left.
  bool carrying() const { return carrying_; }
  void SetCarrying(bool carrying) { carrying_ = carrying; }
  // It was carried out, or never will be. Its text goes.
  absl::Status FinishInbound(const Inbound& inbound, const std::vector<MessageLink>& links);

  // The access is over: forgets everything.
  absl::Status EraseAll();

 private:
  explicit Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  absl::StatusOr<Rows> Query(const char* sql, std::initializer_list<Value> values = {})
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return database_->Query(sql, values);
  }
  absl::Status Do(const char* sql, std::initializer_list<Value> values = {})
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return database_->Query(sql, values).status();
  }
  absl::Status Link(const std::vector<MessageLink>& links) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Together(const std::function<absl::Status()>& work)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::optional<ChatEntry>> OneChat(const char* sql, const std::string& value)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::optional<MessageLink>> OneLink(const char* sql,
                                                     std::initializer_list<Value> values)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<bool> carrying_ = true;
  absl::Mutex mutex_;
  const std::unique_ptr<Database> database_ ABSL_PT_GUARDED_BY(mutex_);
};

// "maria-garcia-3f9a21c07e": readable, and not to be guessed from the name. Latin letters and
// digits only, since an address is compared in ways that a name is not.
std::string MakeNode(const std::string& name, const std::string& id);

}  // namespace postern::xmpp_bridge
