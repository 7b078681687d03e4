// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>

#include "clients/translator/apertium_modes.h"
#include "clients/translator/apertium_pipeline.h"
#include "clients/translator/engine.h"

namespace postern::translator {

struct ApertiumOptions {
  std::string modes_directory = "/usr/share/apertium/modes";
  // Some 200 MB each, so few, and not for long.
  size_t pairs_max = 3;
  absl::Duration idle = absl::Seconds(120);
  // A text that takes longer, and a little more for a long one, is taken for stuck.
  absl::Duration stuck = absl::Seconds(10);
};

// Apertium on this device: one pipeline for each pair in use.
class Apertium : public Engine {
 public:
  explicit Apertium(ApertiumOptions options);

  absl::StatusOr<std::string> Translate(const std::string& text, const Language& from,
                                        const Language& to) override;
  void Rest() override;

  // How many pairs' programs run now.
  size_t running();

 private:
  struct Running {
    std::unique_ptr<ApertiumPipeline> pipeline;
    std::chrono::steady_clock::time_point last_used;
  };
  absl::StatusOr<std::string> Step(const std::string& text, const Pair& pair);
  void MakeRoom();

  const ApertiumOptions options_;
  std::mutex mutex_;
  ApertiumModes modes_;            // guarded by mutex_
  std::map<Pair, Running> pairs_;  // guarded by mutex_
};

}  // namespace postern::translator
