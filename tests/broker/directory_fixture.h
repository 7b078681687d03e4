// SPDX-License-Identifier: Apache-2.0
// A directory with one account, whose chats begin as they do for an adapter.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/seal_book.h"
#include "permissions/id_cipher.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {

// 'store' must outlive it.
class OneAccount {
 public:
  explicit OneAccount(Store& store) {
    bool damaged = false;
    seals_ = *SealBook::Open(
        store, [] {}, damaged);
    directory_ = *Directory::Open(store, *seals_);
    v1::Account account;
    account.set_network("xmpp");
    EXPECT_TRUE(directory_->PutAccount(id_, "alice", {}, account, {}).ok());
  }

  Directory& directory() { return *directory_; }
  permissions::AccountId id() const { return id_; }
  // A group begins; returns its id.
  permissions::ChatId Begin(const std::string& remote_id) {
    v1::Event event;
    event.mutable_chat_created()->mutable_chat()->set_id(remote_id);
    event.mutable_chat_created()->mutable_chat()->set_kind(v1::CHAT_KIND_GROUP);
    const absl::Time now = clock_.Now();
    const auto taken = TakeEvent(ids_, id_, event.SerializeAsString(), now, now);
    EXPECT_TRUE(taken.ok()) << taken.status();
    EXPECT_TRUE(directory_->Apply(id_, {&*taken, 1}).ok());
    return taken->record.chat;
  }

 private:
  const platform::SystemClock clock_{};
  const permissions::IdMaker ids_{TestKey().span()};
  const permissions::AccountId id_ = ids_.Account("xmpp", "alice");
  std::unique_ptr<SealBook> seals_;
  std::unique_ptr<Directory> directory_;
};

}  // namespace postern::broker
