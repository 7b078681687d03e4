// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <mutex>
#include <string>

#include "clients/sdk/client.h"

namespace postern::translator {

// The chats that are open to this program, by id and by name. Thread-safe.
class ChatNames {
 public:
  // Reads all of them.
  absl::Status Load(sdk::Client& client);
  // Takes in what an event says about a chat. One that must be forgotten is not known any more.
  void Learn(const v1::Event& event);

  // Whether it was read, or an event named it.
  bool Knows(const std::string& chat_id) const;
  // Ids and names.
  std::map<std::string, std::string> All() const;
  // Its name, or "a chat" where that is not known.
  std::string NameOf(const std::string& chat_id) const;
  // NOT_FOUND, naming those that there are, when none has this name or several have.
  absl::StatusOr<std::string> IdOf(const std::string& name) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> names_;  // by id; guarded by mutex_
};

}  // namespace postern::translator
