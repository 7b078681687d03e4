// SPDX-License-Identifier: Apache-2.0
// What apps do to messages, and what the far end must see of it.
#include <absl/strings/str_cat.h>

#include "clients/conformance/rows.h"

namespace postern::conformance {
namespace {

std::string Send(const std::string& rest) {
  return absl::StrCat("send_message { chat_id: '$direct' app_display_name: 'Conformance' ", rest,
                      " }");
}

std::string Seen(const std::string& message) {
  return absl::StrCat(R"({"message": {"sender_contact_id": "$self", )", message, "}}");
}

// What comes back of an own message, which is how the user's other apps hear of it.
std::string Echo(const std::string& rest) {
  return absl::StrCat(
      "chat_id: '$direct' message_created { message { id: '$result' chat_id: '$direct' "
      "sender_contact_id: '$self' from_owner: true ",
      rest, " } }");
}

}  // namespace

std::vector<Row> SendRows() {
  constexpr Direction kOut = Direction::kOut;
  return {
      {"send text", kOut, "text", Send("text: 'Grüße $m, 你好 🎈'"),
       Seen(R"("text": "Grüße $m, 你好 🎈")"), Echo("text: 'Grüße $m, 你好 🎈'")},
      {"send text of several lines", kOut, "text", Send("text: 'one $m\\n\\n  three'"),
       Seen(R"("text": "one $m\n\n  three")"), Echo("text: 'one $m\\n\\n  three'")},
      {"send text to a group", kOut, "text",
       "send_message { chat_id: '$group' text: 'to all $m' app_display_name: 'Conformance' }",
       Seen(R"("text": "to all $m")"),
       "chat_id: '$group' message_created { message { id: '$result' text: 'to all $m' } }"},
      {"send formatting", kOut, "formatting",
       Send("text: 'bold struck code quote hidden block $m' spans { start: 0 length: 4 style: "
            "STYLE_BOLD } spans { start: 5 length: 6 style: STYLE_STRIKETHROUGH } spans { start: "
            "12 length: 4 style: STYLE_CODE } spans { start: 17 length: 5 style: STYLE_QUOTE } "
            "spans { start: 23 length: 6 style: STYLE_SPOILER } spans { start: 30 length: 5 style: "
            "STYLE_CODE_BLOCK argument: 'cpp' }"),
       Seen(R"("text": "bold struck code quote hidden block $m", "spans": [
            {"length": 4, "style": "STYLE_BOLD"},
            {"start": 5, "length": 6, "style": "STYLE_STRIKETHROUGH"},
            {"start": 12, "length": 4, "style": "STYLE_CODE"},
            {"start": 17, "length": 5, "style": "STYLE_QUOTE"},
            {"start": 23, "length": 6, "style": "STYLE_SPOILER"},
            {"start": 30, "length": 5, "style": "STYLE_CODE_BLOCK", "argument": "cpp"}])"),
       Echo("spans { length: 4 style: STYLE_BOLD } spans { start: 5 length: 6 style: "
            "STYLE_STRIKETHROUGH } spans { start: 12 length: 4 style: STYLE_CODE } spans { start: "
            "17 length: 5 style: STYLE_QUOTE } spans { start: 23 length: 6 style: STYLE_SPOILER } "
            "spans { start: 30 length: 5 style: STYLE_CODE_BLOCK argument: 'cpp' }")},
      {"send a notice", kOut, "", Send("kind: MESSAGE_KIND_NOTICE text: 'waves $m'"),
       Seen(R"("kind": "MESSAGE_KIND_NOTICE", "text": "waves $m")"),
       Echo("kind: MESSAGE_KIND_NOTICE text: 'waves $m'")},
      {"send a mention", kOut, "mention",
       Send("text: '@Peer $m' mentions { contact_id: '$peer' start: 0 length: 5 }"),
       Seen(R"("text": "@Peer $m", "mentions": [{"contact_id": "$peer", "length": 5}])"),
       Echo("mentions { contact_id: '$peer' length: 5 }")},
      {"send a reply", kOut, "reply", Send("text: 'answer $m' reply_to_message_id: '$theirs'"),
       Seen(R"("text": "answer $m", "reply_to": {"message_id": "$theirs"})"),
       Echo("text: 'answer $m' reply_to { message_id: '$theirs' }")},
      {"send words of attribution", kOut, "text",
       Send("text: 'said by an app $m' attribution: 'sent by Conformance'"),
       Seen(R"("text": "said by an app $m\nsent by Conformance")"), Echo("")},
      {"send a file", kOut, "attachment", Send("attachment_ids: '$upload'"),
       Seen(
           R"("attachments": [{"file_name": "$file", "size_bytes": "$size", "sha256": "$sha64"}])"),
       Echo("attachments { size_bytes: $size sha256: '$sha' }")},
      {"send a photo with a caption", kOut, "attachment",
       Send("text: 'my photo $m' attachment_ids: '$upload'"),
       Seen(R"("text": "my photo $m", "attachments": [{"sha256": "$sha64"}])"),
       Echo("text: 'my photo $m' attachments { sha256: '$sha' }")},
      {"send a video", kOut, "attachment",
       Send("kind: MESSAGE_KIND_MEDIA attachment_ids: '$video'"),
       Seen(R"("kind": "MESSAGE_KIND_MEDIA", "attachments": [{"mime_type": "video/mp4",
            "sha256": "$videosha64", "width_pixels": 640, "duration": "3s"}])"),
       Echo("kind: MESSAGE_KIND_MEDIA attachments { mime_type: 'video/mp4' sha256: '$videosha' "
            "width_pixels: 640 duration { seconds: 3 } }")},
      {"send several files", kOut, "attachment",
       Send("attachment_ids: '$upload' attachment_ids: '$upload2'"),
       Seen(R"("attachments": [{"sha256": "$sha64"}, {"sha256": "$sha64"}])"),
       Echo("attachments { sha256: '$sha' } attachments { sha256: '$sha' }")},
      {"send a voice note", kOut, "voice_note",
       Send("kind: MESSAGE_KIND_VOICE_NOTE attachment_ids: '$upload'"),
       Seen(R"("kind": "MESSAGE_KIND_VOICE_NOTE", "attachments": [{"sha256": "$sha64"}])"),
       Echo("kind: MESSAGE_KIND_VOICE_NOTE attachments { sha256: '$sha' }")},
      {"send a sticker", kOut, "sticker",
       Send("kind: MESSAGE_KIND_STICKER attachment_ids: '$upload'"),
       Seen(R"("kind": "MESSAGE_KIND_STICKER", "attachments": [{"sha256": "$sha64"}])"),
       Echo("kind: MESSAGE_KIND_STICKER attachments { sha256: '$sha' }")},
      {"send a place", kOut, "location",
       Send("kind: MESSAGE_KIND_LOCATION location { latitude: 48.25 longitude: 16.5 name: 'here "
            "$m' live_until_time { seconds: $inaday } }"),
       Seen(R"("location": {"latitude": 48.25, "longitude": 16.5, "name": "here $m",
            "live_until_time": "$inadaytext"})"),
       Echo("kind: MESSAGE_KIND_LOCATION location { latitude: 48.25 name: 'here $m' "
            "live_until_time { seconds: $inaday } }")},
      {"send a contact card", kOut, "contact_card",
       Send("kind: MESSAGE_KIND_CONTACT_CARD contact_card { display_name: 'Dana' vcard: "
            "'BEGIN:VCARD\\nFN:Dana $m\\nEND:VCARD\\n' }"),
       Seen(R"("contact_card": {"display_name": "Dana",
            "vcard": "BEGIN:VCARD\nFN:Dana $m\nEND:VCARD\n"})"),
       Echo("contact_card { display_name: 'Dana' }")},
      {"send a poll", kOut, "poll",
       Send("kind: MESSAGE_KIND_POLL poll { question: 'When, $m?' options { id: 'a' text: 'Now' } "
            "options { id: 'b' text: 'Later' } choices_max: 1 }"),
       Seen(R"("poll": {"question": "When, $m?",
            "options": [{"id": "a", "text": "Now"}, {"id": "b", "text": "Later"}]})"),
       Echo("poll { question: 'When, $m?' }")},
      {"send to be viewed once", kOut, "view_once", Send("text: 'once $m' view_once: true"),
       Seen(R"("text": "once $m", "view_once": true)"), Echo("text: 'once $m' view_once: true")},
      {"post a notice about apps", kOut, "text",
       "post_notice { chat_id: '$direct' text: 'An app reads along $m' objection_word: 'NO APPS' }",
       Seen(R"("text": "An app reads along $m")"), Echo("text: 'An app reads along $m'")},
      {"edit an own message", kOut, "edit",
       "edit_message { chat_id: '$direct' message_id: '$ours' text: 'better $m' }",
       R"({"message": {"id": "$ours", "text": "better $m"}})",
       "chat_id: '$direct' message_edited { message_id: '$ours' text: 'better $m' }"},
      {"edit an own message with formatting and a mention", kOut, "formatting",
       "edit_message { chat_id: '$direct' message_id: '$ours' text: '@Peer bold $m' spans { start: "
       "6 length: 4 style: STYLE_BOLD } mentions { contact_id: '$peer' length: 5 } }",
       R"({"message": {"id": "$ours", "spans": [{"start": 6, "length": 4, "style": "STYLE_BOLD"}],
           "mentions": [{"contact_id": "$peer", "length": 5}]}})",
       "chat_id: '$direct' message_edited { message_id: '$ours' spans { start: 6 length: 4 style: "
       "STYLE_BOLD } mentions { contact_id: '$peer' length: 5 } }"},
      {"delete an own message for the user only", kOut, "",
       "delete_message { chat_id: '$direct' message_id: '$ours' }",
       R"({"message": {"id": "$ours", "deleted": false}})",
       "chat_id: '$direct' message_deleted { message_id: '$ours' contact_id: '$self' }"},
      {"delete an own message for everybody", kOut, "delete",
       "delete_message { chat_id: '$direct' message_id: '$ours' for_everyone: true }",
       R"({"message": {"deleted": true, "text": ""}})",
       "chat_id: '$direct' message_deleted { message_id: '$ours' for_everyone: true }"},
      {"react", kOut, "reaction",
       "set_reaction { chat_id: '$direct' message_id: '$theirs' emoji: '👍' }",
       R"({"message": {"id": "$theirs", "reactions": [{"contact_id": "$self", "emoji": "👍"}]}})",
       "chat_id: '$direct' reaction_set { message_id: '$theirs' contact_id: '$self' emoji: '👍' }"},
      {"react with a custom emoji", kOut, "custom_emoji",
       "set_reaction { chat_id: '$direct' message_id: '$theirs' emoji: ':party:' }",
       R"({"message": {"reactions": [{"contact_id": "$self", "emoji": ":party:"}]}})",
       "chat_id: '$direct' reaction_set { message_id: '$theirs' emoji: ':party:' }"},
      {"take a reaction back", kOut, "reaction",
       "set_reaction { chat_id: '$direct' message_id: '$theirs' emoji: '👍' remove: true }",
       R"({"message": {"id": "$theirs", "reactions": []}})",
       "chat_id: '$direct' reaction_removed { message_id: '$theirs' emoji: '👍' }",
       "set_reaction { chat_id: '$direct' message_id: '$theirs' emoji: '👍' }"},
      {"vote in a poll", kOut, "poll",
       "vote_poll { chat_id: '$direct' message_id: '$poll' option_ids: '2' }",
       R"({"message": {"poll": {"votes": [{"contact_id": "$self", "option_ids": ["2"]}]}}})",
       "chat_id: '$direct' poll_voted { message_id: '$poll' contact_id: '$self' option_ids: '2' }"},
      {"take a vote back", kOut, "poll", "vote_poll { chat_id: '$direct' message_id: '$poll' }",
       R"({"message": {"poll": {"votes": []}}})",
       "chat_id: '$direct' poll_voted { message_id: '$poll' contact_id: '$self' }",
       "vote_poll { chat_id: '$direct' message_id: '$poll' option_ids: '2' }"},
      {"mark as read and tell the sender", kOut, "read_receipt",
       "mark_read { chat_id: '$direct' through_message_id: '$theirs' tell_sender: true }",
       R"({"receipts": {"$self": "KIND_READ"}})"},
      {"mark as read and tell nobody", kOut, "mark_read",
       "mark_read { chat_id: '$direct' through_message_id: '$theirs' }",
       R"({"receipts": {}, "read_through_message_id": "$theirs"})",
       "chat_id: '$direct' unread_mark { read_through_message_id: '$theirs' }"},
      {"show typing", kOut, "typing", "set_typing { chat_id: '$direct' active: true }",
       R"({"typing": {"$contains": "$self"}})"},
      {"stop typing", kOut, "typing", "set_typing { chat_id: '$direct' }",
       R"({"typing": {"$lacks": "$self"}})", "", "set_typing { chat_id: '$direct' active: true }"},
      {"leave a draft", kOut, "draft",
       "create_draft { chat_id: '$direct' text: 'perhaps $m' reply_to_message_id: '$theirs' "
       "app_display_name: 'Conformance' }",
       R"({"drafts": {"$contains": {"draft_id": "$result", "text": "perhaps $m",
           "reply_to_message_id": "$theirs", "app_display_name": "Conformance"}}})"},
      {"upload a file", kOut, "attachment",
       "upload { chat_id: '$direct' attachment { file_name: '$file' mime_type: 'image/jpeg' "
       "size_bytes: $size sha256: '$sha' } }"},
      {"download a file", kOut, "attachment", "download { attachment_id: '$theirfile' }"},
      {"download a file from the middle on", kOut, "attachment",
       "download { attachment_id: '$theirfile' offset: 70000 }"},
  };
}

}  // namespace postern::conformance
