// SPDX-License-Identifier: Apache-2.0
// A program's connection to the user's broker: asks to be allowed when it must, follows events,
// sends.
//
// Performance
//   Connect makes one TLS connection (about 5 ms) that all calls and streams share; make one Client
//   a process. Events arrive in frames of what has gathered, up to 64; Next hands them out one by
//   one without copying the frame. An idle subscription costs no wake-ups.
//
// Thread safety
//   Client is thread-safe. A Subscription is read by one thread at a time; see subscription.h.
//
// Background threads
//   None of its own, besides gRPC's. Client::Run starts one, "postern-events", for each session.
//
// Error handling
//   Every error is an absl::Status that keeps the broker's reason: ErrorReasonOf(status). The
//   client retries by itself only what is safe: UNAVAILABLE, with bounded back-off and, for calls
//   that change something, the same request id. It never retries a refusal. After UNAUTHENTICATED
//   GRANT_REVOKED it makes no further call: every method returns that error until the program
//   connects anew.
//
// Example
//   auto manifest = postern::sdk::LoadManifest("translator.toml");
//   if (!manifest.ok()) return Fail(manifest.status());
//   auto client = postern::sdk::Client::Connect(*manifest);      // waits for the user if it must
//   if (!client.ok()) return Fail(client.status());
//   auto events = (*client)->Subscribe({.name = "main"});           // resumes where it stopped
//   for (;;) {
//     auto event = events->Next();
//     if (!event.ok()) return Fail(event.status());              // e.g. GRANT_REVOKED
//     if (event->has_message_created()) Translate(event->message_created().message());
//     if (auto status = events->Acknowledge(); !status.ok()) return Fail(status);
//   }
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "clients/sdk/errors.h"
#include "clients/sdk/manifest.h"
#include "clients/sdk/options.h"
#include "clients/sdk/subscription.h"
#include "platform/secret_bytes.h"
#include "postern/v1/chat_service.pb.h"
#include "postern/v1/grant_service.pb.h"
#include "postern/v1/message_service.pb.h"

namespace postern::sdk {

// One page of a list. 'next_page_token' is empty on the last.
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_page_token;
};

struct PageOptions {
  int page_size = 0;  // the broker's default
  std::string page_token;
};

// The generated stubs over the client's channel, for what the client has no words for. Include
// "clients/sdk/stubs.h" to use them.
struct Stubs;

class Client {
 public:
  // Connects to the broker, and asks the user to allow this program when it is not yet known; that
  // can take minutes, see ClientOptions::on_enrollment. When it returns a client, the program is
  // enrolled.
  //
  // INVALID_ARGUMENT for a manifest that does not pass CheckManifest. FAILED_PRECONDITION when
  // there is no broker certificate where 'options' name it, or others could have written it, or the
  // key file is not private. UNAVAILABLE when posternd has not run yet for this user, or there is
  // no socket (after 2 s at most), or no broker answers at it within reach_timeout; UNAUTHENTICATED
  // without a reason when one answers that is not the pinned one. PERMISSION_DENIED CONSENT_REFUSED
  // when the user said no, DEADLINE_EXCEEDED CONSENT_REFUSED when nobody answered,
  // RESOURCE_EXHAUSTED CONSENT_SILENCED after too many refusals, UNAVAILABLE CONSENT_UNAVAILABLE
  // when nobody can be asked, UNAUTHENTICATED GRANT_REVOKED when the user took the access back.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const v1::Manifest& manifest,
                                                         ClientOptions options = {});
  // Tools that bring their own key (the owner's, from the Secret Service) connect with it and never
  // enrol: 'key_pem' and 'certificate_pem' in place of the files in the state directory.
  static absl::StatusOr<std::unique_ptr<Client>> ConnectWithKey(
      const platform::SecretBytes& key_pem, const std::string& certificate_pem,
      ClientOptions options = {});
  virtual ~Client() = default;

  // Opens a stream of events. Returns at once; the first Next connects.
  virtual std::unique_ptr<Subscription> Subscribe(SubscribeOptions options) = 0;
  // The same with callbacks on a thread of its own; it runs until it ends or is destroyed.
  virtual std::unique_ptr<EventSession> Run(
      SubscribeOptions options, EventSession::Handler handler, EventSession::EndHandler on_end = {},
      AcknowledgeMode mode = AcknowledgeMode::kAfterHandler) = 0;

  // Sends a message. Fills in 'request_id' when it is empty. Retries while the broker or its
  // gatekeeper is away, with the same id: there is never a second message. UNKNOWN, OUTCOME_UNKNOWN
  // when a crash cut the send.
  virtual absl::StatusOr<v1::SendMessageResponse> SendMessage(v1::SendMessageRequest request) = 0;
  absl::StatusOr<v1::SendMessageResponse> SendText(const std::string& chat_id,
                                                   const std::string& text,
                                                   const std::string& caused_by_event_id = {});
  // The other calls by which apps write (message_service.proto); request ids and retries as for
  // SendMessage.
  virtual absl::StatusOr<v1::EditMessageResponse> EditMessage(v1::EditMessageRequest request) = 0;
  virtual absl::StatusOr<v1::DeleteMessageResponse> DeleteMessage(
      v1::DeleteMessageRequest request) = 0;
  virtual absl::StatusOr<v1::SetReactionResponse> SetReaction(v1::SetReactionRequest request) = 0;
  virtual absl::StatusOr<v1::VotePollResponse> VotePoll(v1::VotePollRequest request) = 0;
  virtual absl::StatusOr<v1::MarkReadResponse> MarkRead(v1::MarkReadRequest request) = 0;
  virtual absl::StatusOr<v1::SetTypingResponse> SetTyping(v1::SetTypingRequest request) = 0;
  virtual absl::StatusOr<v1::CreateDraftResponse> CreateDraft(v1::CreateDraftRequest request) = 0;

  virtual absl::StatusOr<v1::GetSelfResponse> GetSelf() = 0;
  virtual absl::StatusOr<Page<v1::Account>> ListAccounts(const PageOptions& page = {}) = 0;
  // All chats the app may see, or those of one account.
  virtual absl::StatusOr<Page<v1::Chat>> ListChats(const std::string& account_id = {},
                                                   const PageOptions& page = {}) = 0;
  // Newest first.
  virtual absl::StatusOr<Page<v1::Message>> ListMessages(const std::string& chat_id,
                                                         const PageOptions& page = {}) = 0;
  virtual absl::StatusOr<v1::Message> GetMessage(const std::string& message_id) = 0;

  // Lower-case hex of the SHA-256 of this program's public key.
  virtual const std::string& principal() const = 0;
  // The raw stubs; their calls are neither retried nor counted as revoked by the client.
  virtual Stubs& stubs() = 0;
};

// A new random request id.
std::string MakeRequestId();

}  // namespace postern::sdk
