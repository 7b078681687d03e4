// SPDX-License-Identifier: Apache-2.0
// The link's shape: the spool is the queue, in both directions.
//
//   Submit --> spool --(postern-link-tx: batches above what was sent)--> broker
//   broker --(postern-link: acks)--> prune the spool
//   broker --(postern-link)--> work_ --(postern-commands: journal, once)--> on_command, on_chunk
//   Answer --> journal --> outbox_ --(postern-link-tx)--> broker
//   SendChunk --> flow_ --(postern-link-tx)--> broker
//
// A session is one Attach stream. It begins with what the broker holds, and everything above that
// is sent again: the broker knows by the position what it has. So a session needs no memory of the
// last one, and a crash anywhere is the same as a lost connection.
#include "clients/sdk/gatekeeper_link.h"

#include <absl/strings/str_cat.h>
#include <grpcpp/grpcpp.h>
#include <pthread.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "clients/sdk/chunk_flow.h"
#include "clients/sdk/command_journal.h"
#include "clients/sdk/enroll.h"
#include "clients/sdk/identity.h"
#include "clients/sdk/spool.h"
#include "clients/sdk/spool_key.h"
#include "platform/status_macros.h"

namespace postern::sdk {
namespace {

constexpr uint32_t kProtocolMajor = 1;
// The contract's bound for a batch, less the room its own framing takes.
constexpr uint64_t kBatchBytesMax = 1024 * 1024 - 4096;
// Sent and not yet acknowledged: enough that the broker always has the next batch at hand while it
// commits one, little enough that a slow broker's backlog stays in the spool.
constexpr uint64_t kInFlightBytesMax = 4 * kBatchBytesMax;
// The spool is pruned when so much is durable, or when nothing waits: a deletion costs a commit.
constexpr uint64_t kPruneEvery = 4096;
// Commands and chunks that wait for the adapter; beyond, the stream is not read and the broker
// waits. Of chunks, the broker sends no more than a window for each upload.
constexpr size_t kWorkWaitingMax = 1000;
// After a crash the broker may notice the end of the old stream a moment later than we are back.
constexpr int kAlreadyServedTriesMax = 8;
// When nobody can be asked, or the owner has paused us: how often to look again.
constexpr absl::Duration kSlowRetry = absl::Seconds(5);

using Stream = grpc::ClientReaderWriter<v1::AttachRequest, v1::AttachResponse>;

// Says whether a session that ended so is the last one.
bool EndsLink(const absl::Status& status) {
  switch (ErrorReasonOf(status)) {
    case v1::ERROR_REASON_GRANT_SUSPENDED:
    case v1::ERROR_REASON_LIMIT_EXCEEDED:
      return false;
    case v1::ERROR_REASON_UNSPECIFIED:
      // Not the broker's word: the connection, or a broker that does not hold the pinned key.
      return absl::IsUnimplemented(status);
    default:
      break;
  }
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

// An id alone asks how an earlier command ended. A command of a newer broker has more to it, in
// fields without a name here.
bool IsQuestion(const v1::Command& command) {
  return command.kind_case() == v1::Command::KIND_NOT_SET &&
         command.GetReflection()->GetUnknownFields(command).empty();
}

class Link final : public GatekeeperLink {
 public:
  Link(v1::Manifest manifest, v1::AttachHello hello, GatekeeperOptions options,
       GatekeeperCallbacks callbacks, std::unique_ptr<Spool> spool)
      : manifest_(std::move(manifest)),
        hello_(std::move(hello)),
        options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        spool_(std::move(spool)),
        pause_(options_.client.wait) {
    command_thread_ = std::thread([this] { Work(); });
    link_thread_ = std::thread([this] { Run(); });
  }

  ~Link() override {
    pause_.Stop();
    flow_.Stop();
    canceller_.Cancel();
    {
      platform::MutexLock lock(mutex_);
      stopping_ = true;
      changed_.NotifyAll();
    }
    link_thread_.join();
    command_thread_.join();
  }

  absl::StatusOr<uint64_t> Submit(const v1::Event& event, const std::string& command_id) override {
    return Append({&event, 1}, command_id, {});
  }

  absl::StatusOr<uint64_t> SubmitAll(std::span<const v1::Event> events,
                                     const std::string& bookmark) override {
    if (events.empty()) return uint64_t{0};
    return Append(events, {}, bookmark);
  }

  std::string bookmark() const override { return spool_->bookmark(); }

  absl::Status Answer(const v1::CommandResult& result, std::span<const v1::Event> events) override {
    ASSIGN_OR_RETURN(auto spooled, Serialize(events, result.command_id()));
    RETURN_IF_ERROR(journal_.Answer(result, spooled));
    if (CommandJournal::IsFinal(result.state()) ||
        result.state() == v1::CommandResult::STATE_FAILED_RETRIABLE) {
      flow_.Answered(result);
    }
    platform::MutexLock lock(mutex_);
    outbox_.push_back(result);
    changed_.NotifyAll();
    return absl::OkStatus();
  }

  absl::Status Report(const v1::Objection& objection) override {
    platform::MutexLock lock(mutex_);
    if (!session_open_) {
      return absl::UnavailableError("the broker is not there to hear it; say it again later");
    }
    objections_.push_back(objection);
    changed_.NotifyAll();
    return absl::OkStatus();
  }

  absl::Status SendChunk(const v1::AttachmentChunk& chunk, absl::Duration wait) override {
    return flow_.Add(chunk, wait);
  }

  uint64_t last_position() const override { return spool_->last_position(); }

  uint64_t durable_position() const override {
    platform::MutexLock lock(mutex_);
    return durable_position_;
  }

  absl::Status WaitUntilDurable(absl::Duration timeout) override {
    const uint64_t target = spool_->last_position();
    const absl::Time deadline = absl::Now() + timeout;
    platform::MutexLock lock(mutex_);
    while (durable_position_ < target) {
      if (!ended_.ok()) return ended_;
      if (timeout == absl::InfiniteDuration()) {
        changed_.Wait(mutex_);
        continue;
      }
      const absl::Duration left = std::min(deadline - absl::Now(), timeout);
      if (left <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError("the broker has not stored everything yet");
      }
      changed_.WaitFor(mutex_, left);
    }
    return absl::OkStatus();
  }

 private:
  // ---- submitting ----

  static absl::StatusOr<std::vector<SpooledEvent>> Serialize(std::span<const v1::Event> events,
                                                             const std::string& command_id) {
    std::vector<SpooledEvent> spooled;
    spooled.reserve(events.size());
    for (const v1::Event& event : events) {
      spooled.push_back({0, event.SerializeAsString(), command_id});
      if (spooled.back().event.size() + command_id.size() > kBatchBytesMax / 2) {
        return absl::InvalidArgumentError("the event is larger than the broker takes");
      }
    }
    return spooled;
  }

  absl::StatusOr<uint64_t> Append(std::span<const v1::Event> events, const std::string& command_id,
                                  const std::string& bookmark) {
    ASSIGN_OR_RETURN(auto spooled, Serialize(events, command_id));
    ASSIGN_OR_RETURN(const uint64_t position, spool_->Append(spooled, bookmark));
    platform::MutexLock lock(mutex_);
    changed_.NotifyAll();
    return position;
  }

  // ---- connecting ----

  void SetState(LinkState state, const absl::Status& status = absl::OkStatus()) {
    if (callbacks_.on_state) callbacks_.on_state(state, status);
  }

  void Run() {
    ::pthread_setname_np(::pthread_self(), "postern-link");
    Backoff backoff(options_.client.backoff);
    int already_served_tries = 0;
    absl::Status status;
    for (;;) {
      SetState(LinkState::kConnecting, status);
      bool attached = false;
      status = Connect();
      if (status.ok()) status = RunSession(attached);
      if (attached) {
        backoff.Reset();
        already_served_tries = 0;
      }
      if (ErrorReasonOf(status) == v1::ERROR_REASON_ENROLLMENT_REQUIRED && !pause_.stopped()) {
        SetState(LinkState::kEnrolling);
        status = Enroll(*stubs_, manifest_, options_.client, canceller_);
        if (status.ok()) continue;
      }
      if (pause_.stopped()) return;
      const v1::ErrorReason reason = ErrorReasonOf(status);
      absl::Duration at_least = RetryAfterOf(status);
      if (reason == v1::ERROR_REASON_ACCOUNT_ALREADY_SERVED &&
          ++already_served_tries <= kAlreadyServedTriesMax) {
        // Try again: most likely it is our own stream of a moment ago.
      } else if (EndsLink(status)) {
        {
          platform::MutexLock lock(mutex_);
          ended_ = status;
          changed_.NotifyAll();
        }
        SetState(LinkState::kEnded, status);
        return;
      } else if (!IsBrokenConnection(status)) {
        at_least = std::max(at_least, std::min(kSlowRetry, options_.client.backoff.longest));
      }
      const absl::Duration wait = backoff.Next(at_least);
      // Without stubs there is no connection yet to wait for.
      if (!(stubs_ ? PauseForConnection(pause_, *stubs_->channel, wait) : pause_.For(wait))) return;
    }
  }

  // Reads identity and pinned certificate when that has not been done, or must be done anew: the
  // adapter may have been started before the broker's first start, which makes the certificate.
  absl::Status Connect() {
    if (stubs_ != nullptr) return absl::OkStatus();
    ASSIGN_OR_RETURN(const Identity identity, LoadIdentity(manifest_.app_id(), options_.client));
    stubs_ = std::make_unique<Stubs>(MakeChannel(identity));
    return absl::OkStatus();
  }

  // ---- one session ----

  absl::Status RunSession(bool& attached) {
    grpc::ClientContext context;
    const Canceller::Scope scope(canceller_, context);
    const std::unique_ptr<Stream> stream = stubs_->gatekeeper->Attach(&context);
    v1::AttachRequest hello;
    *hello.mutable_hello() = hello_;
    hello.mutable_hello()->mutable_protocol_version()->set_major(kProtocolMajor);
    hello.mutable_hello()->set_last_position(spool_->last_position());
    stream->Write(hello);
    v1::AttachResponse response;
    if (!stream->Read(&response)) return Finish(*stream);
    if (!response.has_welcome()) {
      context.TryCancel();
      Finish(*stream).IgnoreError();
      return absl::InternalError("the broker did not begin with a welcome");
    }
    const uint64_t known_durable = durable_position();
    if (const absl::Status status = BeginSession(response.welcome()); !status.ok()) {
      context.TryCancel();
      Finish(*stream).IgnoreError();
      return absl::UnavailableError(status.message());
    }
    attached = true;
    // A crash may have kept an acknowledgement from us.
    if (const uint64_t durable = durable_position();
        durable > known_durable && callbacks_.on_durable) {
      callbacks_.on_durable(durable);
    }
    SetState(LinkState::kAttached);
    std::thread sender([this, &stream, &context] {
      ::pthread_setname_np(::pthread_self(), "postern-link-tx");
      if (!Send(*stream)) context.TryCancel();
    });
    while (stream->Read(&response)) Receive(response);
    {
      platform::MutexLock lock(mutex_);
      session_open_ = false;
      changed_.NotifyAll();
    }
    sender.join();
    return Finish(*stream);
  }

  absl::Status Finish(Stream& stream) {
    const grpc::Status status = stream.Finish();
    // A broker that ends the stream in good order is stopping.
    if (status.ok()) return absl::UnavailableError("the broker ended the session");
    // Perhaps the owner made a new broker key: read the pinned certificate again.
    if (IsWrongBroker(status)) stubs_.reset();
    return ToClientStatus(status);
  }

  absl::Status BeginSession(const v1::AttachWelcome& welcome) {
    v1::Event gap;
    gap.mutable_gap()->set_cause(v1::Gap::CAUSE_GATEKEEPER);
    RETURN_IF_ERROR(spool_->Align(welcome.durable_position(), gap.SerializeAsString()).status());
    ASSIGN_OR_RETURN(auto recent, journal_.Recent());
    flow_.BeginSession();
    platform::MutexLock lock(mutex_);
    for (v1::CommandResult& result : recent) {
      const bool waits = std::any_of(outbox_.begin(), outbox_.end(), [&](const auto& other) {
        return other.command_id() == result.command_id();
      });
      if (!waits) outbox_.push_front(std::move(result));
    }
    durable_position_ = std::max(durable_position_, welcome.durable_position());
    sent_position_ = welcome.durable_position();
    batch_bytes_max_ = welcome.batch_bytes_max() == 0
                           ? kBatchBytesMax
                           : std::min<uint64_t>(welcome.batch_bytes_max(), kBatchBytesMax);
    in_flight_.clear();
    in_flight_bytes_ = 0;
    objections_.clear();
    session_open_ = true;
    changed_.NotifyAll();
    return absl::OkStatus();
  }

  // Sends until the session ends (true) or cannot go on (false).
  bool Send(Stream& stream) {
    // Events and chunks in turns: neither a flood nor a large file holds up the other.
    bool chunks_turn = false;
    for (;;) {
      v1::AttachRequest request;
      uint64_t read_after = 0, bytes_max = 0;
      {
        platform::MutexLock lock(mutex_);
        for (;;) {
          if (!session_open_ || stopping_) return true;
          if (!outbox_.empty()) {
            *request.mutable_command_result() = std::move(outbox_.front());
            outbox_.pop_front();
            break;
          }
          if (!objections_.empty()) {
            *request.mutable_objection() = std::move(objections_.front());
            objections_.pop_front();
            break;
          }
          const bool events_wait =
              in_flight_bytes_ < kInFlightBytesMax && spool_->last_position() > sent_position_;
          if (chunks_turn || !events_wait) {
            if (auto chunk = flow_.Next(); chunk.has_value()) {
              request = *std::move(chunk);
              chunks_turn = false;
              break;
            }
          }
          if (events_wait) {
            chunks_turn = true;
            read_after = sent_position_;
            bytes_max = batch_bytes_max_;
            break;
          }
          changed_.Wait(mutex_);
        }
      }
      if (bytes_max != 0) {
        auto events = spool_->ReadAfter(read_after, bytes_max);
        if (!events.ok()) return false;
        uint64_t bytes = 0;
        uint64_t last = spool_->last_position();
        for (SpooledEvent& event : *events) {
          auto* sourced = request.mutable_event_batch()->add_events();
          sourced->set_position(event.position);
          bytes += event.event.size();
          sourced->set_event(std::move(event.event));
          sourced->set_command_id(std::move(event.command_id));
          last = event.position;
        }
        platform::MutexLock lock(mutex_);
        sent_position_ = last;
        if (events->empty()) continue;
        in_flight_.emplace_back(last, bytes);
        in_flight_bytes_ += bytes;
      }
      if (!stream.Write(request)) return true;  // the reader learns why
    }
  }

  void Receive(const v1::AttachResponse& response) {
    switch (response.kind_case()) {
      case v1::AttachResponse::kEventAck:
        TakeAck(response.event_ack());
        break;
      case v1::AttachResponse::kCommand:
      case v1::AttachResponse::kAttachmentChunk: {
        platform::MutexLock lock(mutex_);
        while (work_.size() >= kWorkWaitingMax && !stopping_) changed_.Wait(mutex_);
        work_.push_back(response);
        changed_.NotifyAll();
        break;
      }
      case v1::AttachResponse::kAttachmentAck: {
        const std::string& id = response.attachment_ack().command_id();
        const ChunkFlow::Effect effect = flow_.TakeAck(response.attachment_ack());
        if (effect.given_up && callbacks_.on_transfer_ended) callbacks_.on_transfer_ended(id);
        if (effect.room && callbacks_.on_room) callbacks_.on_room(id);
        break;
      }
      case v1::AttachResponse::kDisclosure:
        if (callbacks_.on_disclosure) callbacks_.on_disclosure(response.disclosure());
        break;
      default:
        break;  // a newer broker's word
    }
  }

  void TakeAck(const v1::EventAck& ack) {
    bool idle = false;
    uint64_t durable = 0;
    bool moved = false;
    {
      platform::MutexLock lock(mutex_);
      moved = ack.durable_position() > durable_position_;
      durable_position_ = std::max(durable_position_, ack.durable_position());
      durable = durable_position_;
      while (!in_flight_.empty() && in_flight_.front().first <= durable) {
        in_flight_bytes_ -= in_flight_.front().second;
        in_flight_.pop_front();
      }
      idle = in_flight_.empty();
      changed_.NotifyAll();
    }
    if (callbacks_.on_refused) {
      for (const v1::RefusedEvent& refused : ack.refused_events()) callbacks_.on_refused(refused);
    }
    if (moved && callbacks_.on_durable) callbacks_.on_durable(durable);
    if (durable > pruned_position_ && (idle || durable - pruned_position_ >= kPruneEvery)) {
      // When the disk refuses, the events stay and are known to the broker next time.
      if (spool_->Prune(durable).ok()) pruned_position_ = durable;
    }
  }

  // ---- commands and chunks ----

  void Work() {
    ::pthread_setname_np(::pthread_self(), "postern-commands");
    for (;;) {
      v1::AttachResponse work;
      {
        platform::MutexLock lock(mutex_);
        while (work_.empty() && !stopping_) changed_.Wait(mutex_);
        if (stopping_) return;
        work = std::move(work_.front());
        work_.pop_front();
        changed_.NotifyAll();
      }
      if (work.has_command()) {
        CarryOut(work.command());
      } else if (flow_.Wants(work.attachment_chunk())) {
        callbacks_.on_chunk(work.attachment_chunk());
        flow_.Took(work.attachment_chunk());
      }
    }
  }

  void CarryOut(const v1::Command& command) {
    CommandJournal::Next next = journal_.Begin(command);
    if (next.carry_out && IsQuestion(command)) {
      v1::CommandResult result;
      result.set_command_id(command.command_id());
      result.set_state(v1::CommandResult::STATE_UNKNOWN);
      result.set_reason("this adapter knows of no such command");
      Answer(result, {}).IgnoreError();
      return;
    }
    if (next.carry_out) {
      const bool able = callbacks_.on_command && (!command.has_upload() || callbacks_.on_chunk);
      if (!able) {
        v1::CommandResult result;
        result.set_command_id(command.command_id());
        result.set_state(v1::CommandResult::STATE_FAILED);
        result.set_reason(command.has_upload() ? "this adapter takes no files"
                                               : "this adapter takes no commands");
        Answer(result, {}).IgnoreError();
        return;
      }
      if (command.has_download()) {
        flow_.BeginDownload(command.command_id(), command.download().offset());
      }
      if (command.has_upload()) flow_.BeginUpload(command.command_id());
      callbacks_.on_command(command);
      return;
    }
    if (!next.answer.has_value()) return;  // its answer follows
    platform::MutexLock lock(mutex_);
    outbox_.push_back(*std::move(next.answer));
    changed_.NotifyAll();
  }

  // What SendChunk and acks of uploads gave the sender to do.
  void WakeSender() {
    platform::MutexLock lock(mutex_);
    changed_.NotifyAll();
  }

  const v1::Manifest manifest_;
  const v1::AttachHello hello_;
  const GatekeeperOptions options_;
  const GatekeeperCallbacks callbacks_;
  // Provide their own synchronization.
  const std::unique_ptr<Spool> spool_;
  CommandJournal journal_{*spool_};
  ChunkFlow flow_{[this] { WakeSender(); }};

  // Used by the link's thread only.
  std::unique_ptr<Stubs> stubs_;
  uint64_t pruned_position_ = 0;

  // Provide their own synchronization.
  Pause pause_;
  Canceller canceller_;

  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool session_open_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status ended_ ABSL_GUARDED_BY(mutex_);
  uint64_t durable_position_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t sent_position_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t batch_bytes_max_ ABSL_GUARDED_BY(mutex_) = kBatchBytesMax;
  std::deque<std::pair<uint64_t, uint64_t>> in_flight_ ABSL_GUARDED_BY(mutex_);  // last, bytes
  uint64_t in_flight_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<v1::CommandResult> outbox_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::Objection> objections_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::AttachResponse> work_ ABSL_GUARDED_BY(mutex_);  // commands and chunks

  std::thread link_thread_;
  std::thread command_thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GatekeeperLink>> GatekeeperLink::Open(
    const v1::Manifest& manifest, v1::AttachHello hello, GatekeeperOptions options,
    GatekeeperCallbacks callbacks) {
  RETURN_IF_ERROR(CheckManifest(manifest));
  if (manifest.role() != v1::ROLE_GATEKEEPER) {
    return absl::InvalidArgumentError("role: must be gatekeeper");
  }
  const std::string& network = hello.account().network();
  if (hello.account().id().empty() ||
      std::find(manifest.networks().begin(), manifest.networks().end(), network) ==
          manifest.networks().end()) {
    return absl::InvalidArgumentError(
        "hello: needs an account id and one of the manifest's networks");
  }
  if (options.secret_store == nullptr) {
    return absl::InvalidArgumentError("options: needs a secret store");
  }
  ASSIGN_OR_RETURN(const std::string directory,
                   MakeStateDirectory(manifest.app_id(), options.client));
  const std::string path =
      options.spool_path.empty() ? absl::StrCat(directory, "/spool.db") : options.spool_path;
  ASSIGN_OR_RETURN(const auto key, LoadSpoolKey(*options.secret_store, manifest.app_id(), path));
  ASSIGN_OR_RETURN(auto spool, Spool::Open(path, key, options.spool_bytes_max));
  RETURN_IF_ERROR(CommandJournal(*spool).AnswerCut());
  return std::make_unique<Link>(manifest, std::move(hello), std::move(options),
                                std::move(callbacks), std::move(spool));
}

}  // namespace postern::sdk
