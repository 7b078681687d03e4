// SPDX-License-Identifier: Apache-2.0
// Plays rows against an adapter that stands at the door, with the far end's program.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <string>
#include <vector>

#include "clients/conformance/door.h"
#include "clients/conformance/driver.h"
#include "clients/conformance/ends.h"
#include "clients/conformance/finding.h"
#include "clients/conformance/rows.h"
#include "clients/conformance/words.h"

namespace postern::conformance {

struct RunnerOptions {
  // Where the files that people send are made.
  std::string folder;
  // Longest wait for what should come.
  absl::Duration wait = absl::Seconds(10);
  // Told each finding as it is made. May be empty.
  std::function<void(const Finding&)> on_finding;
};

class Runner {
 public:
  // 'names': who plays which part, as the far end's program says.
  Runner(Door& door, Driver& driver, Json names, RunnerOptions options);

  // Takes the requests that the far end has made for chats to play in. What the adapter then tells
  // is awaited as long as for a row.
  absl::Status Accept(const Json& chats);

  Finding Play(const Row& row);
  // The rows that 'wanted' says yes to, then what the contract asks of every adapter.
  std::vector<Finding> PlayAll(const std::function<bool(const std::string& name)>& wanted);

 private:
  // What the adapter says of the capability, in that chat.
  v1::CapabilityLevel Claimed(const std::string& capability, const std::string& chat) const;
  // Who claims FULL and is short of it lies.
  static void Judge(Finding& finding);

  const Ends ends_;
  Words words_;
  const std::function<void(const Finding&)> on_finding_;
};

}  // namespace postern::conformance
