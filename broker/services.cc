// SPDX-License-Identifier: Apache-2.0
#include "broker/services.h"

#include <dlfcn.h>
#include <grpcpp/server_builder.h>

#include <initializer_list>
#include <utility>

#include "broker/door.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// Lets tools list the contract. gRPC's reflection library registers itself with every server of a
// process that has it loaded, so it is loaded only where the owner asked for it, and never
// unloaded.
absl::Status LoadReflection() {
  if (::dlopen(POSTERN_REFLECTION_LIBRARY, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE) == nullptr) {
    return absl::FailedPreconditionError(
        "[door] reflection is on and gRPC's reflection library is not installed; install it (on "
        "Debian it comes with libgrpc++1.51) or turn reflection off");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Services::Open(const Parts& parts, MessageSearch& search, OwnerService::About about) {
  ASSIGN_OR_RETURN(backfills, Backfills::Open(parts));
  ASSIGN_OR_RETURN(sender, MessageSender::Open(parts));
  reader = std::make_unique<MessageReader>(parts, search);
  enrollment = std::make_unique<EnrollmentService>(parts);
  grant = std::make_unique<GrantService>(parts);
  chat = std::make_unique<ChatService>(parts, *backfills);
  event = std::make_unique<EventService>(parts);
  message = std::make_unique<MessageService>(parts, *reader, *sender);
  forward = std::make_unique<ForwardService>(parts);
  attachment = std::make_unique<AttachmentService>(parts);
  exports = std::make_unique<ExportService>(parts);
  gatekeeper = std::make_unique<GatekeeperService>(parts);
  owner = std::make_unique<OwnerService>(parts, std::move(about));
  health = std::make_unique<HealthService>(parts);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<grpc::Server>> Services::Serve(Door& door, bool reflection) {
  if (reflection) RETURN_IF_ERROR(LoadReflection());
  grpc::ServerBuilder builder;
  door.Configure(builder);
  for (grpc::Service* const service : std::initializer_list<grpc::Service*>{
           enrollment.get(), grant.get(), chat.get(), event.get(), message.get(), forward.get(),
           attachment.get(), exports.get(), gatekeeper.get(), owner.get(), health.get()}) {
    builder.RegisterService(service);
  }
  auto server = builder.BuildAndStart();
  if (server == nullptr) return absl::InternalError("gRPC did not start");
  return server;
}

}  // namespace postern::broker
