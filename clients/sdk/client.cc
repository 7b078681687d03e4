// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/client.h"

#include <absl/strings/escaping.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "clients/sdk/client_core.h"
#include "clients/sdk/enroll.h"
#include "clients/sdk/event_stream.h"
#include "clients/sdk/identity.h"
#include "platform/status_macros.h"

namespace postern::sdk {

absl::Status ClientCore::ended() const {
  platform::MutexLock lock(mutex_);
  return ended_;
}

void ClientCore::Note(const absl::Status& status) {
  // Only UNAUTHENTICATED means that the whole app is out: a stream's PERMISSION_DENIED may concern
  // one grant of several.
  if (!absl::IsUnauthenticated(status) || ErrorReasonOf(status) != v1::ERROR_REASON_GRANT_REVOKED) {
    return;
  }
  platform::MutexLock lock(mutex_);
  if (ended_.ok()) ended_ = status;
}

namespace {

// One call, of which gRPC fills in the response. Called once for each try.
using Attempt = std::function<grpc::Status(grpc::ClientContext&)>;

// Says whether 'status' of a unary call is worth another try. 'tried_before': an earlier try may
// still be running in the broker; the same request id then waits for it.
bool IsWorthAnotherTry(const absl::Status& status, bool tried_before) {
  const v1::ErrorReason reason = ErrorReasonOf(status);
  if (reason == v1::ERROR_REASON_REQUEST_ID_CONFLICT) return tried_before;
  // The user paused all apps: minutes or hours, the caller's to decide.
  return IsRetriable(status) && reason != v1::ERROR_REASON_PAUSED;
}

absl::Status CallWithRetries(ClientCore& core, const Attempt& attempt) {
  RETURN_IF_ERROR(core.ended());
  Backoff backoff(core.options.backoff);
  Pause pause(core.options.wait);
  absl::Duration waited;
  for (bool tried_before = false;; tried_before = true) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + core.options.call_timeout));
    const absl::Status status = ToClientStatus(attempt(context));
    core.Note(status);
    if (status.ok() || !IsWorthAnotherTry(status, tried_before)) return status;
    const absl::Duration wait = backoff.Next(RetryAfterOf(status));
    waited += wait;
    if (waited > core.options.reach_timeout) return status;
    PauseForConnection(pause, *core.stubs.channel, wait);
  }
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(ClientCore& core, Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request) {
  Response response;
  RETURN_IF_ERROR(CallWithRetries(core, [&](grpc::ClientContext& context) {
    return (stub.*method)(&context, request, &response);
  }));
  return response;
}

template <typename Request>
Request PageRequest(const PageOptions& page) {
  Request request;
  request.set_page_size(page.page_size);
  request.set_page_token(page.page_token);
  return request;
}

template <typename T, typename Items, typename Response>
Page<T> TakePage(Items& items, Response& response) {
  Page<T> page;
  page.items.assign(std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  page.next_page_token = response.next_page_token();
  return page;
}

class BrokerClient final : public Client {
 public:
  explicit BrokerClient(std::shared_ptr<ClientCore> core) : core_(std::move(core)) {}

  std::unique_ptr<Subscription> Subscribe(SubscribeOptions options) override {
    return MakeSubscription(core_, std::move(options));
  }

  std::unique_ptr<EventSession> Run(SubscribeOptions options, EventSession::Handler handler,
                                    EventSession::EndHandler on_end,
                                    AcknowledgeMode mode) override {
    if (options.name.empty()) mode = AcknowledgeMode::kExplicit;
    return MakeEventSession(MakeSubscription(core_, std::move(options)), std::move(handler),
                            std::move(on_end), mode);
  }

  absl::StatusOr<v1::SendMessageResponse> SendMessage(v1::SendMessageRequest request) override {
    return Write(&v1::MessageService::Stub::SendMessage, std::move(request));
  }

  absl::StatusOr<v1::EditMessageResponse> EditMessage(v1::EditMessageRequest request) override {
    return Write(&v1::MessageService::Stub::EditMessage, std::move(request));
  }

  absl::StatusOr<v1::DeleteMessageResponse> DeleteMessage(
      v1::DeleteMessageRequest request) override {
    return Write(&v1::MessageService::Stub::DeleteMessage, std::move(request));
  }

  absl::StatusOr<v1::SetReactionResponse> SetReaction(v1::SetReactionRequest request) override {
    return Write(&v1::MessageService::Stub::SetReaction, std::move(request));
  }

  absl::StatusOr<v1::VotePollResponse> VotePoll(v1::VotePollRequest request) override {
    return Write(&v1::MessageService::Stub::VotePoll, std::move(request));
  }

  absl::StatusOr<v1::MarkReadResponse> MarkRead(v1::MarkReadRequest request) override {
    return Write(&v1::MessageService::Stub::MarkRead, std::move(request));
  }

  absl::StatusOr<v1::SetTypingResponse> SetTyping(v1::SetTypingRequest request) override {
    return Write(&v1::MessageService::Stub::SetTyping, std::move(request));
  }

  absl::StatusOr<v1::CreateDraftResponse> CreateDraft(v1::CreateDraftRequest request) override {
    return Write(&v1::MessageService::Stub::CreateDraft, std::move(request));
  }

  absl::StatusOr<v1::GetSelfResponse> GetSelf() override {
    return Call(*core_, *core_->stubs.grant, &v1::GrantService::Stub::GetSelf,
                v1::GetSelfRequest());
  }

  absl::StatusOr<Page<v1::Account>> ListAccounts(const PageOptions& page) override {
    ASSIGN_OR_RETURN(auto response,
                     Call(*core_, *core_->stubs.chat, &v1::ChatService::Stub::ListAccounts,
                          PageRequest<v1::ListAccountsRequest>(page)));
    return TakePage<v1::Account>(*response.mutable_accounts(), response);
  }

  absl::StatusOr<Page<v1::Chat>> ListChats(const std::string& account_id,
                                           const PageOptions& page) override {
    auto request = PageRequest<v1::ListChatsRequest>(page);
    request.set_account_id(account_id);
    ASSIGN_OR_RETURN(auto response,
                     Call(*core_, *core_->stubs.chat, &v1::ChatService::Stub::ListChats, request));
    return TakePage<v1::Chat>(*response.mutable_chats(), response);
  }

  absl::StatusOr<Page<v1::Message>> ListMessages(const std::string& chat_id,
                                                 const PageOptions& page) override {
    auto request = PageRequest<v1::ListMessagesRequest>(page);
    request.set_chat_id(chat_id);
    ASSIGN_OR_RETURN(auto response, Call(*core_, *core_->stubs.message,
                                         &v1::MessageService::Stub::ListMessages, request));
    return TakePage<v1::Message>(*response.mutable_messages(), response);
  }

  absl::StatusOr<v1::Message> GetMessage(const std::string& message_id) override {
    v1::GetMessageRequest request;
    request.set_message_id(message_id);
    ASSIGN_OR_RETURN(auto response, Call(*core_, *core_->stubs.message,
                                         &v1::MessageService::Stub::GetMessage, request));
    return std::move(*response.mutable_message());
  }

  const std::string& principal() const override { return core_->principal; }
  Stubs& stubs() override { return core_->stubs; }

 private:
  // A call that changes something, under a request id of its own unless the caller gave one.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Write(grpc::Status (v1::MessageService::Stub::*method)(
                                     grpc::ClientContext*, const Request&, Response*),
                                 Request request) {
    if (request.request_id().empty()) request.set_request_id(MakeRequestId());
    return Call(*core_, *core_->stubs.message, method, request);
  }

  const std::shared_ptr<ClientCore> core_;  // shared with the subscriptions
};

// A socket that is not there at all seldom comes while one waits: only for a broker that is being
// started at this moment.
constexpr absl::Duration kSocketComesWithin = absl::Seconds(2);
constexpr absl::Duration kLookForSocketEvery = absl::Milliseconds(200);

absl::Status AwaitSocket(const std::string& path, const ClientOptions& options) {
  BackoffOptions often = options.backoff;
  often.longest = std::min(often.longest, kLookForSocketEvery);
  Backoff backoff(often);
  Pause pause(options.wait);
  const absl::Duration longest = std::min(options.reach_timeout, kSocketComesWithin);
  absl::Duration waited;
  for (;;) {
    const absl::Status there = CheckSocketIsThere(path);
    if (there.ok()) return there;
    const absl::Duration wait = backoff.Next();
    waited += wait;
    if (waited > longest) return there;
    pause.For(wait);
  }
}

// Comes back when the broker knows this program and has not thrown it out.
absl::Status ReachAsEnrolled(ClientCore& core, const v1::Manifest& manifest) {
  const auto self =
      Call(core, *core.stubs.grant, &v1::GrantService::Stub::GetSelf, v1::GetSelfRequest());
  if (ErrorReasonOf(self.status()) != v1::ERROR_REASON_ENROLLMENT_REQUIRED) return self.status();

  Canceller never;
  Backoff backoff(core.options.backoff);
  Pause pause(core.options.wait);
  absl::Duration waited;
  for (;;) {
    const absl::Status status = Enroll(core.stubs, manifest, core.options, never);
    // The broker went away while the user was being asked: nothing was granted, ask again.
    if (status.ok() || !IsBrokenConnection(status)) return status;
    const absl::Duration wait = backoff.Next();
    waited += wait;
    if (waited > core.options.reach_timeout) return status;
    PauseForConnection(pause, *core.stubs.channel, wait);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const v1::Manifest& manifest,
                                                        ClientOptions options) {
  RETURN_IF_ERROR(CheckManifest(manifest));
  ASSIGN_OR_RETURN(const Identity identity, LoadIdentity(manifest.app_id(), options));
  RETURN_IF_ERROR(AwaitSocket(identity.socket_path, options));
  auto core = std::make_shared<ClientCore>(identity, std::move(options));
  RETURN_IF_ERROR(ReachAsEnrolled(*core, manifest));
  return std::make_unique<BrokerClient>(std::move(core));
}

absl::StatusOr<std::unique_ptr<Client>> Client::ConnectWithKey(const platform::SecretBytes& key_pem,
                                                               const std::string& certificate_pem,
                                                               ClientOptions options) {
  ASSIGN_OR_RETURN(const Identity identity, IdentityFromKey(key_pem, certificate_pem, options));
  return std::make_unique<BrokerClient>(std::make_shared<ClientCore>(identity, std::move(options)));
}

absl::StatusOr<v1::SendMessageResponse> Client::SendText(const std::string& chat_id,
                                                         const std::string& text,
                                                         const std::string& caused_by_event_id) {
  v1::SendMessageRequest request;
  request.set_chat_id(chat_id);
  request.set_text(text);
  request.set_caused_by_event_id(caused_by_event_id);
  return SendMessage(std::move(request));
}

std::string MakeRequestId() {
  uint8_t bytes[16];
  platform::FillRandom(bytes);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes), sizeof(bytes)));
}

}  // namespace postern::sdk
