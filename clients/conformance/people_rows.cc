// SPDX-License-Identifier: Apache-2.0
// What happens to people, their keys, calls, and the account.
#include <absl/strings/str_cat.h>

#include "clients/conformance/rows.h"

namespace postern::conformance {
namespace {

std::string Calls(const std::string& rest) {
  return absl::StrCat("chat_id: '$direct' call { call_id: 'call-$m' contact_id: '$peer' ", rest,
                      " }");
}

}  // namespace

std::vector<Row> PeopleRows() {
  constexpr Direction kIn = Direction::kIn;
  return {
      {"somebody comes online", kIn, "", "presence { contact_id: '$peer' state: STATE_ONLINE }"},
      {"somebody is away", kIn, "", "presence { contact_id: '$peer' state: STATE_AWAY }"},
      {"somebody goes offline", kIn, "", "presence { contact_id: '$peer' state: STATE_OFFLINE }"},
      {"somebody was last seen", kIn, "",
       "presence { contact_id: '$peer' state: STATE_OFFLINE last_seen_time { seconds: $hourago } "
       "}"},
      {"somebody has addresses, is a program and blocked", kIn, "",
       "contact_changed { contact { id: '$newcomer' display_name: 'Known $m' addresses: "
       "'tel:+15551234' addresses: 'mailto:known@example.org' is_bot: true blocked: true } }"},
      {"somebody changes name and picture", kIn, "",
       "contact_changed { contact { id: '$member' display_name: 'Renamed $m' in_address_book: true "
       "avatar_attachment_id: '$file' } }"},
      {"keys verified", kIn, "", "identity_changed { contact_id: '$peer' kind: KIND_VERIFIED }"},
      {"keys no longer verified", kIn, "",
       "identity_changed { contact_id: '$peer' kind: KIND_UNVERIFIED }"},
      {"new device", kIn, "", "identity_changed { contact_id: '$peer' kind: KIND_NEW_DEVICE }"},
      {"call rings", kIn, "", Calls("state: STATE_RINGING video: true")},
      {"call answered", kIn, "", Calls("state: STATE_ANSWERED")},
      {"call ended", kIn, "", Calls("state: STATE_ENDED duration { seconds: 62 }")},
      {"call missed", kIn, "", Calls("state: STATE_MISSED")},
      {"account loses its network", kIn, "",
       "account_state_changed { state: ACCOUNT_STATE_CONNECTING reason: 'no network' }"},
      {"account goes offline", kIn, "",
       "account_state_changed { state: ACCOUNT_STATE_OFFLINE reason: 'switched off' }"},
      {"account is logged out", kIn, "",
       "account_state_changed { state: ACCOUNT_STATE_LOGGED_OUT reason: 'signed out elsewhere' }"},
      {"account is back", kIn, "", "account_state_changed { state: ACCOUNT_STATE_ONLINE }"},
      {"something was lost", kIn, "",
       "gap { cause: CAUSE_GATEKEEPER event_count: 3 start_time { seconds: $dayago } end_time { "
       "seconds: $hourago } }"},
  };
}

}  // namespace postern::conformance
