// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/faults.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <array>
#include <utility>

#include "platform/status_macros.h"

namespace postern::demo {
namespace {

constexpr double kRateDefault = 0.05;

constexpr std::array<std::pair<const char*, Fault>, 8> kNames = {{
    {"gap", Fault::kGap},
    {"replay", Fault::kReplay},
    {"reorder", Fault::kReorder},
    {"disconnect", Fault::kDisconnect},
    {"slow", Fault::kSlow},
    {"lying-time", Fault::kLyingTime},
    {"refuse-now", Fault::kRefuseNow},
    {"refuse", Fault::kRefuse},
}};

// A clock an hour off, a date a month off, and what no messenger's clock says.
constexpr std::array kLies = {absl::Hours(1),
                              -absl::Hours(1),
                              -absl::Hours(24 * 30),
                              absl::Hours(24 * 2),
                              absl::Hours(24 * 365 * 30),
                              -absl::Hours(24 * 365 * 40)};

uint64_t Draw(uint64_t seed, uint64_t fault, uint64_t place) {
  uint64_t value = seed * 0x9e3779b97f4a7c15u + fault * 0xd1b54a32d192ed03u + place;
  for (int i = 0; i < 2; ++i) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    value ^= value >> 31;
  }
  return value;
}

}  // namespace

absl::StatusOr<Fault> FaultNamed(std::string_view name) {
  std::string all;
  for (const auto& [known, fault] : kNames) {
    if (name == known) return fault;
    absl::StrAppend(&all, all.empty() ? "" : ", ", known);
  }
  return absl::InvalidArgumentError(absl::StrCat("a fault is one of ", all));
}

absl::Status Faults::Add(std::string_view text) {
  const size_t equals = text.find('=');
  ASSIGN_OR_RETURN(const Fault fault, FaultNamed(text.substr(0, equals)));
  double rate = kRateDefault;
  if (equals != std::string_view::npos &&
      (!absl::SimpleAtod(std::string(text.substr(equals + 1)), &rate) || !(rate > 0) || rate > 1)) {
    return absl::InvalidArgumentError("a fault's rate is above 0 and at most 1, e.g. gap=0.1");
  }
  platform::MutexLock lock(mutex_);
  rates_[fault] = rate;
  return absl::OkStatus();
}

void Faults::Next(Fault fault, int count) {
  platform::MutexLock lock(mutex_);
  next_[fault] += count;
}

bool Faults::Strikes(Fault fault, uint64_t place) {
  platform::MutexLock lock(mutex_);
  if (const auto next = next_.find(fault); next != next_.end() && next->second > 0) {
    --next->second;
    return true;
  }
  const auto rate = rates_.find(fault);
  if (rate == rates_.end()) return false;
  constexpr double kAll = 18446744073709551616.0;  // 2^64
  return static_cast<double>(Draw(seed_, static_cast<uint64_t>(fault) + 1, place)) <
         rate->second * kAll;
}

absl::Duration Faults::Lie(uint64_t place) const {
  return kLies[Draw(seed_, 0, place) % kLies.size()];
}

}  // namespace postern::demo
