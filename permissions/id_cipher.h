// SPDX-License-Identifier: Apache-2.0
// Makes the broker's ids from remote ones, and hides them from apps: each app sees pseudonyms of
// its own, so that two apps cannot join what they see by id, nor count what they do not see.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "permissions/ids.h"
#include "platform/secret_bytes.h"

namespace postern::permissions {

// Makes internal ids: the first 16 bytes of HMAC-SHA256(id key, kind | account | ... | remote id),
// with lengths before each part. The same for ever under the same key. Thread-safe.
class IdMaker {
 public:
  // 'id_key' has 32 bytes.
  explicit IdMaker(std::span<const uint8_t> id_key);
  ~IdMaker();
  IdMaker(const IdMaker&) = delete;
  IdMaker& operator=(const IdMaker&) = delete;

  AccountId Account(std::string_view network, std::string_view remote_id) const;
  ChatId Chat(const AccountId& account, std::string_view remote_id) const;
  ContactId Contact(const AccountId& account, std::string_view remote_id) const;
  // With the chat, because a peer may choose the ids of his messages: the same id in another chat
  // is another message, and an edit from there does not touch this one.
  MessageId Message(const AccountId& account, const ChatId& chat, std::string_view remote_id) const;
  AttachmentId Attachment(const AccountId& account, std::string_view remote_id) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Returns a random id.
GrantId NewGrantId();

// The ids, event ids and cursors of one app: 22 characters of base64url, one AES block under a key
// of this app. Not a table: the same internal id always has the same pseudonym. Thread-safe.
class Pseudonyms {
 public:
  // 'master' has 32 bytes. 'epoch' is the log's: event ids and cursors of another log do not
  // decode.
  Pseudonyms(std::span<const uint8_t> master, const Principal& principal, uint64_t epoch);
  ~Pseudonyms();
  Pseudonyms(const Pseudonyms&) = delete;
  Pseudonyms& operator=(const Pseudonyms&) = delete;

  // The empty Id encodes as the empty string.
  std::string Encode(const AccountId& id) const;
  std::string Encode(const ChatId& id) const;
  std::string Encode(const ContactId& id) const;
  std::string Encode(const MessageId& id) const;
  std::string Encode(const AttachmentId& id) const;
  std::string Encode(const GrantId& id) const;

  // Each returns nullopt when 'text' is not the canonical form of 16 bytes (malformed: say so), and
  // some Id that names nothing when it is another app's, or of another kind (answer as missing).
  std::optional<AccountId> DecodeAccount(std::string_view text) const;
  std::optional<ChatId> DecodeChat(std::string_view text) const;
  std::optional<ContactId> DecodeContact(std::string_view text) const;
  std::optional<MessageId> DecodeMessage(std::string_view text) const;
  std::optional<AttachmentId> DecodeAttachment(std::string_view text) const;
  std::optional<GrantId> DecodeGrant(std::string_view text) const;

  // Event ids and cursors carry a 64-bit check: nullopt also for forged ones, another app's,
  // another log's, and one given in place of the other.
  std::string EncodeEvent(uint64_t sequence) const;
  std::optional<uint64_t> DecodeEvent(std::string_view text) const;
  std::string EncodeCursor(uint64_t sequence) const;
  std::optional<uint64_t> DecodeCursor(std::string_view text) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Makes page tokens: sealed for one app, method and request (AES-256-GCM). Thread-safe.
class TokenSealer {
 public:
  // 'master' has 32 bytes.
  TokenSealer(std::span<const uint8_t> master, const Principal& principal);

  // 'request' is a stable form of what the token continues, without page size and token, e.g. the
  // concatenated filter fields; it is authenticated, not carried.
  std::string Seal(std::string_view full_method, std::string_view request,
                   std::string_view payload) const;
  // Returns the payload, or nullopt when the token is not one of this app, method and request.
  std::optional<std::string> Open(std::string_view full_method, std::string_view request,
                                  std::string_view token) const;

 private:
  platform::SecretBytes key_;
};

}  // namespace postern::permissions
