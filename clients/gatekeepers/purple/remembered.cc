// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/remembered.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <utility>

namespace postern::purple {

Remembered::Remembered(std::string folder)
    : chats_path_(folder + "/postern-chats"), session_path_(folder + "/postern-session") {
  std::ifstream file(chats_path_);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) chats_.insert(std::move(line));
  }
}

void Remembered::Add(const std::string& chat_jid) {
  if (!chats_.insert(chat_jid).second) return;
  std::ofstream(chats_path_, std::ios::app) << chat_jid << '\n';
}

std::optional<std::time_t> Remembered::BeginSession() {
  std::optional<std::time_t> unfinished;
  struct stat status = {};
  if (!in_session_ && stat(session_path_.c_str(), &status) == 0) unfinished = status.st_mtime;
  std::ofstream(session_path_, std::ios::trunc) << getpid() << '\n';
  in_session_ = true;
  return unfinished;
}

void Remembered::EndSession() {
  in_session_ = false;
  unlink(session_path_.c_str());
}

}  // namespace postern::purple
