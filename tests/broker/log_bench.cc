// SPDX-License-Identifier: Apache-2.0
// Prints rates of the log on this machine: append at several batch sizes and thread counts, scan
// from database and tail, append with the message index at work, and append at 10,000 and 1,000,000
// stored events. Figures are for comparing two runs on one machine, not for passing or failing.
//
//   postern_log_bench [stored events, default 1000000]
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "broker/message_index.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

constexpr size_t kBodyBytes = 500;
const platform::SystemClock kClock;

LogRecord RandomMessage(uint64_t number) {
  LogRecord record = MessageRecord(0, std::string(kBodyBytes, 'm'), number % 50);
  // Ids are hashes: spread over the whole range.
  uint64_t mixed = number * 0x9e3779b97f4a7c15u;
  mixed ^= mixed >> 29;
  record.message = IdOf<permissions::MessageId>(mixed * 0xbf58476d1ce4e5b9u);
  return record;
}

std::atomic<uint64_t> next_number{1};

// Appends 'events' in batches from 'threads' threads. Returns events per second.
double Append(EventLog& log, int events, int batch, int threads) {
  const absl::Duration start = kClock.Elapsed();
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      for (int done = 0; done < events / threads; done += batch) {
        std::vector<LogRecord> records;
        for (int i = 0; i < batch; ++i) records.push_back(RandomMessage(next_number++));
        if (const auto status = log.Append(BatchOf(std::move(records), next_number)).status();
            !status.ok()) {
          std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
          std::exit(1);
        }
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  return events / absl::ToDoubleSeconds(kClock.Elapsed() - start);
}

double Scan(EventLog& log, Sequence from, int limit) {
  const absl::Duration start = kClock.Elapsed();
  Sequence at = from;
  while (true) {
    const auto records = log.ReadAfter(at, limit);
    if (!records.ok() || records->empty()) break;
    at = records->back()->sequence;
  }
  return static_cast<double>(at - from) / absl::ToDoubleSeconds(kClock.Elapsed() - start);
}

void Run(int stored) {
  const ScratchFolder folder;
  auto opened = OpenLog(folder.path());
  if (!opened.ok()) std::exit(1);
  EventLog& log = *opened->log;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("append, no index       events/s\n");
  for (const int threads : {1, 8}) {
    for (const int batch : {1, 64}) {
      std::vector<double> rates;
      for (int round = 0; round < 5; ++round) {
        rates.push_back(Append(log, 300 * batch * threads, batch, threads));
      }
      std::sort(rates.begin(), rates.end());
      std::printf("  %d threads, batch %2d  %8.0f  (%.0f - %.0f)\n", threads, batch, rates[2],
                  rates[0], rates[4]);
    }
  }
  std::printf("scan from database, 64   %8.0f\n", Scan(log, 0, 64));
  std::printf("scan from database, 2048 %8.0f\n", Scan(log, 0, 2048));
  const Sequence tail = log.last_sequence() - std::min<Sequence>(log.last_sequence(), 5000);
  std::printf("scan from tail, 64       %8.0f\n", Scan(log, tail, 64));

  auto index = *MessageIndex::Open(*opened->store, log);
  const auto with_index = [&](const char* when) {
    const absl::Duration start = kClock.Elapsed();
    const double rate = Append(log, 51200, 64, 2);
    const Sequence through = log.last_sequence();
    const Sequence behind = through - index->indexed_through();
    (void)index->CatchUp(through, absl::InfiniteDuration());
    std::printf("append with index, %s: %8.0f events/s, index behind by %d, whole after %.2f s\n",
                when, rate, static_cast<int>(behind),
                absl::ToDoubleSeconds(kClock.Elapsed() - start));
  };
  (void)index->CatchUp(log.last_sequence(), absl::InfiniteDuration());
  with_index("few stored");
  while (log.last_sequence() < static_cast<Sequence>(stored)) Append(log, 51200, 256, 2);
  absl::Duration start = kClock.Elapsed();
  const Sequence before = index->indexed_through();
  (void)index->CatchUp(log.last_sequence(), absl::InfiniteDuration());
  std::printf("index catches up         %8.0f events/s\n",
              static_cast<double>(log.last_sequence() - before) /
                  absl::ToDoubleSeconds(kClock.Elapsed() - start));
  with_index("many stored");
  start = kClock.Elapsed();
  constexpr int kLookups = 1000;
  for (int i = 0; i < kLookups; ++i) {
    (void)index->RefsOf(RandomMessage(static_cast<uint64_t>(i) * 97 + 1).message);
  }
  std::printf("refs of one message      %8.1f us\n",
              absl::ToDoubleMicroseconds(kClock.Elapsed() - start) / kLookups);
  index.reset();
  std::printf("append at %d stored, no index: %8.0f events/s\n", stored, Append(log, 51200, 64, 1));
  std::printf("%d events, %.0f MB\n", static_cast<int>(log.last_sequence()),
              static_cast<double>(opened->store->SizeBytes()) / 1e6);
  opened = OpenedLog{};
  start = kClock.Elapsed();
  opened = OpenLog(folder.path());
  std::printf("open                     %8.1f ms\n",
              absl::ToDoubleMilliseconds(kClock.Elapsed() - start));
}

}  // namespace
}  // namespace postern::broker

int main(int argc, char** argv) {
  postern::broker::Run(argc > 1 ? std::atoi(argv[1]) : 1'000'000);
  return 0;
}
