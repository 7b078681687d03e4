// SPDX-License-Identifier: Apache-2.0
// What happens to chats, and what apps do to them.
#include <absl/strings/str_cat.h>

#include "clients/conformance/rows.h"

namespace postern::conformance {
namespace {

std::string Update(const std::string& chat, const std::string& rest) {
  return absl::StrCat("update_chat { chat { id: '", chat, "' } ", rest, " }");
}

// Changes one field of a chat.
std::string Set(const std::string& chat, const std::string& field, const std::string& value) {
  return absl::StrCat("update_chat { chat { id: '", chat, "' ", field, ": ", value,
                      " } update_mask { paths: '", field, "' } }");
}

std::string Changed(const std::string& chat, const std::string& rest) {
  return absl::StrCat("chat_id: '", chat, "' chat_changed { chat { id: '", chat, "' ", rest,
                      " } }");
}

std::string Group(const std::string& rest) { return absl::StrCat("chat_id: '$group' ", rest); }
std::string Direct(const std::string& rest) { return absl::StrCat("chat_id: '$direct' ", rest); }

}  // namespace

std::vector<Row> ChatRows() {
  constexpr Direction kIn = Direction::kIn;
  constexpr Direction kOut = Direction::kOut;
  const std::string group_kind = "kind: CHAT_KIND_GROUP ";
  const std::string direct_kind = "kind: CHAT_KIND_DIRECT peer_contact_id: '$peer' ";
  return {
      {"group made", kIn, "",
       "chat_id: 'made-$m' chat_created { chat { id: 'made-$m' kind: CHAT_KIND_GROUP name: 'Made "
       "$m' participants { contact_id: '$self' role: PARTICIPANT_ROLE_MEMBER } participants { "
       "contact_id: '$member' role: PARTICIPANT_ROLE_OWNER } } }"},
      {"group renamed", kIn, "", Changed("$group", group_kind + "name: 'Renamed $m'")},
      {"topic set", kIn, "", Changed("$group", group_kind + "topic: 'About $m'")},
      {"picture set", kIn, "", Changed("$group", group_kind + "avatar_attachment_id: '$file'")},
      {"picture taken away",
       kIn,
       "",
       Changed("$group", group_kind + "name: 'Without $m'"),
       "",
       "",
       Changed("$group", group_kind + "name: 'With $m' avatar_attachment_id: '$file'"),
       {"postern.v1.Chat.avatar_attachment_id"}},
      {"chat muted on another device", kIn, "organize",
       Changed("$direct", direct_kind + "muted: true")},
      {"chat unmuted on another device", kIn, "organize",
       Changed("$direct", direct_kind + "name: 'Unmuted $m'"), "", "",
       Changed("$direct", direct_kind + "muted: true")},
      {"chat archived on another device", kIn, "organize",
       Changed("$direct", direct_kind + "archived: true")},
      {"chat brought back on another device", kIn, "organize",
       Changed("$direct", direct_kind + "name: 'Back $m'"), "", "",
       Changed("$direct", direct_kind + "archived: true")},
      {"person blocked on another device", kIn, "block",
       Changed("$direct", direct_kind + "blocked: true")},
      {"person unblocked on another device", kIn, "block",
       Changed("$direct", direct_kind + "name: 'Unblocked $m'"), "", "",
       Changed("$direct", direct_kind + "blocked: true")},
      {"chat marked unread", kIn, "organize",
       Direct("unread_mark { unread: true unread_count: 3 }")},
      {"unread mark taken back", kIn, "organize", Direct("unread_mark { }"), "", "",
       Direct("unread_mark { unread: true }")},
      {"chat read on another device", kIn, "organize",
       Direct("unread_mark { read_through_message_id: '$theirs' }")},
      {"chat removed", kIn, "", "chat_id: 'gone-$m' chat_removed { }"},
      {"timer set", kIn, "disappearing",
       Group("timer_changed { disappearing_timer { seconds: 3600 } contact_id: '$member' }")},
      {"timer turned off", kIn, "disappearing", Group("timer_changed { contact_id: '$member' }"),
       "", "",
       Group("timer_changed { disappearing_timer { seconds: 3600 } contact_id: '$member' }")},
      {"request to write", kIn, "block",
       Direct("message_request { contact_id: '$peer' state: STATE_PENDING }")},
      {"request declined on another device", kIn, "block",
       Direct("message_request { contact_id: '$peer' state: STATE_DECLINED }")},
      {"request answered with a block on another device", kIn, "block",
       Direct("message_request { contact_id: '$peer' state: STATE_BLOCKED }")},
      {"request accepted on another device", kIn, "block",
       Direct("message_request { contact_id: '$peer' state: STATE_ACCEPTED }")},
      {"somebody joins", kIn, "",
       Group("participant_joined { participant { contact_id: '$newcomer' role: "
             "PARTICIPANT_ROLE_MEMBER } added_by_contact_id: '$member' }")},
      {"somebody becomes admin", kIn, "",
       Group("participant_changed { participant { contact_id: '$newcomer' role: "
             "PARTICIPANT_ROLE_ADMIN } }")},
      {"somebody is called otherwise in a group", kIn, "",
       Group("participant_changed { participant { contact_id: '$member' display_name: 'Nick $m' "
             "role: PARTICIPANT_ROLE_MEMBER } }")},
      {"somebody leaves", kIn, "", Group("participant_left { contact_id: '$newcomer' }")},
      {"somebody is removed", kIn, "",
       Group("participant_left { contact_id: '$newcomer' removed_by_contact_id: '$member' }")},
      {"capabilities change", kIn, "",
       "chat_id: 'able-$m' capabilities_changed { capabilities { text: CAPABILITY_LEVEL_FULL poll: "
       "CAPABILITY_LEVEL_REJECTED text_bytes_max: 500 allowed_reactions: '👍' } }"},
      {"word of a backfill's progress", kIn, "",
       Direct("backfill_progress { request_id: 'asked-$m' messages: 5 complete: true }")},

      {"make a 1:1 chat", kOut, "create_chat",
       "create_chat { kind: CHAT_KIND_DIRECT contact_ids: '$newcomer' }",
       R"({"chat": {"id": "$result", "kind": "CHAT_KIND_DIRECT", "peer_contact_id": "$newcomer"}})"},
      {"make a group", kOut, "create_chat",
       "create_chat { kind: CHAT_KIND_GROUP contact_ids: '$peer' contact_ids: '$member' name: "
       "'Made "
       "$m' }",
       R"({"chat": {"id": "$result", "kind": "CHAT_KIND_GROUP", "name": "Made $m",
           "participants": {"$contains": {"contact_id": "$member"}}}})",
       "chat_created { chat { id: '$result' name: 'Made $m' } }"},
      {"rename a group", kOut, "manage", Set("$group", "name", "'By an app $m'"),
       R"({"chat": {"name": "By an app $m"}})", Changed("$group", "name: 'By an app $m'")},
      {"set a topic", kOut, "manage", Set("$group", "topic", "'By an app $m'"),
       R"({"chat": {"topic": "By an app $m"}})", Changed("$group", "topic: 'By an app $m'")},
      {"set a picture", kOut, "manage", Set("$group", "avatar_attachment_id", "'$upload'"),
       R"({"chat": {"avatar_attachment_id": "$upload"}})"},
      {"take the picture away",
       kOut,
       "manage",
       Set("$group", "avatar_attachment_id", "''"),
       R"({"chat": {"avatar_attachment_id": ""}})",
       Changed("$group", ""),
       Set("$group", "avatar_attachment_id", "'$upload'"),
       {"postern.v1.Chat.avatar_attachment_id"}},
      {"set a timer", kOut, "disappearing", Set("$group", "disappearing_timer", "{ seconds: 600 }"),
       R"({"chat": {"disappearing_timer": "600s"}})",
       Group("timer_changed { disappearing_timer { seconds: 600 } }")},
      {"turn a timer off", kOut, "disappearing",
       "update_chat { chat { id: '$group' } update_mask { paths: 'disappearing_timer' } }",
       R"({"chat": {"disappearing_timer": null}})", Group("timer_changed { }")},
      {"mute", kOut, "organize", Set("$direct", "muted", "true"), R"({"chat": {"muted": true}})",
       Changed("$direct", "muted: true")},
      {"unmute", kOut, "organize", Set("$direct", "muted", "false"),
       R"({"chat": {"muted": false}})", Changed("$direct", ""), Set("$direct", "muted", "true")},
      {"archive", kOut, "organize", Set("$direct", "archived", "true"),
       R"({"chat": {"archived": true}})", Changed("$direct", "archived: true")},
      {"bring a chat back", kOut, "organize", Set("$direct", "archived", "false"),
       R"({"chat": {"archived": false}})", Changed("$direct", ""),
       Set("$direct", "archived", "true")},
      {"mark unread", kOut, "organize", Set("$direct", "marked_unread", "true"),
       R"({"chat": {"marked_unread": true}})", Direct("unread_mark { unread: true }")},
      {"take the unread mark back", kOut, "organize", Set("$direct", "marked_unread", "false"),
       R"({"chat": {"marked_unread": false}})", Direct("unread_mark { }"),
       Set("$direct", "marked_unread", "true")},
      {"block", kOut, "block", Set("$direct", "blocked", "true"), R"({"chat": {"blocked": true}})",
       Changed("$direct", "blocked: true")},
      {"unblock", kOut, "block", Set("$direct", "blocked", "false"),
       R"({"chat": {"blocked": false}})", Changed("$direct", ""),
       Set("$direct", "blocked", "true")},
      {"accept a request to write", kOut, "block",
       Update("$direct", "request_answer: STATE_ACCEPTED"), R"({"request": "STATE_ACCEPTED"})",
       Direct("message_request { state: STATE_ACCEPTED }")},
      {"pin a message", kOut, "pin", Update("$direct", "pin_message_id: '$theirs'"),
       R"({"chat": {"pinned_message_ids": {"$contains": "$theirs"}}})",
       Direct("pin_changed { message_id: '$theirs' pinned: true }")},
      {"unpin a message", kOut, "pin", Update("$direct", "unpin_message_id: '$theirs'"),
       R"({"chat": {"pinned_message_ids": {"$lacks": "$theirs"}}})",
       Direct("pin_changed { message_id: '$theirs' }"),
       Update("$direct", "pin_message_id: '$theirs'")},
      {"add somebody", kOut, "manage", Update("$group", "add_contact_ids: '$newcomer'"),
       R"({"chat": {"participants": {"$contains": {"contact_id": "$newcomer"}}}})",
       Group("participant_joined { participant { contact_id: '$newcomer' } }")},
      {"make somebody admin", kOut, "manage",
       Update("$group", "roles { contact_id: '$newcomer' role: PARTICIPANT_ROLE_ADMIN }"),
       R"({"chat": {"participants": {"$contains": {"contact_id": "$newcomer",
           "role": "PARTICIPANT_ROLE_ADMIN"}}}})",
       Group("participant_changed { participant { role: PARTICIPANT_ROLE_ADMIN } }")},
      {"remove somebody", kOut, "manage", Update("$group", "remove_contact_ids: '$newcomer'"),
       R"({"chat": {"participants": {"$lacks": {"contact_id": "$newcomer"}}}})",
       Group("participant_left { contact_id: '$newcomer' }")},
      {"bring older history", kOut, "backfill", "backfill { chat_id: '$direct' messages_max: 2 }",
       "",
       "chat_id: '$direct' backfill: true message_created { message { chat_id: '$direct' "
       "sender_contact_id: '$oldsender' text: '$oldtext' create_time { seconds: $oldtime } } }"},
      {"leave a group", kOut, "manage", Update("$group", "leave: true"),
       R"({"chat": {"participants": {"$lacks": {"contact_id": "$self"}}}})",
       Group("participant_left { contact_id: '$self' }")},
  };
}

}  // namespace postern::conformance
