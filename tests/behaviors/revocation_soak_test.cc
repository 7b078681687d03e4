// SPDX-License-Identifier: Apache-2.0
// Revocation at random moments, over and over, while fifty streams run at 5,000 events a second and
// a fifth of the readers read nothing.
//
// What is believed is outside of the broker: a witness that may see everything reads the log from
// its start, so that the place of a message in what it read is the message's sequence number. 200
// revocations as a test; POSTERN_REVOCATIONS asks for more (./dev soak).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <limits>
#include <random>

#include "permissions/scope.h"
#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/flood.h"
#include "tests/behaviors/raw_subscriber.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

constexpr int kReadingApps = 8;
constexpr int kStreamsOfOne = 5;
constexpr int kStalledApps = 10;
static_assert(kReadingApps * kStreamsOfOne + kStalledApps == 50);
// A broker and its log live for so many; then comes a new one, so that the disk does not fill.
constexpr int kRoundsOfOneBroker = 200;
constexpr absl::Duration kStalledSees = absl::Seconds(kSlowdown);
// p99. Fifty streams share two cores with the broker here; revocation_test holds one to less.
constexpr absl::Duration kReadersSee = absl::Milliseconds(100);
// One revocation in so many, at least, cuts the connection of a stalled app.
constexpr size_t kStalledEndsOneIn = 50;

// Reads a stream to its end, and keeps only the highest number it saw.
class Follower {
 public:
  Follower(const Program& program, v1::SubscribeRequest request)
      : program_(program), request_(std::move(request)), thread_([this] { Loop(); }) {}
  ~Follower() {
    context_.TryCancel();
    if (thread_.joinable()) thread_.join();
  }

  bool WaitLive() {
    platform::MutexLock lock(mutex_);
    const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
    while (!live_ && !ended_ && Steady::now() < deadline)
      changed_.WaitFor(mutex_, absl::Seconds(1));
    return live_;
  }
  // Waits for the end.
  grpc::Status WaitEnd() {
    thread_.join();
    return status_;
  }
  // After the end.
  uint64_t highest() const { return highest_; }
  Steady::time_point end_time() const { return end_time_; }

 private:
  void Loop() {
    const auto stream = program_->event->Subscribe(&context_, request_);
    v1::SubscribeResponse frame;
    while (stream->Read(&frame)) {
      for (const v1::Event& event : frame.events()) {
        highest_ = std::max(highest_, NumberIn(event));
      }
      platform::MutexLock lock(mutex_);
      live_ = true;
      changed_.NotifyAll();
    }
    status_ = stream->Finish();
    end_time_ = Steady::now();
    platform::MutexLock lock(mutex_);
    ended_ = true;
    changed_.NotifyAll();
  }

  Program program_;
  const v1::SubscribeRequest request_;
  grpc::ClientContext context_;
  uint64_t highest_ = 0;
  grpc::Status status_;
  Steady::time_point end_time_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool live_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// Sees every event there is, in the order of the log.
class Witness {
 public:
  Witness(const Program& program, v1::SubscribeRequest request)
      : program_(program), request_(std::move(request)), thread_([this] { Loop(); }) {}
  ~Witness() {
    context_.TryCancel();
    thread_.join();
  }

  // Returns the sequence of each number, once 'events' have come; empty when they do not.
  std::vector<uint64_t> SequencesAfter(uint64_t events) {
    platform::MutexLock lock(mutex_);
    const auto deadline = Steady::now() + absl::ToChronoNanoseconds(3 * kPatience);
    while (seen_ < events && Steady::now() < deadline) changed_.WaitFor(mutex_, absl::Seconds(1));
    EXPECT_EQ(seen_, events) << "the witness does not see every event";
    return seen_ == events ? sequences_ : std::vector<uint64_t>();
  }

 private:
  void Loop() {
    const auto stream = program_->event->Subscribe(&context_, request_);
    v1::SubscribeResponse frame;
    while (stream->Read(&frame)) {
      platform::MutexLock lock(mutex_);
      for (const v1::Event& event : frame.events()) {
        ++seen_;
        const uint64_t number = NumberIn(event);
        if (number == 0) continue;
        if (sequences_.size() <= number) sequences_.resize(number + 1);
        sequences_[number] = seen_;
      }
      changed_.NotifyAll();
    }
  }

  Program program_;
  const v1::SubscribeRequest request_;
  grpc::ClientContext context_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  uint64_t seen_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<uint64_t> sequences_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// What one revocation said, and what its app had received when all had ended.
struct Finding {
  uint64_t reply_sequence = 0;
  uint64_t highest_number = 0;
};

struct Figures {
  std::vector<absl::Duration> replies;
  std::vector<absl::Duration> reader_ends;
  std::vector<absl::Duration> stalled_ends;
  // Their sockets had room for the status when it came: it waits there to be read.
  int stalled_told = 0;
  // Under a sanitizer only: the broker did not get to the status before it cancelled.
  int untold = 0;
};

absl::Duration Percentile(std::vector<absl::Duration>& values, int percent) {
  if (values.empty()) return absl::ZeroDuration();
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) * static_cast<size_t>(percent) / 100];
}

// One broker with its fifty streams.
class Soak {
 public:
  explicit Soak(uint32_t seed) : random_(seed) {
    EXPECT_TRUE(adapter_.PushDurably({ChatEvent("club"), ChatEvent("other")}));
    std::vector<permissions::Scope> all;
    for (int number = 1; number <= permissions::kScopeCount; ++number) {
      all.push_back(static_cast<permissions::Scope>(number));
    }
    witness_ = std::make_unique<Witness>(harness_.App("Witness", all), FromOldest());
    flood_ = std::make_unique<Flood>(adapter_, 0, 16, [](uint64_t number) {
      return std::string(number % 10 == 0 ? "other" : "club");
    });
    for (int i = 0; i < kReadingApps; ++i) readers_.push_back(NewReader(i));
    for (int i = 0; i < kStalledApps; ++i) stalled_.push_back(NewStalled());
  }

  void RevokeOne(Figures& figures) {
    const int pick = std::uniform_int_distribution<int>(0, 49)(random_);
    if (pick < kStalledApps) {
      RevokeStalled(stalled_[static_cast<size_t>(pick)], figures);
    } else {
      RevokeReader(static_cast<size_t>((pick - kStalledApps) / kStreamsOfOne), figures);
    }
  }

  // Compares all that was received with what the replies said.
  void Check(Figures& figures) {
    for (auto& late : late_) {
      Late found = late.get();
      findings_.push_back(found.finding);
      // Where the app as a whole is shut out, its connection ends whatever it was told.
      if (found.told) ++figures.stalled_told;
      if (found.told && !found.shut_out) continue;
      ASSERT_TRUE(found.took.has_value()) << "a stalled app's connection did not end";
      EXPECT_LT(*found.took, kStalledSees);
      figures.stalled_ends.push_back(*found.took);
    }
    flood_->Stop();
    EXPECT_GE(flood_->rate(), Flood::kRateMin);
    const std::vector<uint64_t> sequences = witness_->SequencesAfter(EventCount());
    ASSERT_FALSE(sequences.empty());
    int saw_something = 0;
    for (const Finding& finding : findings_) {
      ASSERT_LT(finding.highest_number, sequences.size());
      EXPECT_LE(sequences[finding.highest_number], finding.reply_sequence);
      saw_something += finding.highest_number > 0;
    }
    // Else the comparison says nothing.
    EXPECT_GT(saw_something, static_cast<int>(findings_.size()) / 2);
  }

  // After Check.
  double rate() const { return flood_->rate(); }

 private:
  struct Reader {
    Program app;
    std::string grant;
    std::vector<std::unique_ptr<Follower>> streams;
  };
  struct Stalled {
    Program app;
    std::string grant;
    std::unique_ptr<RawSubscriber> stream;
  };
  struct Late {
    Finding finding;
    std::optional<absl::Duration> took;
    bool told = false;
    bool shut_out = false;
  };
  // What the reply to a revocation says.
  struct Reply {
    uint64_t highest_sequence = 0;
    // The app as a whole, and not its grant alone.
    bool shut_out = false;
  };

  std::string NewName(const char* kind) { return std::string(kind) + std::to_string(++names_); }

  std::string GrantOf(const Program& app) {
    v1::ListGrantsRequest request;
    request.set_principal(app.principal);
    v1::ListGrantsResponse response;
    const grpc::Status status = owner_->owner->ListGrants(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok() && response.grants_size() == 1) << Text(status);
    return response.grants_size() > 0 ? response.grants(0).grant().id() : "";
  }

  // Every fourth reads all, the others one message in ten: fifty streams of 5,000 a second are more
  // than two cores can read, and would only lag.
  Reader NewReader(int index) {
    Allowance allowance;
    if (index % 4 != 0) allowance.chats = {"other"};
    Reader reader;
    reader.app = harness_.App(NewName("Reader "), {kMessagesRead}, allowance);
    reader.grant = GrantOf(reader.app);
    for (int i = 0; i < kStreamsOfOne; ++i) {
      reader.streams.push_back(std::make_unique<Follower>(reader.app, v1::SubscribeRequest()));
    }
    for (const auto& stream : reader.streams) EXPECT_TRUE(stream->WaitLive());
    return reader;
  }

  Stalled NewStalled() {
    Stalled stalled;
    stalled.app = harness_.App(NewName("Stalled "), {kMessagesRead, kMessagesHistory});
    stalled.grant = GrantOf(stalled.app);
    // Its first connection has done its part, and there are only so many.
    stalled.app.stubs.reset();
    stalled.stream = std::make_unique<RawSubscriber>(harness_, stalled.app, FromOldest());
    EXPECT_TRUE(stalled.stream->WaitUntilStuck([this] { EventCount(); }));
    return stalled;
  }

  uint64_t EventCount() {
    v1::GetStatusResponse status;
    EXPECT_TRUE(owner_->owner->GetStatus(Patiently().get(), {}, &status).ok());
    return status.event_count();
  }

  // By its grant or as a whole, at random.
  Reply Revoke(const Program& app, const std::string& grant, Figures& figures) {
    const auto asked = Steady::now();
    Reply reply;
    const auto take = [&](const auto& response) {
      for (const v1::StreamEnd& end : response.stream_ends()) {
        reply.highest_sequence = std::max(reply.highest_sequence, end.last_sequence());
      }
    };
    grpc::Status status;
    reply.shut_out = std::bernoulli_distribution(0.3)(random_);
    if (reply.shut_out) {
      v1::RevokeAppRequest request;
      request.set_request_id(harness_.NewRequestId());
      request.set_principal(app.principal);
      v1::RevokeAppResponse response;
      status = owner_->owner->RevokeApp(Patiently().get(), request, &response);
      take(response);
    } else {
      v1::RevokeGrantRequest request;
      request.set_request_id(harness_.NewRequestId());
      request.set_grant_id(grant);
      v1::RevokeGrantResponse response;
      status = owner_->owner->RevokeGrant(Patiently().get(), request, &response);
      take(response);
    }
    EXPECT_TRUE(status.ok()) << Text(status);
    figures.replies.push_back(absl::FromChrono(Steady::now() - asked));
    return reply;
  }

  void RevokeReader(size_t index, Figures& figures) {
    Reader reader = std::move(readers_[index]);
    Finding finding;
    finding.reply_sequence = Revoke(reader.app, reader.grant, figures).highest_sequence;
    const auto replied = Steady::now();
    for (const auto& stream : reader.streams) {
      const grpc::Status end = stream->WaitEnd();
      // A sanitizer makes the broker slower, and not the 250 ms after which it cancels.
      if (kSlowdown > 1 && end.error_code() == grpc::StatusCode::CANCELLED) {
        ++figures.untold;
      } else {
        EXPECT_EQ(end.error_code(), grpc::StatusCode::PERMISSION_DENIED) << Text(end);
        EXPECT_EQ(ReasonOf(end), "GRANT_REVOKED");
      }
      figures.reader_ends.push_back(absl::FromChrono(stream->end_time() - replied));
      finding.highest_number = std::max(finding.highest_number, stream->highest());
    }
    findings_.push_back(finding);
    readers_[index] = NewReader(static_cast<int>(index));
  }

  void RevokeStalled(Stalled& place, Figures& figures) {
    // One that has waited kReaderStallMax by now is gone already, as it should be.
    if (place.stream->WaitHangUp(absl::ZeroDuration()).has_value()) place = NewStalled();
    std::shared_ptr<RawSubscriber> stream = std::move(place.stream);
    Finding finding;
    const Reply reply = Revoke(place.app, place.grant, figures);
    finding.reply_sequence = reply.highest_sequence;
    late_.push_back(std::async(std::launch::async, [stream, finding, reply]() {
      Late late{.finding = finding,
                .took = stream->WaitHangUp(2 * kStalledSees),
                .shut_out = reply.shut_out};
      for (const v1::SubscribeResponse& frame : stream->ReadToEnd()) {
        for (const v1::Event& event : frame.events()) {
          late.finding.highest_number = std::max(late.finding.highest_number, NumberIn(event));
        }
      }
      late.told = stream->told();
      return late;
    }));
    place = NewStalled();
  }

  std::mt19937 random_;
  int names_ = 0;
  BrokerHarness harness_;
  Program gatekeeper_ = harness_.Gatekeeper();
  Adapter adapter_{gatekeeper_};
  Program owner_ = harness_.Owner();
  std::unique_ptr<Witness> witness_;
  std::unique_ptr<Flood> flood_;
  std::vector<Reader> readers_;
  std::vector<Stalled> stalled_;
  std::vector<std::future<Late>> late_;
  std::vector<Finding> findings_;
};

TEST(RevocationSoakTest, NoAppEverReceivesWhatComesAfterTheReply) {
  const char* asked = std::getenv("POSTERN_REVOCATIONS");
  const int rounds = asked == nullptr ? 200 : std::atoi(asked);
  ASSERT_GT(rounds, 0) << "POSTERN_REVOCATIONS is a number above 0";
  std::random_device device;
  const uint32_t seed = device();
  std::printf("[ seed     ] %u\n", seed);
  Figures figures;
  double slowest_flood = std::numeric_limits<double>::infinity();
  for (int done = 0; done < rounds && !testing::Test::HasFailure();) {
    Soak soak(seed + static_cast<uint32_t>(done));
    const int until = std::min(rounds, done + kRoundsOfOneBroker);
    for (; done < until && !testing::Test::HasFailure(); ++done) soak.RevokeOne(figures);
    soak.Check(figures);
    slowest_flood = std::min(slowest_flood, soak.rate());
    if (asked != nullptr) {
      std::printf("[ progress ] %d of %d revocations\n", done, rounds);
      std::fflush(stdout);
    }
  }
  // A fifth of all are of stalled apps, and a third of those are of the app as a whole.
  if (rounds >= kRoundsOfOneBroker) {
    EXPECT_GE(figures.stalled_ends.size(), static_cast<size_t>(rounds) / kStalledEndsOneIn);
  }
  const absl::Duration readers_p99 = Percentile(figures.reader_ends, 99);
  if (!kSanitized) {
    EXPECT_LT(readers_p99, kReadersSee);
  }
  EXPECT_LE(figures.untold, rounds / 10);
  std::printf(
      "[ figure   ] %d revocations among 50 live streams at %.0f events/s, 10 of them stalled: 0 "
      "later events; reply p50 %s p99 %s, reading streams end p50 %s p99 %s after it, %zu stalled "
      "connections p50 %s p99 %s, %d had room for the status\n",
      rounds, slowest_flood, absl::FormatDuration(Percentile(figures.replies, 50)).c_str(),
      absl::FormatDuration(Percentile(figures.replies, 99)).c_str(),
      absl::FormatDuration(Percentile(figures.reader_ends, 50)).c_str(),
      absl::FormatDuration(readers_p99).c_str(), figures.stalled_ends.size(),
      absl::FormatDuration(Percentile(figures.stalled_ends, 50)).c_str(),
      absl::FormatDuration(Percentile(figures.stalled_ends, 99)).c_str(), figures.stalled_told);
}

}  // namespace
}  // namespace postern::behaviors
