// SPDX-License-Identifier: Apache-2.0
// The window's way to the broker: makes the connection when it is first needed, and anew after the
// broker was away.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>

#include <memory>
#include <utility>

#include "clients/owner/owner.h"
#include "platform/mutex.h"

namespace postern::settings {

// Thread-safe. Blocks: used on lanes, never on GTK's thread.
class BrokerLink {
 public:
  explicit BrokerLink(owner::Paths paths) : paths_(std::move(paths)) {}

  // Runs 'call', an absl::StatusOr<T>(owner::Owner&). Errors are the connection's or the call's.
  template <typename Call>
  auto Run(const Call& call) -> decltype(call(std::declval<owner::Owner&>())) {
    const absl::StatusOr<std::shared_ptr<owner::Owner>> owner = Connected();
    if (!owner.ok()) return owner.status();
    auto result = call(**owner);
    Judge(*owner, result.status());
    return result;
  }

  // Ends the calls that are under way, and refuses further ones.
  void Close();

 private:
  // Shared by the link and the calls that run: a new connection must not end the old one's calls.
  using SharedOwner = std::shared_ptr<owner::Owner>;

  absl::StatusOr<SharedOwner> Connected();
  // Forgets a connection that is of no use any more: the broker that comes back may have another
  // certificate.
  void Judge(const SharedOwner& owner, const absl::Status& status);

  const owner::Paths paths_;
  platform::Mutex mutex_;
  SharedOwner owner_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace postern::settings
