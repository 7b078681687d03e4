// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "clients/translator/screen.h"

namespace postern::translator {

// The chats that the user wants left alone. Anybody in a chat may rename it, also while this
// program is not running: what once had one of the names stays skipped, by its id, which is kept in
// a file for as long as the name is in the settings.
//
// One thread at a time.
class SkippedChats {
 public:
  // 'names' has names and ids of chats; 'path' is the file, in a folder of this user's alone.
  // 'screen' must outlive it, and is told what cannot be written down.
  SkippedChats(std::vector<std::string> names, std::string path, Screen& screen)
      : names_(std::move(names)), path_(std::move(path)), screen_(screen) {}

  // Reads what was found in earlier runs, and lets go of what was found for names that are not in
  // the settings any more, also in the file. FAILED_PRECONDITION, saying what to do, when the file
  // is not as this program left it: it would be worse to translate what was to be skipped.
  absl::Status Load();
  // Whether the chat, which is now called 'name', is left alone. One that has a name of the
  // settings is from now on.
  bool Has(const std::string& chat_id, const std::string& name);
  // Whether a chat was ever found for what the user named.
  bool Found(const std::string& name) const;
  // The access is over: nothing is kept.
  void Forget();

 private:
  void Keep();

  const std::vector<std::string> names_;
  const std::string path_;
  Screen& screen_;
  std::set<std::pair<std::string, std::string>> kept_;  // id of the chat, name in the settings
};

}  // namespace postern::translator
