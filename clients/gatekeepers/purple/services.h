// SPDX-License-Identifier: GPL-3.0-or-later
// What the account's server offers beside the chats themselves (XEP-0030): where groups are made,
// and where files go. Asked anew after each sign-on.
#pragma once

#include <string>

#include "clients/gatekeepers/purple/parts.h"

namespace postern::purple {

class Services {
 public:
  explicit Services(const Parts& parts) : parts_(parts) {}

  void SignedOn();

  // Addresses; empty: there is none, or nobody knows yet.
  const std::string& group_service() const { return group_service_; }
  const std::string& upload_service() const { return upload_service_; }
  // All were asked since the sign-on, and have answered or were given up on.
  bool known() const { return known_; }

 private:
  void Ask(const std::string& service);

  Parts parts_;
  std::string group_service_;
  std::string upload_service_;
  size_t unanswered_ = 0;
  bool known_ = false;
};

}  // namespace postern::purple
