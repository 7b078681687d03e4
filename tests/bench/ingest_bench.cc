// SPDX-License-Identifier: Apache-2.0
// How fast events go from one adapter, over Attach, through the log to 8 apps, and whether that
// stays so as the log grows. Prints one line for each stretch of the run; judges nothing.
//
//   postern_ingest_bench [STORED]      events stored at the end, 1,000,000 by default
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

constexpr int kApps = 8;
constexpr int kChats = 50;
constexpr int kBatch = 250;
constexpr uint64_t kStretch = 10000;
constexpr size_t kTextBytes = 500;

// Reads and counts until the stream ends.
class Counter {
 public:
  explicit Counter(const Program& app) : app_(app), thread_([this] { Loop(); }) {}
  ~Counter() {
    context_.TryCancel();
    thread_.join();
  }
  uint64_t messages() const { return messages_.load(std::memory_order_relaxed); }
  bool live() const { return live_.load(); }

 private:
  void Loop() {
    auto stream = app_.stubs->event->Subscribe(&context_, v1::SubscribeRequest());
    v1::SubscribeResponse frame;
    while (stream->Read(&frame)) {
      live_.store(true);
      uint64_t count = 0;
      for (const v1::Event& event : frame.events()) count += event.has_message_created() ? 1 : 0;
      messages_.fetch_add(count, std::memory_order_relaxed);
    }
  }

  Program app_;
  grpc::ClientContext context_;
  std::atomic<uint64_t> messages_{0};
  std::atomic<bool> live_{false};
  std::thread thread_;
};

void Run(uint64_t stored_max) {
  BrokerHarness broker;
  Adapter adapter(broker.Gatekeeper());
  std::vector<v1::Event> chats;
  for (int i = 0; i < kChats; ++i) chats.push_back(ChatEvent("chat" + std::to_string(i), "Chat"));
  adapter.PushDurably(chats);
  std::vector<std::unique_ptr<Counter>> counters;
  for (int i = 0; i < kApps; ++i) {
    counters.push_back(std::make_unique<Counter>(
        broker.App("bench" + std::to_string(i),
                   {permissions::Scope::kChatsRead, permissions::Scope::kMessagesRead})));
  }
  for (const auto& counter : counters) {
    while (!counter->live()) std::this_thread::yield();
  }

  const std::string text(kTextBytes, 'x');
  std::printf("%12s %14s %14s\n", "stored", "ingested/s", "delivered/s");
  double first_rate = 0;
  for (uint64_t stored = 0; stored < stored_max; stored += kStretch) {
    const auto start = Steady::now();
    uint64_t position = 0;
    for (uint64_t i = 0; i < kStretch; i += kBatch) {
      std::vector<v1::Event> events;
      for (uint64_t j = i; j < i + kBatch; ++j) {
        const uint64_t number = stored + j;
        events.push_back(MessageEvent("chat" + std::to_string(number % kChats),
                                      "m" + std::to_string(number), text));
      }
      position = adapter.Push(events);
    }
    if (!adapter.WaitDurable(position, absl::Minutes(2))) {
      std::printf("the adapter was not acknowledged\n");
      std::exit(1);
    }
    const double ingest = std::chrono::duration<double>(Steady::now() - start).count();
    for (const auto& counter : counters) {
      while (counter->messages() < stored + kStretch) std::this_thread::yield();
    }
    const double deliver = std::chrono::duration<double>(Steady::now() - start).count();
    const double rate = kStretch / ingest;
    if (stored == kStretch) first_rate = rate;
    const uint64_t total = stored + kStretch;
    if (total == 2 * kStretch || total % 100000 == 0 || total >= stored_max) {
      std::printf("%12llu %14.0f %14.0f\n", static_cast<unsigned long long>(total), rate,
                  kApps * static_cast<double>(kStretch) / deliver);
      std::fflush(stdout);
    }
    if (total >= stored_max && first_rate > 0) {
      std::printf("rate at 20,000 stored against the end: %.2f\n", first_rate / rate);
    }
  }
}

}  // namespace
}  // namespace postern::behaviors

int main(int argc, char** argv) {
  postern::behaviors::Run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000000);
  return 0;
}
