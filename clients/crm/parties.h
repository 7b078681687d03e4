// SPDX-License-Identifier: Apache-2.0
// What this app does in Tryton: finds and makes parties, and keeps its notes at them.
//
// Every note ends with a mark, "[postern:KEY]", by which it is found again: when the answer to its
// making was lost in a crash, or this app's own records were. So nothing is made twice.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clients/crm/tryton.h"

namespace postern::crm {

struct Party {
  int64_t id = 0;
  std::string name;
};

// Errors as Tryton::Call. One thread at a time.
class Parties {
 public:
  // 'country_code' stands for a number's single leading 0; may be empty.
  Parties(Tryton& tryton, std::string country_code);

  // The parties with this address ("tel:+15551234", "xmpp:alice@example.org"), each once.
  absl::StatusOr<std::vector<Party>> WithAddress(const std::string& address);
  // The parties with this id, this code or exactly this name: what a person may mean.
  absl::StatusOr<std::vector<Party>> Named(const std::string& words);
  absl::StatusOr<bool> Exists(int64_t party);
  absl::StatusOr<int64_t> Create(const std::string& name,
                                 const std::vector<std::string>& addresses);

  // Makes the note with this mark say 'text' at 'party': writes only what differs. 'known' is its
  // id, where it is known. Returns its id.
  absl::StatusOr<int64_t> PutNote(std::optional<int64_t> known, int64_t party,
                                  const std::string& mark, const std::string& text);
  // OK also when it is not there.
  absl::Status DeleteNote(std::optional<int64_t> known, const std::string& mark);

  // Removes every note that this user of Tryton made with a mark of ours.
  absl::Status DeleteAllNotes();
  // Removes a party that this app made, unless somebody else has worked with it since: then it is
  // theirs. Returns whether it is gone.
  absl::StatusOr<bool> DeleteParty(int64_t party);

 private:
  absl::StatusOr<std::optional<nlohmann::json>> FindNote(std::optional<int64_t> known,
                                                         const std::string& mark);
  absl::StatusOr<std::vector<Party>> Search(const nlohmann::json& domain);

  Tryton& tryton_;
  const std::string country_code_;
};

// "+15551234" of "001 (555) 12-34": what numbers are compared by.
std::string PlainNumber(const std::string& number, const std::string& country_code);

}  // namespace postern::crm
