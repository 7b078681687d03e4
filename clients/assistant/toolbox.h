// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <optional>
#include <string>
#include <vector>

#include "clients/assistant/broker_link.h"
#include "clients/assistant/tool.h"

namespace postern::assistant {

// The tools that the config offers, and the way through them: arguments checked, pace kept, errors
// in one line, other people's words marked. Thread-safe.
class Toolbox {
 public:
  // 'config' and 'link' must outlive it.
  Toolbox(const Config& config, BrokerLink& link);

  // For tools/list: the same order every time.
  const Json& List() const { return list_; }

  // For tools/call: the result, failures of the tool included; nullopt when there is no such tool.
  std::optional<Json> Call(const std::string& name, const Json& arguments);

 private:
  absl::StatusOr<ToolAnswer> Run(const Tool& tool, const Json& arguments);
  absl::Status KeepPace() ABSL_LOCKS_EXCLUDED(mutex_);

  const Config& config_;
  BrokerLink& link_;
  std::vector<Tool> tools_;
  Json list_;
  SendOutcomes outcomes_;

  absl::Mutex mutex_;
  absl::Time minute_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace postern::assistant
