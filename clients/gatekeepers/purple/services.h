// SPDX-License-Identifier: GPL-3.0-or-later
// What the account's server offers beside the chats themselves (XEP-0030): where groups are made,
// and where files go. Asked anew after each sign-on. One that does not answer, or cannot now, may
// still be what is looked for: it is asked again.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "clients/gatekeepers/purple/parts.h"

namespace postern::purple {

class Services {
 public:
  explicit Services(const Parts& parts) : parts_(parts) {}

  void SignedOn();

  // Addresses; empty: there is none, or nobody knows yet.
  const std::string& group_service() const { return group_service_; }
  const std::string& upload_service() const { return upload_service_; }
  // All have answered since the sign-on.
  bool known() const { return listed_ && unanswered_ == 0 && silent_.empty(); }

  // Somebody needs a service that is not known: asks again whoever has not answered, unless they
  // are being asked now.
  void AskAgain();
  // One tick of the clock: apps ask for nothing that was never there.
  void Tick();

 private:
  void AskForList();
  void Ask(const std::string& service);
  void TellUploads();

  Parts parts_;
  std::string group_service_;
  std::string upload_service_;
  bool listed_ = false;              // the server has said which services there are
  std::vector<std::string> silent_;  // of them, those that have not answered
  size_t unanswered_ = 0;            // questions on their way
  std::time_t asked_time_ = 0;
};

}  // namespace postern::purple
