// SPDX-License-Identifier: Apache-2.0
// What other people do to messages, and what must come of it.
#include <absl/strings/str_cat.h>

#include "clients/conformance/rows.h"

namespace postern::conformance {
namespace {

// A message of the peer in the 1:1 chat, with more of it in 'rest'.
std::string FromPeer(const std::string& kind, const std::string& rest) {
  return absl::StrCat(
      "chat_id: '$direct' message_created { message { id: '$m' chat_id: '$direct' "
      "sender_contact_id: '$peer' kind: ",
      kind, " ", rest, " } }");
}

std::string WithFile(const std::string& kind, const std::string& name, const std::string& type,
                     const std::string& rest) {
  return FromPeer(
      kind, absl::StrCat("attachments { id: '$file' file_name: '", name, "' mime_type: '", type,
                         "' size_bytes: $size sha256: '$sha' ", rest, " }"));
}

// One part for each style that the contract knows.
constexpr char kStyledText[] = "bold italic strike code block spoiler quote link";
constexpr char kStyles[] =
    "spans { start: 0 length: 4 style: STYLE_BOLD } "
    "spans { start: 5 length: 6 style: STYLE_ITALIC } "
    "spans { start: 12 length: 6 style: STYLE_STRIKETHROUGH } "
    "spans { start: 19 length: 4 style: STYLE_CODE } "
    "spans { start: 24 length: 5 style: STYLE_CODE_BLOCK argument: 'cpp' } "
    "spans { start: 30 length: 7 style: STYLE_SPOILER } "
    "spans { start: 38 length: 5 style: STYLE_QUOTE } "
    "spans { start: 44 length: 4 style: STYLE_LINK argument: 'https://example.org/' }";

std::string InDirect(const std::string& rest) { return absl::StrCat("chat_id: '$direct' ", rest); }

}  // namespace

std::vector<Row> MessageRows() {
  constexpr Direction kIn = Direction::kIn;
  return {
      {"text", kIn, "text", FromPeer("MESSAGE_KIND_TEXT", "text: 'Grüße $m, 你好 🎈'")},
      {"text of several lines", kIn, "text",
       FromPeer("MESSAGE_KIND_TEXT", "text: 'one $m\\n\\n  three'")},
      {"text written on another device of ours", kIn, "text",
       InDirect("message_created { message { id: '$m' chat_id: '$direct' sender_contact_id: "
                "'$self' from_owner: true kind: MESSAGE_KIND_TEXT text: 'from my phone $m' } }")},
      {"text in a group", kIn, "text",
       "chat_id: '$group' message_created { message { id: '$m' chat_id: '$group' "
       "sender_contact_id: '$member' kind: MESSAGE_KIND_TEXT text: 'to all $m' } }"},
      {"text with the time it was written", kIn, "text",
       FromPeer("MESSAGE_KIND_TEXT", "text: 'earlier $m' create_time { seconds: $hourago }")},
      {"text that came encrypted", kIn, "text",
       FromPeer("MESSAGE_KIND_TEXT", "text: 'sealed $m' end_to_end_encrypted: true")},
      {"notice", kIn, "text", FromPeer("MESSAGE_KIND_NOTICE", "text: 'waves $m'")},
      {"formatting", kIn, "formatting",
       FromPeer("MESSAGE_KIND_TEXT", absl::StrCat("text: '", kStyledText, " $m' ", kStyles))},
      {"mention", kIn, "mention",
       FromPeer("MESSAGE_KIND_TEXT",
                "text: '@You look $m' mentions { contact_id: '$self' start: 0 length: 4 }")},
      {"reply", kIn, "reply",
       FromPeer("MESSAGE_KIND_TEXT", "text: 'answer $m' reply_to { message_id: '$ours' }")},
      {"reply to what is not there", kIn, "reply",
       FromPeer("MESSAGE_KIND_TEXT", "text: 'answer $m' reply_to { message_id: 'never-$m' }")},
      {"reply with what it answers", kIn, "reply",
       FromPeer("MESSAGE_KIND_TEXT",
                "text: 'answer $m' reply_to { message_id: '$ours' sender_contact_id: '$self' "
                "excerpt: 'ours' }")},
      {"photo with a caption", kIn, "attachment",
       WithFile("MESSAGE_KIND_MEDIA text: 'my photo $m'", "photo.jpg", "image/jpeg",
                "width_pixels: 640 height_pixels: 480 alt_text: 'a photo'")},
      {"video", kIn, "attachment",
       WithFile("MESSAGE_KIND_MEDIA", "clip.mp4", "video/mp4",
                "width_pixels: 640 height_pixels: 480 duration { seconds: 3 }")},
      {"file", kIn, "attachment",
       WithFile("MESSAGE_KIND_MEDIA", "minutes-$m.pdf", "application/pdf", "")},
      {"several files in one message", kIn, "attachment",
       WithFile("MESSAGE_KIND_MEDIA text: 'both $m'", "one.jpg", "image/jpeg",
                "} attachments { id: '$file2' file_name: 'two.jpg' mime_type: 'image/jpeg' "
                "size_bytes: $size sha256: '$sha'")},
      {"file that is ready later", kIn, "attachment",
       InDirect("attachment_ready { message_id: '$theirs' attachment { id: '$file' file_name: "
                "'late.bin' mime_type: 'application/octet-stream' size_bytes: $size sha256: "
                "'$sha' } }")},
      {"voice note", kIn, "voice_note",
       WithFile("MESSAGE_KIND_VOICE_NOTE", "voice.ogg", "audio/ogg", "duration { seconds: 2 }")},
      {"sticker", kIn, "sticker",
       WithFile("MESSAGE_KIND_STICKER", "cat.webp", "image/webp",
                "width_pixels: 512 height_pixels: 512")},
      {"place", kIn, "location",
       FromPeer("MESSAGE_KIND_LOCATION",
                "location { latitude: 48.2082 longitude: 16.3738 name: 'here $m' live_until_time { "
                "seconds: $inaday } }")},
      {"contact card", kIn, "contact_card",
       FromPeer("MESSAGE_KIND_CONTACT_CARD",
                "contact_card { display_name: 'Dana' vcard: 'BEGIN:VCARD\\nVERSION:4.0\\nFN:Dana "
                "$m\\nEND:VCARD\\n' }")},
      {"poll", kIn, "poll",
       FromPeer("MESSAGE_KIND_POLL",
                "poll { question: 'When, $m?' options { id: '1' text: 'Friday' } options { id: '2' "
                "text: 'Sunday' } choices_max: 1 }")},
      {"view once", kIn, "view_once",
       FromPeer("MESSAGE_KIND_TEXT", "text: 'once $m' view_once: true")},
      {"disappearing message", kIn, "disappearing",
       FromPeer("MESSAGE_KIND_TEXT",
                "text: 'soon gone $m' disappearing_timer { seconds: 3600 } "
                "expire_time { seconds: $inaday }")},
      {"message without a word in the contract", kIn, "",
       FromPeer("MESSAGE_KIND_UNSUPPORTED", "text: '[a game, $m]'")},
      {"happening without a word in the contract", kIn, "",
       InDirect("unsupported { network_kind: 'product_card' fallback_text: 'a product' }")},
      {"edit", kIn, "edit",
       InDirect("message_edited { message_id: '$theirs' sender_contact_id: '$peer' text: 'better "
                "$m' }")},
      {"edit with formatting", kIn, "formatting",
       InDirect("message_edited { message_id: '$theirs' sender_contact_id: '$peer' text: 'better "
                "$m' spans { start: 0 length: 6 style: STYLE_ITALIC } end_to_end_encrypted: true "
                "}")},
      {"edit with a mention", kIn, "mention",
       InDirect("message_edited { message_id: '$theirs' sender_contact_id: '$peer' text: '@You see "
                "$m' mentions { contact_id: '$self' start: 0 length: 4 } }")},
      {"delete for everybody", kIn, "delete",
       InDirect("message_deleted { message_id: '$theirs' contact_id: '$peer' for_everyone: true "
                "}")},
      {"delete for the user only", kIn, "",
       InDirect("message_deleted { message_id: '$theirs' contact_id: '$self' }")},
      {"end of a disappearing message", kIn, "disappearing",
       InDirect("message_expired { message_id: '$theirs' }")},
      {"reaction", kIn, "reaction",
       InDirect("reaction_set { message_id: '$ours' contact_id: '$peer' emoji: '👍' }")},
      {"reaction with a custom emoji", kIn, "custom_emoji",
       InDirect("reaction_set { message_id: '$ours' contact_id: '$peer' emoji: ':party:' "
                "custom_emoji_attachment_id: '$file' }")},
      {"reaction taken back", kIn, "reaction",
       InDirect("reaction_removed { message_id: '$ours' contact_id: '$peer' emoji: '👍' }"), "", "",
       InDirect("reaction_set { message_id: '$ours' contact_id: '$peer' emoji: '👍' }")},
      {"vote", kIn, "poll",
       InDirect("poll_voted { message_id: '$poll' contact_id: '$peer' option_ids: '2' }")},
      {"vote taken back", kIn, "poll",
       InDirect("poll_voted { message_id: '$poll' contact_id: '$peer' }"), "", "",
       InDirect("poll_voted { message_id: '$poll' contact_id: '$peer' option_ids: '2' }")},
      {"message delivered", kIn, "",
       InDirect("receipt { message_ids: '$ours' contact_id: '$peer' kind: KIND_DELIVERED }")},
      {"message read", kIn, "read_receipt",
       InDirect("receipt { message_ids: '$ours' contact_id: '$peer' kind: KIND_READ }")},
      {"message read, by person, in a group", kIn, "read_receipt",
       "chat_id: '$group' receipt { message_ids: '$ours' contact_id: '$member' kind: KIND_READ }"},
      {"message pinned", kIn, "pin",
       InDirect("pin_changed { message_id: '$theirs' contact_id: '$peer' pinned: true }")},
      {"message unpinned", kIn, "pin",
       InDirect("pin_changed { message_id: '$theirs' contact_id: '$peer' }"), "", "",
       InDirect("pin_changed { message_id: '$theirs' contact_id: '$peer' pinned: true }")},
      {"typing", kIn, "typing", InDirect("typing { contact_id: '$peer' active: true }")},
      {"typing stopped", kIn, "typing", InDirect("typing { contact_id: '$peer' }"), "", "",
       InDirect("typing { contact_id: '$peer' active: true }")},
  };
}

}  // namespace postern::conformance
