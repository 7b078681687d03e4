// SPDX-License-Identifier: Apache-2.0
// Who is who and which chat is which, as Postern says it; the ledger remembers it.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>

#include "clients/crm/ledger.h"
#include "clients/sdk/client.h"

namespace postern::crm {

// Errors of the SDK, and of the ledger. One thread at a time.
class People {
 public:
  People(sdk::Client& client, Ledger& ledger) : client_(client), ledger_(ledger) {}

  // Fetches all accounts, people and chats.
  absl::Status Refresh();
  // What an event told of them.
  absl::Status Put(const v1::Contact& contact);
  absl::Status Put(const v1::Chat& chat);

  // One that the ledger does not know is asked for. A person or chat that Postern does not tell of
  // is nobody known, and a group.
  absl::StatusOr<Person> PersonWith(const std::string& id);
  absl::StatusOr<ChatFacts> ChatWith(const std::string& id);

 private:
  absl::Status RefreshAccounts();
  absl::Status RefreshContacts();

  sdk::Client& client_;
  Ledger& ledger_;
  std::map<std::string, std::string> networks_;  // by account
};

}  // namespace postern::crm
