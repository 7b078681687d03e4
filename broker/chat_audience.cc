// SPDX-License-Identifier: Apache-2.0
#include "broker/chat_audience.h"

#include <algorithm>
#include <utility>

#include "permissions/display_text.h"

namespace postern::broker {
namespace {

using permissions::Access;
using permissions::ObjectFacts;
using permissions::Objection;
using permissions::Scope;
using permissions::Verdict;

// What people wrote.
constexpr Scope kTextScopes[] = {Scope::kMessagesRead, Scope::kMessagesSearch,
                                 Scope::kAttachmentsRead, Scope::kExport};
// Who is there, who did something, and when.
constexpr Scope kOtherScopes[] = {
    Scope::kMessagesMetadata, Scope::kChatsRead,  Scope::kMessagesHistory, Scope::kReactionsRead,
    Scope::kReceiptsRead,     Scope::kTypingRead, Scope::kPresenceRead,    Scope::kCallsRead};
constexpr Scope kWritingScopes[] = {Scope::kMessagesSendAsk, Scope::kReactionsWrite,
                                    Scope::kMessagesEditOwn, Scope::kMessagesDeleteOwn,
                                    Scope::kAttachmentsWrite};

bool OpensAny(std::span<const Scope> scopes, const Access& access, const ObjectFacts& object,
              absl::Time now) {
  return std::any_of(scopes.begin(), scopes.end(), [&](Scope scope) {
    return Decide(access, scope, object, now) == Verdict::kAllowed;
  });
}

}  // namespace

bool IsWithheld(const Access& access, const ObjectFacts& object) {
  if (object.objection == Objection::kOffDevice) return access.leaves_device;
  // An objection that nobody knows is one, as in permissions::ViewOf.
  return object.objection != Objection::kNone;
}

bool CanReadText(const Access& access, absl::Time now) {
  return OpensAny(kTextScopes, access, {}, now);
}

std::vector<GrantHolder> GrantHolders(const AppRegistry& apps) {
  std::vector<GrantHolder> holders;
  for (AppPointer& app : apps.All()) {
    if (app->standing != Standing::kApp || app->grants.empty()) continue;
    Access access = apps.AccessOf(*app);
    access.paused = false;
    access.session_unlocked = true;
    holders.push_back({std::move(app), access});
  }
  return holders;
}

AudienceApp DescribeApp(const AppSnapshot& app) {
  AudienceApp described;
  described.principal = app.principal;
  described.name = permissions::CleanName(app.app.display_name());
  const v1::DataDestination& destination = app.app.data_destination();
  // What does not say where its data goes counts as leaving.
  described.leaves_device = destination.kind() != v1::DataDestination::KIND_STAYS_ON_DEVICE;
  if (described.leaves_device) {
    described.service = destination.service().empty()
                            ? "an unnamed service"
                            : permissions::CleanName(destination.service());
  }
  return described;
}

Audience AudienceOf(std::span<const GrantHolder> holders, const ObjectFacts& object,
                    absl::Time now) {
  Audience audience;
  for (const GrantHolder& holder : holders) {
    const bool reads =
        OpensAny(kTextScopes, holder.access, object, now) && !IsWithheld(holder.access, object);
    if (!reads && !OpensAny(kOtherScopes, holder.access, object, now) &&
        !OpensAny(kTextScopes, holder.access, object, now)) {
      continue;
    }
    AudienceApp app = DescribeApp(*holder.app);
    app.metadata_only = !reads;
    app.may_write = OpensAny(kWritingScopes, holder.access, object, now);
    audience.push_back(std::move(app));
  }
  return audience;
}

bool LeavesDevice(const Audience& audience) {
  return std::any_of(audience.begin(), audience.end(),
                     [](const AudienceApp& app) { return app.leaves_device; });
}

v1::DisclosedApp ToWire(const AudienceApp& app) {
  v1::DisclosedApp wire;
  wire.set_display_name(app.name);
  wire.set_leaves_device(app.leaves_device && !app.metadata_only);
  wire.set_service(app.service);
  wire.set_metadata_only(app.metadata_only);
  wire.set_may_write(app.may_write);
  return wire;
}

}  // namespace postern::broker
