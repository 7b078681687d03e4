// SPDX-License-Identifier: Apache-2.0
#include "broker/gatekeeper_service.h"

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "broker/adapter_table.h"
#include "broker/address.h"
#include "broker/app_registry.h"
#include "broker/attachment_limits.h"
#include "broker/attachment_transfers.h"
#include "broker/broker_event.h"
#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/event_log.h"
#include "broker/ingest.h"
#include "broker/limits.h"
#include "broker/method_gate.h"
#include "broker/objections.h"
#include "broker/request_check.h"
#include "broker/shutdown.h"
#include "broker/told_capabilities.h"
#include "permissions/manifest.h"
#include "platform/clock.h"
#include "platform/mutex.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using Stream = grpc::ServerReaderWriter<v1::AttachResponse, v1::AttachRequest>;

// What goes to the adapter, written by a thread of its own: acknowledgements and commands come from
// several threads, and none of them may wait for an adapter that does not read.
class AdapterWriter {
 public:
  AdapterWriter(Stream& stream, grpc::ServerContext& context)
      : stream_(stream), context_(context), thread_([this] {
          Loop();
          platform::MutexLock lock(mutex_);
          ended_ = true;
          changed_.NotifyAll();
        }) {}
  ~AdapterWriter() {
    {
      platform::MutexLock lock(mutex_);
      stopping_ = true;
      changed_.NotifyAll();
      const absl::Duration deadline = platform::SystemClock().Elapsed() + kAdapterFlushMax;
      while (!ended_) {
        const absl::Duration left = deadline - platform::SystemClock().Elapsed();
        if (left <= absl::ZeroDuration()) break;
        changed_.WaitFor(mutex_, left);
      }
      // It sends nothing more and does not read either: what waits for it is dropped.
      if (!ended_) context_.TryCancel();
    }
    thread_.join();
  }
  AdapterWriter(const AdapterWriter&) = delete;
  AdapterWriter& operator=(const AdapterWriter&) = delete;

  // The adapter said hello. Until then it has kHelloTimeout.
  void Greeted() {
    platform::MutexLock lock(mutex_);
    greeted_ = true;
    changed_.NotifyAll();
  }
  // False when kAdapterOutboxMax wait.
  bool Add(v1::AttachResponse response) {
    platform::MutexLock lock(mutex_);
    if (stopping_ || outbox_.size() >= kAdapterOutboxMax) return false;
    outbox_.push_back(std::move(response));
    changed_.NotifyAll();
    return true;
  }
  // Ends the stream with 'status': the reader's next read fails.
  void End(absl::Status status) {
    platform::MutexLock lock(mutex_);
    if (end_.ok()) end_ = std::move(status);
    context_.TryCancel();
  }
  absl::Status end() {
    platform::MutexLock lock(mutex_);
    return end_;
  }

 private:
  void Loop() {
    while (true) {
      v1::AttachResponse response;
      {
        platform::MutexLock lock(mutex_);
        while (!greeted_ && !stopping_) {
          if (!changed_.WaitFor(mutex_, kHelloTimeout) && !greeted_ && !stopping_) {
            end_ = InvalidField("hello", "did not come in time");
            context_.TryCancel();
            return;
          }
        }
        while (outbox_.empty() && !stopping_) changed_.Wait(mutex_);
        if (outbox_.empty()) return;
        response = std::move(outbox_.front());
        outbox_.pop_front();
      }
      if (!stream_.Write(response)) {
        platform::MutexLock lock(mutex_);
        stopping_ = true;
        outbox_.clear();
        return;
      }
    }
  }

  Stream& stream_;
  grpc::ServerContext& context_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  std::deque<v1::AttachResponse> outbox_ ABSL_GUARDED_BY(mutex_);
  bool greeted_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

absl::Status CheckHello(const v1::AttachHello& hello) {
  RETURN_IF_ERROR(CheckVersion(hello.protocol_version()));
  const v1::Account& account = hello.account();
  if (account.id().empty() || account.id().size() > kIdBytesMax) {
    return InvalidField("hello.account.id", "must have 1 to 512 bytes");
  }
  if (!permissions::IsNetworkName(account.network())) {
    return InvalidField("hello.account.network", "must be a network's name, e.g. \"xmpp\"");
  }
  if (account.display_name().size() > kNameBytesMax) {
    return InvalidField("hello.account", "has a name that is too long");
  }
  if (!account.address().empty() && !IsAddress(account.address())) {
    return InvalidField("hello.account.address", "must have a scheme, e.g. \"xmpp:\"");
  }
  if (account.state() == v1::ACCOUNT_STATE_DETACHED) {
    return InvalidField("hello.account.state", "cannot be detached: the broker says that");
  }
  return absl::OkStatus();
}

// Apps that go by what a chat can do must hear that all chats of an account can do something else:
// the adapter was updated, say.
absl::Status TellCapabilities(const Parts& parts, AccountId account,
                              const std::vector<permissions::ChatId>& chats) {
  const absl::Time now = parts.confirmed_clock.Now();
  for (size_t done = 0; done < chats.size();) {
    EventLog::Batch batch;
    batch.account = account;
    for (; done < chats.size() && batch.records.size() < kCommitEventsMax; ++done) {
      v1::Event event;
      *event.mutable_capabilities_changed()->mutable_capabilities() =
          parts.directory.CapabilitiesOf(account, chats[done]);
      batch.records.push_back(BrokerEvent(account, chats[done], std::move(event), {}, now));
    }
    RETURN_IF_ERROR(parts.log.Append(std::move(batch)).status());
  }
  return absl::OkStatus();
}

// The user allowed an adapter for the networks that its manifest named, and was shown them.
absl::Status CheckNetwork(const std::string& network, const v1::App& app) {
  const auto& allowed = app.networks();
  if (std::find(allowed.begin(), allowed.end(), network) != allowed.end()) return absl::OkStatus();
  return ReasonStatus(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_INVALID_FIELD,
                      "the user did not allow this adapter to serve that network; name it in the "
                      "manifest and enrol again",
                      {{"field", "hello.account.network"}});
}

// An account stays with its adapter: another one that the user allowed for the same network could
// else take it over while the first is away, and write its history anew.
absl::Status CheckOwnAccount(const Parts& parts, AccountId account,
                             const permissions::Principal& adapter) {
  const permissions::Principal last = parts.directory.AdapterOf(account);
  if (last.empty() || last == adapter || parts.apps.StandingOf(last) != Standing::kGatekeeper) {
    return absl::OkStatus();
  }
  return ReasonStatus(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ACCOUNT_ALREADY_SERVED,
                      "this account belongs to another adapter; the user can remove that one first "
                      "(postern apps remove)");
}

v1::AttachResponse Welcome(uint64_t durable_position) {
  v1::AttachResponse response;
  v1::AttachWelcome& welcome = *response.mutable_welcome();
  welcome.mutable_protocol_version()->set_major(permissions::kProtocolMajor);
  welcome.mutable_protocol_version()->set_minor(permissions::kProtocolMinor);
  welcome.set_durable_position(durable_position);
  welcome.set_batch_bytes_max(kAdapterBatchBytesMax);
  return response;
}

}  // namespace

grpc::Status GatekeeperService::Attach(grpc::ServerContext* context, Stream* stream) {
  return parts_.gate.Handle(
      context, "/postern.v1.GatekeeperService/Attach", [&](const Caller& caller) -> absl::Status {
        parts_.apps.SawNow(caller.principal, parts_.clock.Now());
        v1::AttachRequest request;
        AdapterWriter writer(*stream, *context);
        if (!stream->Read(&request)) return absl::CancelledError();
        writer.Greeted();
        if (!request.has_hello()) return InvalidField("hello", "must come first");
        RETURN_IF_ERROR(CheckHello(request.hello()));
        RETURN_IF_ERROR(CheckNetwork(request.hello().account().network(),
                                     parts_.apps.Find(caller.principal)->app));
        v1::Account account = request.hello().account();
        const std::string remote_id = account.id();
        const AccountId id = parts_.ids.Account(account.network(), remote_id);
        if (!account.self_contact_id().empty()) {
          account.set_self_contact_id(IdText(parts_.ids.Contact(id, account.self_contact_id())));
        }
        if (account.state() == v1::ACCOUNT_STATE_UNSPECIFIED) {
          account.set_state(v1::ACCOUNT_STATE_ONLINE);
        }

        v1::ChatCapabilities capabilities = request.hello().default_capabilities();
        if (!TakeCapabilities(capabilities)) {
          return InvalidField("hello.default_capabilities", "go over a bound");
        }

        // What a second adapter says of the account changes nothing.
        ASSIGN_OR_RETURN(const auto attachment, parts_.adapters.Reserve(id));
        RETURN_IF_ERROR(CheckOwnAccount(parts_, id, caller.principal));
        ASSIGN_OR_RETURN(
            const std::vector<permissions::ChatId> changed,
            parts_.directory.PutAccount(id, remote_id, caller.principal, account, capabilities));
        RETURN_IF_ERROR(TellCapabilities(parts_, id, changed));
        parts_.adapters.Attach(
            *attachment, [&] { return Welcome(parts_.log.SourcePosition(id)); },
            [&writer](v1::AttachResponse response) { return writer.Add(std::move(response)); });
        parts_.disclosures.Attached(id);
        parts_.transfers.Attached(id);
        // Ends the stream where nothing else does: then the adapter hears why.
        absl::Status misuse;
        {
          Ingest ingest(parts_, id,
                        {[&writer](v1::EventAck ack) {
                           v1::AttachResponse response;
                           *response.mutable_event_ack() = std::move(ack);
                           writer.Add(std::move(response));
                         },
                         [&writer](absl::Status status) { writer.End(std::move(status)); }});
          while (stream->Read(&request)) {
            if (parts_.shutdown.begun()) break;
            if (absl::Status size = MethodGate::CheckSize(caller, request); !size.ok()) {
              writer.End(size);
              break;
            }
            if (request.has_event_batch()) {
              if (!ingest.Add(std::move(*request.mutable_event_batch()))) break;
            } else if (request.has_command_result()) {
              // What it says was brought in is there before anybody hears that it was.
              if (request.command_result().backfilled_messages() > 0) ingest.WaitUntilTaken();
              if (!parts_.disclosures.Completed(id, request.command_result()) &&
                  !parts_.transfers.Completed(id, request.command_result())) {
                parts_.adapters.Complete(id, request.command_result());
              }
            } else if (request.has_attachment_chunk()) {
              if (request.attachment_chunk().data().size() > kChunkBytesMax) {
                misuse = InvalidField("attachment_chunk.data", "must have at most 64 KiB");
                break;
              }
              parts_.transfers.TakeChunk(id, request.attachment_chunk());
            } else if (request.has_attachment_ack()) {
              parts_.transfers.TakeAck(id, request.attachment_ack());
            } else if (request.has_objection()) {
              // An objection that is not kept must not look as if it were.
              if (absl::Status taken = TakeObjection(parts_, id, request.objection());
                  !taken.ok()) {
                writer.End(std::move(taken));
                break;
              }
            }
          }
        }
        parts_.directory.SetAccountState(id, v1::ACCOUNT_STATE_DETACHED);
        RETURN_IF_ERROR(misuse);
        RETURN_IF_ERROR(writer.end());
        return parts_.shutdown.begun() ? Shutdown::Refusal() : absl::OkStatus();
      });
}

}  // namespace postern::broker
