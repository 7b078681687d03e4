// SPDX-License-Identifier: GPL-3.0-or-later
// What a chat can do: the table of the folder's README, as data.
#include <string>

#include "clients/gatekeepers/purple/event_maker.h"

namespace postern::purple {

v1::ChatCapabilities CapabilitiesOf(const ChatTraits& traits) {
  constexpr v1::CapabilityLevel kFull = v1::CAPABILITY_LEVEL_FULL;
  constexpr v1::CapabilityLevel kPartial = v1::CAPABILITY_LEVEL_PARTIAL;
  constexpr v1::CapabilityLevel kDropped = v1::CAPABILITY_LEVEL_DROPPED;
  constexpr v1::CapabilityLevel kRejected = v1::CAPABILITY_LEVEL_REJECTED;
  // Beside the encrypted payload, for the server to see: which message is meant, and the emoji.
  const v1::CapabilityLevel beside = traits.encrypted ? kPartial : kFull;
  v1::ChatCapabilities result;
  result.set_hash(std::string("purple-4") + (traits.group ? "-group" : "-direct") +
                  (traits.encrypted ? "-encrypted" : "") + (traits.uploads ? "-uploads" : ""));
  result.set_text(kFull);
  result.set_formatting(kDropped);
  result.set_reply(beside);
  result.set_mention(kDropped);
  result.set_edit(beside);
  result.set_delete_(beside);
  result.set_reaction(beside);
  // As a link; bounded, without thumbnails, size and hash are known once it has been fetched.
  result.set_attachment(traits.uploads ? kPartial : kRejected);
  result.set_read_receipt(beside);
  result.set_typing(beside);
  result.set_poll(kRejected);
  result.set_location(kRejected);
  result.set_disappearing(kRejected);
  // People, roles, name and topic, as far as the room lets this user; no picture.
  result.set_manage(traits.group ? kPartial : kRejected);
  result.set_text_bytes_max(kTextBytesMax);
  result.set_attachment_bytes_max(kFileBytesMax);
  result.set_voice_note(kRejected);
  result.set_sticker(kRejected);
  result.set_contact_card(kRejected);
  result.set_view_once(kRejected);
  result.set_draft(kRejected);
  result.set_mark_read(kRejected);
  result.set_pin(kRejected);
  result.set_backfill(kRejected);
  result.set_custom_emoji(kRejected);
  result.set_organize(kRejected);
  // Requests to write and invitations are answered; people can be blocked, rooms cannot. What
  // another device declines no server tells, nor that it takes an invitation.
  result.set_block(kPartial);
  result.set_create_chat(kFull);
  return result;
}

}  // namespace postern::purple
