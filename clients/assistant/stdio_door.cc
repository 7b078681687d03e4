// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/stdio_door.h"

#include <absl/synchronization/mutex.h>
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace postern::assistant {
namespace {

// Enough that a call which waits for a person does not hold up the others.
constexpr int kWorkers = 4;
// Requests that wait; then reading waits.
constexpr size_t kPendingMax = 64;
constexpr size_t kReadBytes = 64 * 1024;

// Lines of standard input, each at most kMessageBytesMax; a longer one comes cut, which is no JSON.
class Lines {
 public:
  bool Next(std::string& line) {
    line.clear();
    for (;;) {
      const size_t end = buffer_.find('\n', at_);
      const size_t until = end == std::string::npos ? buffer_.size() : end;
      const size_t room = kMessageBytesMax - line.size();
      line.append(buffer_, at_, std::min(until - at_, room));
      at_ = end == std::string::npos ? buffer_.size() : end + 1;
      if (end != std::string::npos) return true;
      if (!Fill()) return !line.empty();
    }
  }

 private:
  bool Fill() {
    buffer_.resize(kReadBytes);
    at_ = 0;
    ssize_t count = 0;
    do {
      count = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    } while (count < 0 && errno == EINTR);
    buffer_.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return count > 0;
  }
  std::string buffer_;
  size_t at_ = 0;
};

// An id as a key: 1 and "1" are two.
std::string Key(const Json& id) { return id.dump(-1, ' ', false, Json::error_handler_t::replace); }

class Desk {
 public:
  explicit Desk(McpServer& server) : server_(server) {
    for (int i = 0; i < kWorkers; ++i) workers_.emplace_back([this] { Work(); });
  }
  ~Desk() {
    {
      absl::MutexLock lock(&mutex_);
      closed_ = true;
    }
    for (std::thread& worker : workers_) worker.join();
  }

  void Take(std::string line) {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &Desk::HasRoom));
    pending_.push_back(std::move(line));
  }
  // Whatever is or will be found for it is not sent.
  void Cancel(const Json& id) {
    absl::MutexLock lock(&mutex_);
    // Those that were answered already stay behind.
    if (cancelled_.size() >= kPendingMax) cancelled_.clear();
    cancelled_.insert(Key(id));
  }

 private:
  bool HasRoom() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return pending_.size() < kPendingMax; }
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return closed_ || !pending_.empty(); }

  void Work() {
    for (;;) {
      std::string line;
      {
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(this, &Desk::HasWork));
        if (pending_.empty()) return;
        line = std::move(pending_.front());
        pending_.pop_front();
      }
      const Reply reply = server_.Handle(line, nullptr);
      if (reply.message.has_value()) Send(*reply.message);
    }
  }

  void Send(const Json& message) {
    const std::string text = message.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    absl::MutexLock lock(&mutex_);
    if (cancelled_.erase(Key(message.at("id"))) > 0) return;
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  McpServer& server_;
  absl::Mutex mutex_;
  std::deque<std::string> pending_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> cancelled_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> workers_;
};

// The id that a notification cancels; null for every other message.
Json CancelledId(const std::string& line) {
  if (line.find("notifications/cancelled") == std::string::npos) return nullptr;
  const Json message = Json::parse(line, nullptr, false);
  if (!message.is_object() || message.contains("id")) return nullptr;
  const auto params = message.find("params");
  const bool cancels = message.value("method", Json()) == "notifications/cancelled" &&
                       params != message.end() && params->is_object();
  return cancels ? params->value("requestId", Json()) : Json();
}

}  // namespace

void ServeStdio(McpServer& server) {
  Desk desk(server);
  Lines lines;
  for (std::string line; lines.Next(line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (const Json id = CancelledId(line); !id.is_null()) {
      desk.Cancel(id);
      continue;
    }
    desk.Take(std::move(line));
  }
}

}  // namespace postern::assistant
