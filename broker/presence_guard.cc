// SPDX-License-Identifier: Apache-2.0
#include "broker/presence_guard.h"

#include <algorithm>

namespace postern::broker {
namespace {

using permissions::Grant;
using permissions::GrantState;

bool IsActive(const Grant& grant) { return grant.state == GrantState::kActive; }

bool HangsOnSession(const Grant& grant) { return IsActive(grant) && grant.only_while_unlocked; }

}  // namespace

PresenceGuard::PresenceGuard(Options options) : options_(options) {
  if (options_.watch == nullptr) return;
  options_.watch->Watch([this] { Follow(); });
  Follow();
}

PresenceGuard::~PresenceGuard() {
  if (options_.watch != nullptr) options_.watch->Watch(nullptr);
}

void PresenceGuard::Follow() {
  const bool unlocked = platform::IsPresent(options_.watch->presence());
  options_.apps.SetSessionUnlocked(unlocked);
  options_.consent.SessionChanged();
  if (!unlocked) options_.sight.TakeBack();
  for (const AppPointer& app : options_.apps.All()) {
    const auto& grants = app->grants;
    if (std::none_of(grants.begin(), grants.end(), HangsOnSession)) continue;
    if (unlocked) {
      options_.streams.KeepStreams(app->principal);
    } else if (std::none_of(grants.begin(), grants.end(), [](const Grant& grant) {
                 return IsActive(grant) && !grant.only_while_unlocked;
               })) {
      // Nothing is left to it: also a stream whose reader stalls must end.
      options_.streams.EndStreams(app->principal);
    }
  }
  options_.log.WakeAll();
}

}  // namespace postern::broker
