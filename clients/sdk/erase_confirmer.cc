// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/erase_confirmer.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <utility>

#include "clients/sdk/channel.h"
#include "clients/sdk/enroll.h"
#include "clients/sdk/errors.h"
#include "clients/sdk/grants.h"

namespace postern::sdk {
namespace {

// A confirmation that a hung broker does not take is given up; the next one covers it.
constexpr absl::Duration kConfirmTimeout = absl::Seconds(5);
// The connection of an app that was thrown out is shut a second later: a call that this cut is made
// anew.
constexpr int kConfirmTriesMax = 4;

}  // namespace

bool AsksToErase(const v1::Event& event) {
  return event.has_message_deleted() || event.has_message_expired() || event.has_erase_asked();
}

void EraseConfirmer::Saw(const v1::Event& event) {
  if (!options_.on_erase || !AsksToErase(event)) return;
  if (options_.on_erase(event).ok()) {
    erased_ = true;
  } else {
    failed_ = true;
  }
}

void EraseConfirmer::FrameReturned(const std::string& cursor) {
  if (erased_ && !failed_) unconfirmed_ = cursor;
  erased_ = false;
}

void EraseConfirmer::Confirm() {
  if (unconfirmed_.empty()) return;
  v1::ConfirmErasedRequest request;
  request.set_cursor(unconfirmed_);
  const absl::Status told = Tell(request);
  if (told.ok() || !IsRetriable(told)) unconfirmed_.clear();
}

void EraseConfirmer::Ended(const absl::Status& status, Pause& pause) {
  if (!AccessIsOver(status)) return;
  if (std::exchange(ended_, true) || !options_.on_erase_everything) return;
  if (!options_.on_erase_everything().ok()) return;
  unconfirmed_.clear();
  v1::ConfirmErasedRequest request;
  request.set_everything(true);
  Backoff backoff(core_->options.backoff);
  for (int tries = 0; tries < kConfirmTriesMax; ++tries) {
    const absl::Status told = Tell(request);
    if (told.ok() || !IsRetriable(told)) return;
    if (!PauseForConnection(pause, *core_->stubs.channel, backoff.Next())) return;
  }
}

absl::Status EraseConfirmer::Tell(const v1::ConfirmErasedRequest& request) {
  // Not through what counts the client as revoked: this is open to a key that is out.
  grpc::ClientContext context;
  context.set_deadline(
      absl::ToChronoTime(absl::Now() + std::min(core_->options.call_timeout, kConfirmTimeout)));
  v1::ConfirmErasedResponse response;
  return ToClientStatus(core_->stubs.event->ConfirmErased(&context, request, &response));
}

}  // namespace postern::sdk
