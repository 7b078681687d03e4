// SPDX-License-Identifier: Apache-2.0
// Brings Tryton up to date with the ledger: finds the party of each person, and writes the notes
// that are behind.
#pragma once

#include <absl/status/status.h>

#include "clients/crm/config.h"
#include "clients/crm/ledger.h"
#include "clients/crm/parties.h"

namespace postern::crm {

// One thread at a time.
class Publisher {
 public:
  Publisher(const Config& config, Ledger& ledger, Parties& parties)
      : config_(config), ledger_(ledger), parties_(parties) {}

  // OK when no note of somebody with a party is behind. A note that Tryton refuses does not hold up
  // the others; the first error is returned. Errors as Tryton::Call, and of the ledger.
  absl::Status Publish();
  // How many people with notes wait for a person to match them with a party: after Publish.
  int waiting() const { return waiting_; }

  // Takes out of Tryton all that this app put there, and empties the ledger. Returns how many
  // parties stay because others work with them now.
  absl::StatusOr<int> EraseEverything();

 private:
  absl::StatusOr<Person> WithParty(Person person);
  absl::StatusOr<std::optional<int64_t>> FindParty(const Person& person);
  absl::Status PutNote(const Person& person, const Note& note);
  absl::StatusOr<std::string> TextOf(const Person& person, const Note& note);
  absl::Status CheckParty(const Person& person, const absl::Status& refused);

  const Config& config_;
  Ledger& ledger_;
  Parties& parties_;
  int waiting_ = 0;
};

}  // namespace postern::crm
