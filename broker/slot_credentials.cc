// SPDX-License-Identifier: Apache-2.0
// How a call learns its connection.
//
// gRPC gives a call the AuthContext of its connection, and runs the slot's AuthMetadataProcessor
// before the call's handler. The processor knows its slot, and the slot holds one connection: so
// the first call of a connection writes the connection's number into the AuthContext, and every
// handler reads it there.
//
// Writing to it looks like a data race, since all calls of the connection share it. It is not one:
// the number is written once, under the processor's lock, and every call passes that lock in the
// processor before its handler can read. A client cannot set the property: gRPC makes all others
// from the certificate, under names of its own.
#include "broker/slot_credentials.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/method_gate.h"
#include "permissions/ids.h"
#include "permissions/method_access.h"
#include "platform/mutex.h"

namespace postern::broker {
namespace {

constexpr char kConnectionProperty[] = "postern_connection";
constexpr std::string_view kOwnMethods = "/postern.v1.";
constexpr char kSessionReusedProperty[] = "ssl_session_reused";

std::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

class Verifier final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  Verifier(int slot, std::shared_ptr<ConnectionTable> table, TellRefusal tell)
      : slot_(slot), table_(std::move(table)), tell_(std::move(tell)) {}

  // Called once the handshake is over: the peer has signed with the certificate's key.
  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)>, grpc::Status* result) override {
    const std::optional<Door::Refusal> refusal = Check(*request);
    if (refusal) {
      const ConnectionTable::Peer peer = table_->MarkRefused(slot_);
      if (tell_) tell_(*refusal, peer.uid, peer.pid);
      // No reason can travel here: the client sees a closed connection, the journal has the why.
      *result = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "refused");
    }
    return true;
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  std::optional<Door::Refusal> Check(
      const grpc::experimental::TlsCustomVerificationCheckRequest& request) {
    if (request.peer_cert_full_chain().size() > kCertificatePemBytesMax) {
      return Door::Refusal::kCertificate;
    }
    const auto spki = platform::SpkiSha256OfPem(View(request.peer_cert()));
    if (!spki.ok()) return Door::Refusal::kCertificate;
    return table_->Prove(slot_, permissions::Principal{*spki});
  }

  const int slot_;
  const std::shared_ptr<ConnectionTable> table_;
  const TellRefusal tell_;
};

class Processor final : public grpc::AuthMetadataProcessor {
 public:
  Processor(int slot, std::shared_ptr<ConnectionTable> table, StandingOf standing_of)
      : slot_(slot), table_(std::move(table)), standing_of_(std::move(standing_of)) {}

  // It only looks things up; without this gRPC would make a thread pool for each slot.
  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                       OutputMetadata*) override {
    // Default deny: what the table of methods does not name does not run.
    const auto path = metadata.find(":path");
    const permissions::MethodAccess* access =
        path == metadata.end() ? nullptr : permissions::FindMethodAccess(View(path->second));
    if (access == nullptr) {
      return {grpc::StatusCode::UNIMPLEMENTED, "the broker has no such method"};
    }
    const ConnectionId connection = Bind(*context);
    if (connection == ConnectionId{}) {
      return {grpc::StatusCode::UNAUTHENTICATED, "the connection has ended: connect anew"};
    }
    // Handlers of our own start with the MethodGate; gRPC's services (health, reflection) do not.
    if (!access->full_method.starts_with(kOwnMethods)) {
      const auto caller = table_->Find(connection);
      if (caller && standing_of_(caller->principal) == Standing::kUnknown) {
        return {grpc::StatusCode::UNAUTHENTICATED,
                "ENROLLMENT_REQUIRED: this key is not enrolled; call EnrollmentService.Enroll"};
      }
      if (!caller || (access->callers & CallerBit(standing_of_(caller->principal))) == 0) {
        return {grpc::StatusCode::PERMISSION_DENIED, "this key may not call this method"};
      }
    }
    return grpc::Status::OK;
  }

 private:
  // Writes the connection in this slot into the context of its calls. The empty one when the
  // context is not of that connection, or of a resumed session: that proves only that the peer once
  // had the key.
  ConnectionId Bind(grpc::AuthContext& context) {
    // Held for reading too: another call may be writing.
    platform::MutexLock lock(mutex_);
    for (const grpc::string_ref& reused : context.FindPropertyValues(kSessionReusedProperty)) {
      if (View(reused) == "true") return {};
    }
    const ConnectionId here = table_->ProvenIn(slot_);
    const ConnectionId named = ConnectionOf(context);
    if (named == here || here == ConnectionId{}) return here;
    if (named != ConnectionId{}) return {};
    context.AddProperty(kConnectionProperty, absl::StrCat(here.value));
    return here;
  }

  const int slot_;
  const std::shared_ptr<ConnectionTable> table_;
  const StandingOf standing_of_;
  platform::Mutex mutex_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeSlotCredentials(const platform::TlsIdentity& identity,
                                                             int slot,
                                                             std::shared_ptr<ConnectionTable> table,
                                                             StandingOf standing_of,
                                                             TellRefusal tell) {
  // gRPC keeps its own copy of the key for as long as the server lives.
  const std::span<const uint8_t> key = identity.key_pem.span();
  auto provider = std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
      std::vector<grpc::experimental::IdentityKeyCertPair>{
          {std::string(key.begin(), key.end()), identity.certificate_pem}});
  grpc::experimental::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  options.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<Verifier>(slot, table,
                                                                        std::move(tell)));
  options.set_check_call_host(false);
  auto credentials = grpc::experimental::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(
      std::make_shared<Processor>(slot, std::move(table), std::move(standing_of)));
  return credentials;
}

ConnectionId ConnectionOf(const grpc::AuthContext& context) {
  const auto values = context.FindPropertyValues(kConnectionProperty);
  ConnectionId connection;
  if (values.size() != 1 ||
      !absl::SimpleAtoi(absl::string_view(values.front().data(), values.front().size()),
                        &connection.value)) {
    return {};
  }
  return connection;
}

}  // namespace postern::broker
