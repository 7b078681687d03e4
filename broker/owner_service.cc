// SPDX-License-Identifier: Apache-2.0
#include "broker/owner_service.h"

#include <algorithm>
#include <utility>

#include "broker/app_registry.h"
#include "broker/consent_desk.h"
#include "broker/directory.h"
#include "broker/door.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/live_streams.h"
#include "broker/method_gate.h"
#include "broker/owner_notices.h"
#include "broker/page.h"
#include "broker/proto_time.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "broker/shutdown.h"
#include "broker/store.h"
#include "broker/store_anchor.h"
#include "broker/subscription_store.h"
#include "broker/upkeep.h"
#include "broker/wire_grants.h"
#include "permissions/subset.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::Grant;
using permissions::GrantId;
using permissions::GrantState;
using permissions::Principal;

// What the access history says was used.
constexpr std::string_view kByOwner = "owner";

absl::Status AlreadyEnded() {
  return InvalidField("grant_id",
                      "names a grant that has ended; only the user, asked again, makes a "
                      "new one");
}

template <typename Response>
void AddEnds(std::vector<v1::StreamEnd> ends, Response& response) {
  for (v1::StreamEnd& end : ends) *response.add_stream_ends() = std::move(end);
}

}  // namespace

v1::OwnedGrant OwnerService::Owned(const Grant& grant) const {
  v1::OwnedGrant owned;
  owned.set_principal(grant.principal.ToHex());
  owned.set_app_display_name(parts_.apps.Find(grant.principal)->app.display_name());
  // The owner's tools hold the owner's key, and see the owner's pseudonyms.
  *owned.mutable_grant() =
      WireGrant(grant, parts_.pseudonyms.Of(parts_.apps.owner()).pseudonyms, parts_.clock.Now());
  // Its app was last here then; a grant is used by being connected.
  if (const absl::Time seen = parts_.apps.LastSeen(grant.principal); seen >= grant.create_time) {
    *owned.mutable_last_use_time() = ToProto(seen);
  }
  return owned;
}

std::vector<v1::StreamEnd> OwnerService::Settle(const StreamWatch& watch,
                                                const Principal& principal) {
  std::vector<v1::StreamEnd> ends = watch.LastSent(principal);
  const AppPointer app = parts_.apps.Find(principal);
  const bool out = std::none_of(app->grants.begin(), app->grants.end(), [](const Grant& grant) {
    return grant.state == GrantState::kActive;
  });
  if (out || parts_.apps.paused()) {
    parts_.streams.EndStreams(principal);
  } else {
    // Something is left: the streams go on under what is left.
    parts_.log.WakeAll();
  }
  // An older database that is put back must not bring back what was taken.
  parts_.anchor.SaveNow();
  return ends;
}

bool OwnerService::AnySuspended() const {
  for (const AppPointer& app : parts_.apps.All()) {
    for (const Grant& grant : app->grants) {
      if (grant.state == GrantState::kSuspended) return true;
    }
  }
  return false;
}

grpc::Status OwnerService::GetStatus(grpc::ServerContext* context,
                                     const v1::GetStatusRequest* request,
                                     v1::GetStatusResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/GetStatus", request, [&](const Caller&) {
        response->set_software_version(about_.software_version);
        response->mutable_protocol_version()->set_major(permissions::kProtocolMajor);
        response->mutable_protocol_version()->set_minor(permissions::kProtocolMinor);
        *response->mutable_start_time() = ToProto(about_.start_time);
        response->set_event_count(parts_.log.event_count());
        response->set_log_bytes(parts_.store.SizeBytes());
        response->set_connection_count(static_cast<uint32_t>(parts_.door.counts().connections));
        response->set_stream_count(static_cast<uint32_t>(parts_.streams.count()));
        response->set_paused(parts_.apps.paused());
        const auto& page = parts_.pseudonyms.Of(parts_.apps.owner());
        for (v1::Account& account : parts_.directory.Accounts()) {
          account.set_id(page.pseudonyms.Encode(IdFromText<permissions::AccountId>(account.id())));
          account.clear_self_contact_id();
          *response->add_accounts() = std::move(account);
        }
        response->set_pending_consent_count(static_cast<uint32_t>(parts_.consent.pending()));
        for (const std::string& warning : about_.warnings) response->add_warnings(warning);
        if (const std::string_view found = FindingText(parts_.anchor.finding());
            !found.empty() && AnySuspended()) {
          response->add_warnings(std::string(found));
        }
        if (std::string doubt = ClockWarning(parts_.clock.condition()); !doubt.empty()) {
          response->add_warnings(std::move(doubt));
        }
        if (const absl::Status health = parts_.store.health(); !health.ok()) {
          response->add_warnings(std::string(health.message()));
        }
        if (const absl::Status mark = parts_.store.high_water_status(); !mark.ok()) {
          response->add_warnings(std::string(mark.message()));
        }
        for (v1::OwnerNotice& notice : parts_.notices.Open()) {
          if (!notice.chat_id().empty()) {
            notice.set_chat_id(
                page.pseudonyms.Encode(IdFromText<permissions::ChatId>(notice.chat_id())));
          }
          *response->add_notices() = std::move(notice);
        }
        response->set_session_present(parts_.consent.person_present());
        response->set_secret_store(about_.secret_store);
        response->set_cipher_version(about_.cipher_version);
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::ListApps(grpc::ServerContext* context,
                                    const v1::ListAppsRequest* request,
                                    v1::ListAppsResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ListApps", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(PageReader page,
                         PageReader::Open(parts_.pseudonyms.Of(caller.principal).tokens, "ListApps",
                                          "", request->page_size(), request->page_token()));
        for (const AppPointer& app : parts_.apps.All()) {
          // An app that is out keeps its grants as history, and is no app any more.
          if (app->standing == Standing::kRevoked) continue;
          if (!page.Takes(app->principal.ToHex())) continue;
          v1::App& shown = *response->add_apps();
          shown = app->app;
          shown.set_may_start(
              std::any_of(app->grants.begin(), app->grants.end(),
                          [](const Grant& grant) { return grant.may_start && Stands(grant); }));
          shown.set_connection_count(
              static_cast<uint32_t>(parts_.door.ConnectionsOf(app->principal)));
        }
        response->set_next_page_token(page.NextToken());
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::ListGrants(grpc::ServerContext* context,
                                      const v1::ListGrantsRequest* request,
                                      v1::ListGrantsResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ListGrants", request,
      [&](const Caller& caller) -> absl::Status {
        const std::string filter =
            absl::StrCat(request->principal(), "|", request->include_ended());
        ASSIGN_OR_RETURN(
            PageReader page,
            PageReader::Open(parts_.pseudonyms.Of(caller.principal).tokens, "ListGrants", filter,
                             request->page_size(), request->page_token()));
        const Principal only = Principal::FromHex(request->principal());
        if (!request->principal().empty() && only.empty()) {
          return InvalidField("principal", "must be 64 hex digits");
        }
        for (const AppPointer& app : parts_.apps.All()) {
          if (!only.empty() && app->principal != only) continue;
          std::vector<Grant> grants = app->grants;
          std::sort(grants.begin(), grants.end(),
                    [](const Grant& a, const Grant& b) { return a.id < b.id; });
          for (const Grant& grant : grants) {
            if (!request->include_ended() && !Stands(grant)) continue;
            if (!page.Takes(absl::StrCat(app->principal.ToHex(), IdText(grant.id)))) continue;
            *response->add_grants() = Owned(grant);
          }
        }
        response->set_next_page_token(page.NextToken());
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::NarrowGrant(grpc::ServerContext* context,
                                       const v1::NarrowGrantRequest* request,
                                       v1::NarrowGrantResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/NarrowGrant", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& pseudonyms = parts_.pseudonyms.Of(caller.principal).pseudonyms;
        ASSIGN_OR_RETURN(const GrantId id,
                         CheckedId("grant_id", pseudonyms.DecodeGrant(request->grant_id())));
        permissions::ScopeSet remove;
        for (const int number : request->remove_scopes()) {
          const auto scope = permissions::ScopeFromNumber(number);
          if (!scope.ok()) {
            return InvalidField("remove_scopes", "names a scope this broker does not know");
          }
          remove.Add(*scope);
        }
        std::vector<permissions::ChatId> chats;
        for (const std::string& text : request->remove_chat_ids()) {
          ASSIGN_OR_RETURN(const permissions::ChatId chat,
                           CheckedId("remove_chat_ids", pseudonyms.DecodeChat(text)));
          chats.push_back(chat);
        }
        return parts_.requests.Once(
            caller.principal, "NarrowGrant", request->request_id(), *request, *response,
            [&]() -> absl::Status {
              const StreamWatch watch(parts_.streams);
              ASSIGN_OR_RETURN(
                  const Grant grant,
                  parts_.apps.ChangeGrant(
                      id,
                      [&](Grant& changed) -> absl::Status {
                        if (!Stands(changed)) return AlreadyEnded();
                        const Grant before = changed;
                        for (const permissions::Scope scope : remove.ToVector()) {
                          changed.scopes.Remove(scope);
                        }
                        for (const permissions::ChatId& chat : chats) {
                          changed.selection.included_chats.erase(chat);
                          changed.selection.excluded_chats.insert(chat);
                        }
                        if (request->remove_may_start()) changed.may_start = false;
                        if (request->has_expire_time()) {
                          const absl::Time end = FromProto(request->expire_time());
                          if (end > changed.validity.expire_time) {
                            return InvalidField("expire_time", "would lengthen the grant");
                          }
                          // A grant that ends with a connection still does: the earlier of the two
                          // counts.
                          if (changed.validity.kind == permissions::ValidityKind::kUntilRevoked) {
                            changed.validity.kind = permissions::ValidityKind::kUntil;
                          }
                          changed.validity.expire_time = end;
                        }
                        if (changed.scopes.empty()) changed.state = GrantState::kRevoked;
                        // Checked and not argued: nobody was asked, so nothing may have been added.
                        return permissions::IsWithin(changed, before)
                                   ? absl::OkStatus()
                                   : absl::InternalError("narrowing a grant would have widened it");
                      },
                      {v1::ACCESS_VERB_NARROWED, kByOwner}));
              AddEnds(Settle(watch, grant.principal), *response);
              *response->mutable_grant() = Owned(grant);
              return absl::OkStatus();
            });
      });
}

grpc::Status OwnerService::RevokeGrant(grpc::ServerContext* context,
                                       const v1::RevokeGrantRequest* request,
                                       v1::RevokeGrantResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/RevokeGrant", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(const GrantId id,
                         CheckedId("grant_id", parts_.pseudonyms.Of(caller.principal)
                                                   .pseudonyms.DecodeGrant(request->grant_id())));
        return parts_.requests.Once(
            caller.principal, "RevokeGrant", request->request_id(), *request, *response,
            [&]() -> absl::Status {
              const StreamWatch watch(parts_.streams);
              ASSIGN_OR_RETURN(const Grant grant,
                               parts_.apps.ChangeGrant(id,
                                                       [](Grant& changed) {
                                                         changed.state = GrantState::kRevoked;
                                                         return absl::OkStatus();
                                                       },
                                                       {v1::ACCESS_VERB_REVOKED, kByOwner}));
              AddEnds(Settle(watch, grant.principal), *response);
              *response->mutable_grant() = Owned(grant);
              return absl::OkStatus();
            });
      });
}

grpc::Status OwnerService::RevokeApp(grpc::ServerContext* context,
                                     const v1::RevokeAppRequest* request,
                                     v1::RevokeAppResponse* response) {
  return parts_.gate.Handle(context, "/postern.v1.OwnerService/RevokeApp", request,
                            [&](const Caller& caller) -> absl::Status {
                              const Principal principal = Principal::FromHex(request->principal());
                              if (principal.empty())
                                return InvalidField("principal", "must be 64 hex digits");
                              return parts_.requests.Once(
                                  caller.principal, "RevokeApp", request->request_id(), *request,
                                  *response, [&]() -> absl::Status {
                                    const bool was_gatekeeper =
                                        parts_.apps.StandingOf(principal) == Standing::kGatekeeper;
                                    const StreamWatch watch(parts_.streams);
                                    RETURN_IF_ERROR(parts_.apps.Revoke(principal, kByOwner));
                                    parts_.consent.WithdrawAll(principal);
                                    AddEnds(watch.LastSent(principal), *response);
                                    parts_.streams.ShutOut(principal);
                                    // An adapter has no event stream that could end with a reason
                                    // first.
                                    if (was_gatekeeper) parts_.door.CloseConnections(principal);
                                    parts_.anchor.SaveNow();
                                    return parts_.subscriptions.Remove(principal);
                                  });
                            });
}

grpc::Status OwnerService::SuspendGrant(grpc::ServerContext* context,
                                        const v1::SuspendGrantRequest* request,
                                        v1::SuspendGrantResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/SuspendGrant", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(const GrantId id,
                         CheckedId("grant_id", parts_.pseudonyms.Of(caller.principal)
                                                   .pseudonyms.DecodeGrant(request->grant_id())));
        return parts_.requests.Once(
            caller.principal, "SuspendGrant", request->request_id(), *request, *response,
            [&]() -> absl::Status {
              const StreamWatch watch(parts_.streams);
              ASSIGN_OR_RETURN(const Grant grant,
                               parts_.apps.ChangeGrant(id,
                                                       [](Grant& changed) -> absl::Status {
                                                         if (!Stands(changed))
                                                           return AlreadyEnded();
                                                         changed.state = GrantState::kSuspended;
                                                         return absl::OkStatus();
                                                       },
                                                       {v1::ACCESS_VERB_SUSPENDED, kByOwner}));
              AddEnds(Settle(watch, grant.principal), *response);
              *response->mutable_grant() = Owned(grant);
              return absl::OkStatus();
            });
      });
}

grpc::Status OwnerService::ResumeGrant(grpc::ServerContext* context,
                                       const v1::ResumeGrantRequest* request,
                                       v1::ResumeGrantResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ResumeGrant", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(const GrantId id,
                         CheckedId("grant_id", parts_.pseudonyms.Of(caller.principal)
                                                   .pseudonyms.DecodeGrant(request->grant_id())));
        return parts_.requests.Once(
            caller.principal, "ResumeGrant", request->request_id(), *request, *response,
            [&]() -> absl::Status {
              ASSIGN_OR_RETURN(const Grant grant,
                               parts_.apps.ChangeGrant(id,
                                                       [](Grant& changed) -> absl::Status {
                                                         if (!Stands(changed))
                                                           return AlreadyEnded();
                                                         changed.state = GrantState::kActive;
                                                         return absl::OkStatus();
                                                       },
                                                       {v1::ACCESS_VERB_RESUMED, kByOwner}));
              // Counts as a use, or what lapsed for not being used would lapse again at once.
              parts_.apps.SawNow(grant.principal, parts_.confirmed_clock.Now());
              RETURN_IF_ERROR(parts_.apps.KeepLastSeen(grant.principal, absl::ZeroDuration()));
              parts_.streams.KeepStreams(grant.principal);
              parts_.log.WakeAll();
              *response->mutable_grant() = Owned(grant);
              return absl::OkStatus();
            });
      });
}

grpc::Status OwnerService::Pause(grpc::ServerContext* context, const v1::PauseRequest* request,
                                 v1::PauseResponse* response) {
  return parts_.gate.Handle(context, "/postern.v1.OwnerService/Pause", request,
                            [&](const Caller&) -> absl::Status {
                              const StreamWatch watch(parts_.streams);
                              RETURN_IF_ERROR(parts_.apps.SetPaused(true, kByOwner));
                              AddEnds(watch.LastSent({}), *response);
                              for (const AppPointer& app : parts_.apps.All()) {
                                if (app->standing == Standing::kApp) {
                                  parts_.streams.EndStreams(app->principal);
                                }
                              }
                              parts_.anchor.SaveNow();
                              return absl::OkStatus();
                            });
}

grpc::Status OwnerService::Resume(grpc::ServerContext* context, const v1::ResumeRequest* request,
                                  v1::ResumeResponse*) {
  return parts_.gate.Handle(context, "/postern.v1.OwnerService/Resume", request,
                            [&](const Caller&) -> absl::Status {
                              RETURN_IF_ERROR(parts_.apps.SetPaused(false, kByOwner));
                              for (const AppPointer& app : parts_.apps.All()) {
                                parts_.streams.KeepStreams(app->principal);
                              }
                              return absl::OkStatus();
                            });
}

}  // namespace postern::broker
