// SPDX-License-Identifier: Apache-2.0
// Grants in a principal's own pseudonyms, as they stand at 'now': one whose time has passed has
// ended, though nobody has written that down. Its limits are the ones that apply, defaults filled
// in.
#pragma once

#include "broker/grant_codec.h"
#include "permissions/id_cipher.h"
#include "permissions/limits.h"
#include "postern/v1/grant.pb.h"

namespace postern::broker {

inline v1::Grant WireGrant(const permissions::Grant& grant,
                           const permissions::Pseudonyms& pseudonyms, absl::Time now) {
  v1::Grant wire =
      GrantToProto(grant, {[&](permissions::GrantId id) { return pseudonyms.Encode(id); },
                           [&](permissions::AccountId id) { return pseudonyms.Encode(id); },
                           [&](permissions::ChatId id) { return pseudonyms.Encode(id); }});
  // What applies, not what was left open.
  const permissions::Limits limits = permissions::WithDefaults(grant.limits);
  wire.mutable_limits()->set_sends_per_hour(limits.sends_per_hour);
  wire.mutable_limits()->set_new_chats_per_day(limits.new_chats_per_day);
  wire.mutable_limits()->set_bytes_per_day(limits.bytes_per_day);
  if (wire.state() == v1::Grant::STATE_ACTIVE && now >= grant.validity.expire_time) {
    wire.set_state(v1::Grant::STATE_EXPIRED);
  }
  return wire;
}

}  // namespace postern::broker
