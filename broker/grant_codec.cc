// SPDX-License-Identifier: Apache-2.0
#include "broker/grant_codec.h"

#include <algorithm>
#include <cstring>

#include "broker/event_intake.h"
#include "broker/proto_time.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::Grant;
using permissions::GrantId;

// Sets have no order of their own; the wire form has one, so that equal grants are equal bytes.
template <typename Ids, typename Form>
void AddSorted(const Ids& ids, Form form, google::protobuf::RepeatedPtrField<std::string>& out) {
  std::vector<std::string> texts;
  texts.reserve(ids.size());
  for (const auto& id : ids) texts.push_back(form(id));
  std::sort(texts.begin(), texts.end());
  for (std::string& text : texts) *out.Add() = std::move(text);
}

absl::Status BadRow() { return absl::DataLossError("a stored grant makes no sense"); }

template <typename AnyId>
absl::Status ReadIds(const google::protobuf::RepeatedPtrField<std::string>& texts,
                     absl::flat_hash_set<AnyId>& ids) {
  for (const std::string& text : texts) {
    const AnyId id = IdFromText<AnyId>(text);
    if (id.empty()) return BadRow();
    ids.insert(id);
  }
  return absl::OkStatus();
}

}  // namespace

v1::Grant GrantToProto(const Grant& grant, const GrantIdForm& form) {
  v1::Grant proto;
  proto.set_id(form.grant(grant.id));
  for (const permissions::Scope scope : grant.scopes.ToVector()) {
    proto.add_scopes(static_cast<v1::Scope>(scope));
  }
  v1::Selection& selection = *proto.mutable_selection();
  AddSorted(grant.selection.accounts, form.account, *selection.mutable_account_ids());
  AddSorted(
      grant.selection.networks, [](const std::string& network) { return network; },
      *selection.mutable_networks());
  selection.set_chat_choice(static_cast<v1::Selection::ChatChoice>(grant.selection.chat_choice));
  AddSorted(grant.selection.included_chats, form.chat, *selection.mutable_included_chat_ids());
  AddSorted(grant.selection.excluded_chats, form.chat, *selection.mutable_excluded_chat_ids());
  selection.set_chat_kinds(static_cast<v1::Selection::ChatKinds>(grant.selection.chat_kinds));
  selection.set_people(static_cast<v1::Selection::People>(grant.selection.people));
  proto.mutable_validity()->set_kind(static_cast<v1::Validity::Kind>(grant.validity.kind));
  if (grant.validity.expire_time != absl::InfiniteFuture()) {
    *proto.mutable_validity()->mutable_expire_time() = ToProto(grant.validity.expire_time);
  }
  proto.mutable_limits()->set_sends_per_hour(grant.limits.sends_per_hour);
  proto.mutable_limits()->set_new_chats_per_day(grant.limits.new_chats_per_day);
  proto.mutable_limits()->set_bytes_per_day(grant.limits.bytes_per_day);
  proto.set_state(static_cast<v1::Grant::State>(grant.state));
  *proto.mutable_create_time() = ToProto(grant.create_time);
  if (grant.history_start_time != absl::InfinitePast()) {
    *proto.mutable_history_start_time() = ToProto(grant.history_start_time);
  }
  proto.set_only_while_unlocked(grant.only_while_unlocked);
  proto.set_may_start(grant.may_start);
  proto.set_shown_sha256(grant.shown_sha256.data(), grant.shown_sha256.size());
  return proto;
}

v1::Grant GrantToStored(const Grant& grant) {
  return GrantToProto(
      grant, {[](GrantId id) { return IdText(id); }, [](AccountId id) { return IdText(id); },
              [](ChatId id) { return IdText(id); }});
}

absl::StatusOr<Grant> GrantFromStored(const v1::Grant& stored,
                                      const permissions::Principal& principal) {
  Grant grant;
  grant.id = IdFromText<GrantId>(stored.id());
  grant.principal = principal;
  if (grant.id.empty() || principal.empty()) return BadRow();
  for (const int number : stored.scopes()) {
    auto scope = permissions::ScopeFromNumber(number);
    if (!scope.ok()) return BadRow();
    grant.scopes.Add(*scope);
  }
  const v1::Selection& selection = stored.selection();
  RETURN_IF_ERROR(ReadIds(selection.account_ids(), grant.selection.accounts));
  grant.selection.networks.insert(selection.networks().begin(), selection.networks().end());
  if (selection.chat_choice() < 1 || selection.chat_choice() > 3 || selection.chat_kinds() < 0 ||
      selection.chat_kinds() > 2 || selection.people() < 0 || selection.people() > 2 ||
      stored.validity().kind() < 1 || stored.validity().kind() > 4 || stored.state() < 1 ||
      stored.state() > 4 || stored.shown_sha256().size() != grant.shown_sha256.size()) {
    return BadRow();
  }
  grant.selection.chat_choice = static_cast<permissions::ChatChoice>(selection.chat_choice());
  RETURN_IF_ERROR(ReadIds(selection.included_chat_ids(), grant.selection.included_chats));
  RETURN_IF_ERROR(ReadIds(selection.excluded_chat_ids(), grant.selection.excluded_chats));
  grant.selection.chat_kinds = static_cast<permissions::ChatKinds>(selection.chat_kinds());
  grant.selection.people = static_cast<permissions::People>(selection.people());
  grant.validity.kind = static_cast<permissions::ValidityKind>(stored.validity().kind());
  if (stored.validity().has_expire_time()) {
    grant.validity.expire_time = FromProto(stored.validity().expire_time());
  } else if (grant.validity.kind == permissions::ValidityKind::kUntil) {
    return BadRow();
  }
  grant.limits.sends_per_hour = stored.limits().sends_per_hour();
  grant.limits.new_chats_per_day = stored.limits().new_chats_per_day();
  grant.limits.bytes_per_day = stored.limits().bytes_per_day();
  grant.state = static_cast<permissions::GrantState>(stored.state());
  grant.create_time = FromProto(stored.create_time());
  if (stored.has_history_start_time()) {
    grant.history_start_time = FromProto(stored.history_start_time());
  }
  grant.only_while_unlocked = stored.only_while_unlocked();
  grant.may_start = stored.may_start();
  std::memcpy(grant.shown_sha256.data(), stored.shown_sha256().data(), grant.shown_sha256.size());
  return grant;
}

}  // namespace postern::broker
