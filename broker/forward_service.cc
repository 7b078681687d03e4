// SPDX-License-Identifier: Apache-2.0
#include "broker/forward_service.h"

#include <absl/strings/str_cat.h>

#include <optional>
#include <string>

#include "broker/app_registry.h"
#include "broker/asker.h"
#include "broker/lease_table.h"
#include "broker/limits.h"
#include "broker/method_gate.h"
#include "broker/open_chat.h"
#include "broker/request_check.h"
#include "broker/send_limits.h"
#include "broker/shutdown.h"
#include "permissions/manifest.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Principal;
using permissions::Pseudonyms;
using permissions::Scope;

// A lease is named by its chat and network, in the app's own pseudonyms: there is nothing else to
// it.
std::string LeaseId(const Pseudonyms& pseudonyms, ChatId chat, const std::string& network) {
  return absl::StrCat(pseudonyms.Encode(chat), ".", network);
}

v1::Lease WireLease(const Pseudonyms& pseudonyms, ChatId chat, const std::string& network,
                    bool held) {
  v1::Lease lease;
  lease.set_id(LeaseId(pseudonyms, chat, network));
  lease.set_chat_id(pseudonyms.Encode(chat));
  lease.set_target_network(network);
  lease.set_held(held);
  return lease;
}

// The leases of the chats that the app may see.
v1::WatchLeasesResponse LeasesFor(const Parts& parts, const Asker& asker) {
  v1::WatchLeasesResponse response;
  for (const LeaseTable::Lease& lease : parts.leases.All()) {
    if (!FindOpenChat(parts, asker, lease.chat, Scope::kChatsRead, "chat_id").ok()) continue;
    *response.add_leases() = WireLease(asker.book.pseudonyms, lease.chat, lease.network,
                                       lease.holder == asker.app->principal);
  }
  return response;
}

}  // namespace

grpc::Status ForwardService::AcquireLease(grpc::ServerContext* context,
                                          const v1::AcquireLeaseRequest* request,
                                          v1::AcquireLeaseResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.ForwardService/AcquireLease", request,
      [&](const Caller& caller) -> absl::Status {
        RETURN_IF_ERROR(CheckRequestId(request->request_id()));
        const Asker asker(parts_, caller);
        ASSIGN_OR_RETURN(
            const ChatId chat,
            CheckedId("chat_id", asker.book.pseudonyms.DecodeChat(request->chat_id())));
        const std::string& network = request->target_network();
        if (!permissions::IsNetworkName(network)) {
          return InvalidField("target_network", "must be a network's name, e.g. \"xmpp\"");
        }
        RETURN_IF_ERROR(FindOpenChat(parts_, asker, chat, Scope::kForward, "chat_id").status());
        RETURN_IF_ERROR(parts_.limits.TakeLeaseCall(caller.principal));
        ASSIGN_OR_RETURN(const bool held,
                         parts_.leases.Acquire(caller, chat, network, request->request_id()));
        *response->mutable_lease() = WireLease(asker.book.pseudonyms, chat, network, held);
        return absl::OkStatus();
      });
}

grpc::Status ForwardService::ReleaseLease(grpc::ServerContext* context,
                                          const v1::ReleaseLeaseRequest* request,
                                          v1::ReleaseLeaseResponse*) {
  return parts_.gate.Handle(
      context, "/postern.v1.ForwardService/ReleaseLease", request,
      [&](const Caller& caller) -> absl::Status {
        RETURN_IF_ERROR(CheckRequestId(request->request_id()));
        const Asker asker(parts_, caller);
        const std::string& id = request->lease_id();
        const size_t dot = id.find('.');
        const std::optional<ChatId> chat = asker.book.pseudonyms.DecodeChat(id.substr(0, dot));
        if (dot == std::string::npos || !chat.has_value() ||
            !permissions::IsNetworkName(std::string_view(id).substr(dot + 1))) {
          return InvalidField("lease_id", "is not the id of a lease");
        }
        return parts_.leases.Release(caller, *chat, id.substr(dot + 1), request->request_id());
      });
}

grpc::Status ForwardService::WatchLeases(grpc::ServerContext* context,
                                         const v1::WatchLeasesRequest* request,
                                         grpc::ServerWriter<v1::WatchLeasesResponse>* writer) {
  return parts_.gate.Handle(context, "/postern.v1.ForwardService/WatchLeases", request,
                            [&](const Caller& caller) -> absl::Status {
                              std::optional<std::string> last;
                              while (!context->IsCancelled()) {
                                if (parts_.shutdown.begun()) return Shutdown::Refusal();
                                const uint64_t changes = parts_.leases.changes();
                                const Asker asker(parts_, caller);
                                RETURN_IF_ERROR(RequireScope(asker.viewer, Scope::kChatsRead));
                                const v1::WatchLeasesResponse response = LeasesFor(parts_, asker);
                                std::string bytes = response.SerializeAsString();
                                // What changed for others is no news to this app.
                                if (bytes != last) {
                                  if (!writer->Write(response)) return absl::CancelledError();
                                  last = std::move(bytes);
                                }
                                parts_.leases.WaitForChange(changes, kCancelPoll);
                              }
                              return absl::CancelledError();
                            });
}

}  // namespace postern::broker
