// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/people.h"

#include <utility>

#include "clients/sdk/errors.h"
#include "clients/sdk/grants.h"
#include "clients/xmpp_bridge/message_text.h"

namespace postern::xmpp_bridge {
namespace {

constexpr size_t kAvatarBytesMax = 256 * 1024;

}  // namespace

absl::StatusOr<Person> People::PersonOf(const std::string& contact_id, const std::string& name) {
  if (IsSelf(contact_id)) return store_.PersonOf(contact_id, "You");
  return store_.PersonOf(contact_id, name);
}

absl::StatusOr<Route> People::RouteOf(const ChatEntry& chat, const std::string& contact_id,
                                      std::vector<std::string>& stanzas, const std::string& name) {
  // In a 1:1 chat the user's own ghost has no voice: the other's says what the user said elsewhere.
  const bool through_peer = !chat.group && (contact_id.empty() || IsSelf(contact_id));
  auto person = through_peer ? PersonOf(chat.peer_contact_id) : PersonOf(contact_id, name);
  if (!person.ok()) return person.status();
  if (!chat.group) {
    return Route{BareOf(rooms_.GhostJid(*person)), config_.owner, false, person->name};
  }
  for (auto& stanza : rooms_.Join(chat, *person)) stanzas.push_back(std::move(stanza));
  return Route{rooms_.GhostJid(*person), rooms_.JidOf(chat), true, {}};
}

absl::Status People::OnContact(const v1::Contact& contact) {
  auto person = PersonOf(contact.id(), contact.display_name());
  if (!person.ok()) return person.status();
  if (person->avatar_id != contact.avatar_attachment_id()) {
    person->avatar_id = contact.avatar_attachment_id();
    person->avatar.clear();
    if (!person->avatar_id.empty()) {
      auto picture = files_.Read(person->avatar_id, kAvatarBytesMax);
      if (sdk::IsRetriable(picture.status()) || sdk::AccessRests(picture.status())) {
        return picture.status();
      }
      if (picture.ok()) person->avatar = *std::move(picture);
    }
    person->avatar_type = PictureType(person->avatar);
    if (auto status = store_.SetAvatar(*person); !status.ok()) return status;
  }
  if (person->subscribed) {
    component_.Send(PresenceStanza(BareOf(rooms_.GhostJid(*person)), config_.owner,
                                   person->presence, person->name, person->avatar));
  }
  return absl::OkStatus();
}

absl::Status People::OnPresence(const v1::Presence& presence) {
  auto person = PersonOf(presence.contact_id());
  if (!person.ok()) return person.status();
  const std::string state = PresenceWord(presence.state());
  if (auto status = store_.SetPresence(presence.contact_id(), state); !status.ok()) return status;
  if (person->subscribed) {
    component_.Send(PresenceStanza(BareOf(rooms_.GhostJid(*person)), config_.owner, state,
                                   person->name, person->avatar));
  }
  return absl::OkStatus();
}

}  // namespace postern::xmpp_bridge
