// SPDX-License-Identifier: GPL-3.0-or-later
// The two things the adapter must remember from one run to the next, in libpurple's own 0700
// folder: which chats it has announced, and whether the last run ended cleanly.
#pragma once

#include <ctime>
#include <optional>
#include <set>
#include <string>

namespace postern::purple {

class Remembered {
 public:
  // Reads 'folder'/postern-chats. What cannot be read counts as not remembered: a chat is then
  // announced once more, which is harmless.
  explicit Remembered(std::string folder);

  bool Knows(const std::string& chat_jid) const { return chats_.count(chat_jid) > 0; }
  void Add(const std::string& chat_jid);

  // Marks that messages may be arriving from now on. Returns when the last run did so, if it never
  // said that it was over: what reached it in its last moment may be lost.
  std::optional<std::time_t> BeginSession();
  void EndSession();

 private:
  std::string chats_path_;
  std::string session_path_;
  std::set<std::string> chats_;
  bool in_session_ = false;
};

}  // namespace postern::purple
