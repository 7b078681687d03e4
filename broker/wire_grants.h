// SPDX-License-Identifier: Apache-2.0
// Grants in a principal's own pseudonyms.
#pragma once

#include "broker/grant_codec.h"
#include "permissions/id_cipher.h"
#include "postern/v1/grant.pb.h"

namespace postern::broker {

inline v1::Grant WireGrant(const permissions::Grant& grant,
                           const permissions::Pseudonyms& pseudonyms) {
  return GrantToProto(grant, {[&](permissions::GrantId id) { return pseudonyms.Encode(id); },
                              [&](permissions::AccountId id) { return pseudonyms.Encode(id); },
                              [&](permissions::ChatId id) { return pseudonyms.Encode(id); }});
}

}  // namespace postern::broker
