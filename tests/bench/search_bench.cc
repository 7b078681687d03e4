// SPDX-License-Identifier: Apache-2.0
// How long an app waits for a page of history, and for the first page of a search, among many
// stored messages: over the real door, with everything on. Prints figures; ends with 1 when a 99th
// percentile is over its bound or a call failed.
//
//   postern_search_bench [STORED]      messages stored, 1,000,000 by default
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

constexpr int kChats = 1000;
constexpr int kBatch = 250;
constexpr int kWords = 20000;
constexpr int kWordsAMessage = 14;
// Of each kind. Thirty of them are above the 99th percentile.
constexpr int kCalls = 3000;
constexpr double kP99MillisecondsMax = 100;

// Words as people use them: few very often, most seldom. Word 0 is in nine of ten messages.
class Writer {
 public:
  std::string Text() {
    std::string text = "w0";
    for (int i = 0; i < kWordsAMessage; ++i) {
      const double u = std::uniform_real_distribution<double>(0, 1)(random_);
      const int word = static_cast<int>(std::pow(kWords, u));
      text += " w" + std::to_string(word);
    }
    if (random_() % 10 == 0) text.erase(0, 3);
    return text;
  }

 private:
  std::mt19937_64 random_{1};
};

double Milliseconds(const std::function<void()>& call) {
  const auto start = Steady::now();
  call();
  return std::chrono::duration<double, std::milli>(Steady::now() - start).count();
}

// What the calls found, or kFailed.
constexpr int kFailed = -1;
int Found(const grpc::Status& status, int messages) {
  if (status.ok()) return messages;
  std::fprintf(stderr, "%s\n", Text(status).c_str());
  return kFailed;
}

// Returns whether all calls were answered, and in time.
bool Report(const char* what, const std::function<int(int)>& call) {
  std::vector<double> times;
  int found = 0;
  bool answered = true;
  for (int i = 0; i < kCalls; ++i) {
    times.push_back(Milliseconds([&] { found = call(i); }));
    answered = answered && found != kFailed;
  }
  std::sort(times.begin(), times.end());
  const double p99 = times[times.size() * 99 / 100];
  const bool good = answered && p99 <= kP99MillisecondsMax;
  std::printf("%-58s %6.1f %6.1f %6.1f %6.1f ms  (%d)%s\n", what, times.front(),
              times[times.size() / 2], p99, times.back(), found,
              good ? "" : "  TOO SLOW OR FAILED");
  std::fflush(stdout);
  return good;
}

// Returns whether everything was within its bound.
bool Run(uint64_t stored) {
  BrokerHarness broker;
  Adapter adapter(broker.Gatekeeper());
  std::vector<v1::Event> chats;
  for (int i = 0; i < kChats; ++i) {
    chats.push_back(ChatEvent("chat" + std::to_string(i), "Chat " + std::to_string(i)));
  }
  adapter.PushDurably(chats);
  const std::vector<permissions::Scope> scopes = {kChatsRead, kMessagesRead, kMessagesHistory,
                                                  kMessagesSearch};
  Writer writer;
  const auto start = Steady::now();
  for (uint64_t sent = 0; sent < stored;) {
    std::vector<v1::Event> events;
    for (int i = 0; i < kBatch; ++i, ++sent) {
      events.push_back(MessageEvent("chat" + std::to_string(sent % kChats), std::to_string(sent),
                                    writer.Text()));
    }
    const uint64_t position = adapter.Push(events);
    if (sent % (uint64_t{kBatch} * 40) == 0) adapter.WaitDurable(position, absl::Minutes(10));
    broker.clock().Advance(absl::Seconds(5));
  }
  adapter.PushDurably({MessageEvent("chat0", "last", "the last word")});
  const auto taken = std::chrono::duration<double>(Steady::now() - start).count();
  std::printf("%llu messages in %d chats taken in %.0f s\n",
              static_cast<unsigned long long>(stored), kChats, taken);

  const Program all = broker.App("All", scopes);
  const Program one = broker.App("One", scopes, {.chats = {"Chat 7"}});
  const auto search = [](const Program& app, const std::string& query) {
    v1::SearchMessagesRequest request;
    request.set_query(query);
    v1::SearchMessagesResponse response;
    const grpc::Status status =
        app->message->SearchMessages(Patiently(absl::Minutes(10)).get(), request, &response);
    return Found(status, response.messages_size());
  };
  int last = 0;
  while ((last = search(all, "last")) == 0) {
  }
  if (last == kFailed) return false;
  const auto indexed = std::chrono::duration<double>(Steady::now() - start).count();
  std::printf("all of them found by their words after %.0f s\n", indexed);

  std::printf("%-58s %6s %6s %6s %6s     (messages)\n", "first page of 50", "min", "p50", "p99",
              "max");
  const auto list = [](const Program& app, const std::string& chat) {
    v1::ListMessagesRequest request;
    request.set_chat_id(chat);
    v1::ListMessagesResponse response;
    const grpc::Status status = app->message->ListMessages(Patiently().get(), request, &response);
    return Found(status, response.messages_size());
  };
  const std::string chat = ChatIdOf(one, "Chat 7");
  bool good = true;
  good &= Report("ListMessages", [&](int) { return list(one, chat); });
  good &= Report("search, commonest word, app sees 1 chat of 1000",
                 [&](int) { return search(one, "w0"); });
  good &= Report("search, commonest word, app sees all", [&](int) { return search(all, "w0"); });
  good &= Report("search, two common words, app sees 1 chat of 1000",
                 [&](int i) { return search(one, "w1 w" + std::to_string(2 + i % 5)); });
  good &= Report("search, a seldom word, app sees all",
                 [&](int i) { return search(all, "w" + std::to_string(15000 + i)); });
  good &= Report("search, a seldom word, app sees 1 chat of 1000",
                 [&](int i) { return search(one, "w" + std::to_string(15000 + i)); });
  good &= Report("search, a word that nobody wrote, app sees all",
                 [&](int i) { return search(all, "x" + std::to_string(i)); });
  return good;
}

}  // namespace
}  // namespace postern::behaviors

int main(int argc, char** argv) {
  const uint64_t stored = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  return postern::behaviors::Run(stored) ? 0 : 1;
}
