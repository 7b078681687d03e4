// SPDX-License-Identifier: Apache-2.0
// Who can see a chat: what a disclosure tells, to the user and to the other people in it.
//
// A pause and a locked screen change nothing here: told is who may see the chat, not who does at
// this moment. Else every locked screen would be news in every chat.
#pragma once

#include <absl/time/time.h>

#include <span>
#include <string>
#include <vector>

#include "broker/app_registry.h"
#include "permissions/decide.h"
#include "permissions/ids.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

// An app whose grants in force open something of a chat.
struct AudienceApp {
  permissions::Principal principal;
  // The name the user knows it by, cleaned.
  std::string name;
  // Where what it sees goes, cleaned; empty when that stays on this device.
  std::string service;
  bool leaves_device = false;
  // Sees who writes and when, never what.
  bool metadata_only = false;
  bool may_write = false;

  bool operator==(const AudienceApp&) const = default;
};
// In order of their principals.
using Audience = std::vector<AudienceApp>;

// An app that holds grants, as it would be if nothing were paused. Holds on to its snapshot.
struct GrantHolder {
  AppPointer app;
  permissions::Access access;
};
std::vector<GrantHolder> GrantHolders(const AppRegistry& apps);

// Whether the grants in force open text of any chat.
bool CanReadText(const permissions::Access& access, absl::Time now);

// Returns who can see the chat of 'object'.
Audience AudienceOf(std::span<const GrantHolder> holders, const permissions::ObjectFacts& object,
                    absl::Time now);
// What is told of one app, whatever it can see.
AudienceApp DescribeApp(const AppSnapshot& app);

// Whether the app gets marks in place of all that is written there: who objects keeps it out.
bool IsWithheld(const permissions::Access& access, const permissions::ObjectFacts& object);

// Whether text of any kind goes off this device; what only tells who writes and when counts too.
bool LeavesDevice(const Audience& audience);
v1::DisclosedApp ToWire(const AudienceApp& app);

}  // namespace postern::broker
