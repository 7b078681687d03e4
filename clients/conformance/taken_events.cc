// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/taken_events.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

namespace postern::conformance {

uint64_t TakenEvents::Begin() {
  last_position_ = durable_position_;
  return durable_position_;
}

uint64_t TakenEvents::Acknowledge() {
  durable_position_ = std::max(durable_position_, last_position_);
  return durable_position_;
}

void TakenEvents::Take(const v1::SourcedEvent& sourced, Breaches& breaches) {
  if (sourced.position() <= last_position_) {
    breaches.Add(absl::StrCat("position ", sourced.position(), " came after ", last_position_));
    return;
  }
  last_position_ = sourced.position();
  TakenEvent taken{sourced.position(), {}, sourced.command_id()};
  if (!taken.event.ParseFromString(sourced.event())) {
    breaches.Add(absl::StrCat("the event at position ", sourced.position(), " cannot be read"));
    return;
  }
  if (taken.event.kind_case() == v1::Event::KIND_NOT_SET) {
    breaches.Add(absl::StrCat("the event at position ", sourced.position(), " has no kind"));
  }
  // What was not acknowledged comes again after a cut, and counts once.
  if (!all_.empty() && taken.position <= all_.back().position) return;
  all_.push_back(std::move(taken));
}

}  // namespace postern::conformance
