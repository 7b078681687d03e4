// SPDX-License-Identifier: Apache-2.0
// Carries out the duty to erase of one subscription: calls the app for what it is asked to erase,
// and tells the broker what the app has said it erased.
#pragma once

#include <absl/status/status.h>

#include <memory>
#include <string>

#include "clients/sdk/backoff.h"
#include "clients/sdk/client_core.h"
#include "clients/sdk/subscription.h"

namespace postern::sdk {

// One thread at a time.
class EraseConfirmer {
 public:
  // 'options' outlives this. 'core' is shared with the subscription.
  EraseConfirmer(std::shared_ptr<ClientCore> core, const SubscribeOptions& options)
      : core_(std::move(core)), options_(options) {}

  // An event is about to be returned: when it asks to erase, the app is called.
  void Saw(const v1::Event& event);
  // All events up to 'cursor' were returned.
  void FrameReturned(const std::string& cursor);
  // The app came back for more, so it is done with what was returned: tells the broker, when there
  // is something to tell. What cannot be told now is told the next time.
  void Confirm();
  // The stream ended so. When that says that the access is over as a whole, has the app erase
  // everything, once, and tells the broker. A wait between tries ends with 'pause'.
  void Ended(const absl::Status& status, Pause& pause);

 private:
  absl::Status Tell(const v1::ConfirmErasedRequest& request);

  const std::shared_ptr<ClientCore> core_;
  const SubscribeOptions& options_;
  // Something was erased that no cursor covers yet; what the next confirmation says, or nothing.
  bool erased_ = false;
  std::string unconfirmed_;
  // The app could not erase something: a later cursor would say that it did.
  bool failed_ = false;
  bool ended_ = false;
};

// Whether the event asks the app to erase something.
bool AsksToErase(const v1::Event& event);

}  // namespace postern::sdk
