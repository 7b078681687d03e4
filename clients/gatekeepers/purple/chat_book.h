// SPDX-License-Identifier: GPL-3.0-or-later
// The chats that the broker was told of, what they can do, and which of them have been encrypted. A
// chat that has been encrypted once is never written to in clear again, restarts included.
#pragma once

#include <account.h>

#include <string>
#include <string_view>

#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/remembered.h"
#include "clients/gatekeepers/purple/reporter.h"

namespace postern::purple {

class ChatBook {
 public:
  // All must outlive it.
  ChatBook(PurpleAccount* account, const EventMaker& maker, Reporter& reporter,
           Remembered& remembered)
      : account_(account), maker_(maker), reporter_(reporter), remembered_(remembered) {}

  // The chat that 'name' is of, as libpurple writes names. Empty for a name that is no chat's:
  // somebody inside a room, for whom no 1:1 chat may stand.
  std::string ChatOf(const char* name) const;
  std::string NameOf(const std::string& jid) const;

  bool IsAnnounced(const std::string& chat_jid) const;
  // Says whom a 1:1 chat is with, before the first thing that happens in it.
  void Announce(const std::string& chat_jid);
  // Whether the user has blocked the person, as the server last said.
  bool IsBlocked(const std::string& jid) const;
  // The 1:1 chat as it is now.
  v1::Chat DirectChat(const std::string& chat_jid) const;
  // True when the room had not been announced; the caller then does.
  bool MarkAnnounced(const std::string& room_jid);

  ChatTraits TraitsOf(const std::string& chat_jid, bool group) const;
  bool IsEncrypted(const std::string& chat_jid) const;
  // Tells what changes by it, when that is new.
  void MarkEncrypted(const std::string& chat_jid, bool group);
  // Whether the server takes files. Tells what changes by it, when that is new.
  void SetUploads(bool uploads);

 private:
  bool IsRoom(const std::string& chat_jid) const;

  PurpleAccount* account_;
  const EventMaker& maker_;
  Reporter& reporter_;
  Remembered& remembered_;
};

}  // namespace postern::purple
