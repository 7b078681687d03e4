// SPDX-License-Identifier: Apache-2.0
#include "broker/manifest_codec.h"

#include "broker/request_check.h"
#include "permissions/display_text.h"
#include "permissions/ids.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

absl::Status ReadScopes(const google::protobuf::RepeatedField<int>& numbers, std::string_view field,
                        permissions::ScopeSet& scopes) {
  for (const int number : numbers) {
    const auto scope = permissions::ScopeFromNumber(number);
    // A scope this broker does not know is refused, not left out: the user would be shown less than
    // the program asks for.
    if (!scope.ok()) return InvalidField(field, "names a scope this broker does not know");
    scopes.Add(*scope);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<permissions::Manifest> ManifestFromProto(const v1::Manifest& proto) {
  RETURN_IF_ERROR(CheckVersion(proto.protocol_version()));
  permissions::Manifest manifest;
  manifest.protocol_major = proto.protocol_version().major();
  manifest.protocol_minor = proto.protocol_version().minor();
  manifest.app_id = proto.app_id();
  manifest.display_name = proto.display_name();
  manifest.purpose = proto.purpose();
  switch (proto.role()) {
    case v1::ROLE_UNSPECIFIED:
    case v1::ROLE_APP:
      manifest.role = permissions::Role::kApp;
      break;
    case v1::ROLE_GATEKEEPER:
      manifest.role = permissions::Role::kGatekeeper;
      break;
    default:
      return InvalidField("role", "must be ROLE_APP or ROLE_GATEKEEPER");
  }
  RETURN_IF_ERROR(ReadScopes(proto.required_scopes(), "required_scopes", manifest.required_scopes));
  RETURN_IF_ERROR(ReadScopes(proto.optional_scopes(), "optional_scopes", manifest.optional_scopes));
  switch (proto.data_destination().kind()) {
    case v1::DataDestination::KIND_STAYS_ON_DEVICE:
      manifest.data_destination.kind = permissions::DestinationKind::kStaysOnDevice;
      break;
    case v1::DataDestination::KIND_LEAVES_DEVICE:
      manifest.data_destination.kind = permissions::DestinationKind::kLeavesDevice;
      break;
    default:
      return InvalidField("data_destination.kind", "must say whether data leaves this device");
  }
  manifest.data_destination.service = proto.data_destination().service();
  manifest.networks.assign(proto.networks().begin(), proto.networks().end());
  manifest.software_version = proto.software_version();
  manifest.homepage = proto.homepage();
  manifest.systemd_unit = proto.systemd_unit();
  if (const absl::Status status = permissions::ValidateManifest(manifest); !status.ok()) {
    // The message starts with the field's name (permissions/manifest.h).
    const std::string message(status.message());
    const std::string field = message.substr(0, message.find(':'));
    return ReasonStatus(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_FIELD, message,
                        {{"field", field}});
  }
  return manifest;
}

v1::App AppFromManifest(const permissions::Manifest& manifest,
                        const permissions::Principal& principal) {
  v1::App app;
  app.set_principal(principal.ToHex());
  app.set_claimed_name(permissions::CleanName(manifest.display_name));
  app.set_app_id(manifest.app_id);
  app.set_purpose(permissions::CleanPurpose(manifest.purpose));
  app.mutable_data_destination()->set_kind(
      static_cast<v1::DataDestination::Kind>(manifest.data_destination.kind));
  app.mutable_data_destination()->set_service(manifest.data_destination.service);
  for (const std::string& network : manifest.networks) app.add_networks(network);
  app.set_systemd_unit(manifest.systemd_unit);
  return app;
}

}  // namespace postern::broker
