// SPDX-License-Identifier: GPL-3.0-or-later
// Names the capability that a command needs, in the words of postern.v1.ChatCapabilities.
#pragma once

#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::purple {

// "edit" for an edit; empty where no capability stands for the command.
inline const char* MissingCapability(v1::Command::KindCase kind) {
  switch (kind) {
    case v1::Command::kEditMessage:
      return "edit";
    case v1::Command::kDeleteMessage:
      return "delete";
    case v1::Command::kSetReaction:
      return "reaction";
    case v1::Command::kMarkRead:
      return "read_receipt";
    case v1::Command::kSetTyping:
      return "typing";
    case v1::Command::kDownload:
    case v1::Command::kUpload:
      return "attachment";
    case v1::Command::kUpdateChat:
      return "manage";
    case v1::Command::kSendMessage:
    case v1::Command::kPostNotice:
    case v1::Command::kCreateChat:
    case v1::Command::kBackfill:
    case v1::Command::KIND_NOT_SET:
      return "";
  }
  return "";
}

}  // namespace postern::purple
