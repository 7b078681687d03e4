// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/channel.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <chrono>

#include "clients/sdk/stubs.h"

namespace postern::sdk {
namespace {

// gRPC's own pings: a dead peer on a Unix socket is seen at once, so they only find a hung broker.
// gRPC servers count pings more often than every 5 minutes on a quiet stream as abuse.
constexpr int kKeepaliveMs = 10 * 60 * 1000;
constexpr int kKeepaliveTimeoutMs = 20 * 1000;
// gRPC's reconnecting within the channel, below the SDK's own: quick, for a broker that restarts,
// and bounded. The minimum is how long one TLS handshake may take on a loaded machine.
constexpr int kReconnectFirstMs = 50;
constexpr int kHandshakeMs = 5 * 1000;
constexpr int kReconnectLongestMs = 2 * 1000;
// How soon a wait for the connection sees that it is no longer wanted.
constexpr absl::Duration kStopSeenWithin = absl::Milliseconds(100);

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const Identity& identity) {
  grpc::SslCredentialsOptions credentials;
  credentials.pem_root_certs = identity.broker_certificate_pem;
  credentials.pem_cert_chain = identity.certificate_pem;
  credentials.pem_private_key.assign(identity.key_pem.span().begin(),
                                     identity.key_pem.span().end());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectFirstMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kHandshakeMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectLongestMs);
  // Each client has its own connection: the broker counts and ends connections one by one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  auto channel = grpc::CreateCustomChannel(absl::StrCat("unix:", identity.socket_path),
                                           grpc::SslCredentials(credentials), arguments);
  OPENSSL_cleanse(credentials.pem_private_key.data(), credentials.pem_private_key.size());
  return channel;
}

bool IsWrongBroker(const grpc::Status& status) {
  // gRPC has no code for it; these are the words of OpenSSL and of BoringSSL.
  return status.error_code() == grpc::StatusCode::UNAVAILABLE &&
         (absl::StrContains(status.error_message(), "certificate verify failed") ||
          absl::StrContains(status.error_message(), "CERTIFICATE_VERIFY_FAILED"));
}

bool PauseForConnection(Pause& pause, grpc::Channel& channel, absl::Duration longest) {
  if (pause.replaced() || channel.GetState(false) == GRPC_CHANNEL_READY) return pause.For(longest);
  const std::chrono::steady_clock::time_point end =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(longest);
  while (!pause.stopped()) {
    const absl::Duration left = absl::FromChrono(end - std::chrono::steady_clock::now());
    if (left <= absl::ZeroDuration()) return true;
    const absl::Time until = absl::Now() + std::min(left, kStopSeenWithin);
    if (channel.WaitForConnected(absl::ToChronoTime(until))) return !pause.stopped();
  }
  return false;
}

Canceller::Scope::Scope(Canceller& canceller, grpc::ClientContext& context)
    : canceller_(canceller), context_(context) {
  platform::MutexLock lock(canceller_.mutex_);
  canceller_.contexts_.push_back(&context_);
  if (canceller_.cancelled_) context_.TryCancel();
}

Canceller::Scope::~Scope() {
  platform::MutexLock lock(canceller_.mutex_);
  auto& contexts = canceller_.contexts_;
  contexts.erase(std::remove(contexts.begin(), contexts.end(), &context_), contexts.end());
}

void Canceller::Cancel() {
  platform::MutexLock lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* context : contexts_) context->TryCancel();
}

Stubs::Stubs(std::shared_ptr<grpc::Channel> shared_channel)
    : channel(std::move(shared_channel)),
      enrollment(v1::EnrollmentService::NewStub(channel)),
      grant(v1::GrantService::NewStub(channel)),
      chat(v1::ChatService::NewStub(channel)),
      event(v1::EventService::NewStub(channel)),
      message(v1::MessageService::NewStub(channel)),
      attachment(v1::AttachmentService::NewStub(channel)),
      forward(v1::ForwardService::NewStub(channel)),
      export_service(v1::ExportService::NewStub(channel)),
      gatekeeper(v1::GatekeeperService::NewStub(channel)),
      owner(v1::OwnerService::NewStub(channel)) {}

}  // namespace postern::sdk
