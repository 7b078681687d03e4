// SPDX-License-Identifier: GPL-3.0-or-later
// What the parts of one adapter share. The adapter owns all of it; everything is used on
// libpurple's one thread only.
#pragma once

#include <account.h>

namespace postern::purple {

class ChatBook;
class EventMaker;
class RecentMessages;
class Remembered;
class Reporter;
class Requests;

struct Parts {
  PurpleAccount* account;
  const EventMaker& maker;
  Reporter& reporter;
  Requests& requests;
  Remembered& remembered;
  RecentMessages& recent;
  ChatBook& chats;
};

}  // namespace postern::purple
