// SPDX-License-Identifier: Apache-2.0
// The people at the other end, moved and asked by a program: one request a line, one answer a line.
// The form is described in clients/conformance/README.md; `postern conformance demo` speaks it.
#pragma once

#include <functional>
#include <string>

#include "clients/gatekeepers/demo/files.h"
#include "clients/gatekeepers/demo/script.h"
#include "clients/gatekeepers/demo/world.h"

namespace postern::demo {

// A request longer than this is none: an event, and room around it.
inline constexpr size_t kRequestBytesMax = 512 * 1024;

// An event in the contract's own words: one line of JSON, as --control takes and shows them.
std::string EventText(const v1::Event& event);

class Control {
 public:
  // 'tell' hands what happened to the broker. 'history' counts its ages from 'start', as AliceChat
  // does. All references must outlive it.
  Control(const Script& script, World& world, Files& files, absl::Time start,
          std::function<absl::Status(const v1::Event&)> tell);

  // Answers one request, a line of JSON without its end, by one. One thread at a time.
  std::string Handle(const std::string& line);

 private:
  std::string Hello() const;

  const Script& script_;
  World& world_;
  Files& files_;
  const absl::Time start_;
  const std::function<absl::Status(const v1::Event&)> tell_;
};

}  // namespace postern::demo
