// SPDX-License-Identifier: Apache-2.0
// Writes events down in the ledger.
#pragma once

#include <absl/status/status.h>

#include "clients/crm/config.h"
#include "clients/crm/ledger.h"
#include "clients/crm/people.h"
#include "postern/v1/event.pb.h"

namespace postern::crm {

// One thread at a time.
class Recorder {
 public:
  Recorder(const Config& config, People& people, Ledger& ledger)
      : config_(config), people_(people), ledger_(ledger) {}

  // Writes down what an event says; the same event again changes nothing. Errors of People and of
  // the ledger: then nothing of it was written, and it can be tried again.
  absl::Status Record(const v1::Event& event);

 private:
  absl::Status Created(const v1::Event& event);
  absl::Status Edited(const v1::Event& event);
  absl::Status Forget(const v1::Event& event);

  const Config& config_;
  People& people_;
  Ledger& ledger_;
};

}  // namespace postern::crm
