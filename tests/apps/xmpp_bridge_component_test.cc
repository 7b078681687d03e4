// SPDX-License-Identifier: Apache-2.0
// The connection to an XMPP server that falls silent but keeps the line open. The server is played
// here.
#include "clients/xmpp_bridge/component.h"

#include <absl/strings/match.h>
#include <absl/time/time.h>
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "platform/mutex.h"
#include "platform/unique_fd.h"

namespace postern::xmpp_bridge {
namespace {

constexpr char kStanza[] = "<message id='m1' from='a@bridge.test' to='me@test'/>";
// Longer than anything here takes.
constexpr absl::Duration kDeadline = absl::Seconds(30);

// Takes one component after the other, and sends back all that comes, as to itself. Those that are
// connected when Silence is called get nothing more.
class Server {
 public:
  Server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), name, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    EXPECT_EQ(::getsockname(listener_.get(), name, &size), 0);
    port_ = ::ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  // After all components are gone.
  ~Server() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  int port() const { return port_; }
  // How many components were taken so far.
  int taken() {
    platform::MutexLock lock(mutex_);
    return taken_;
  }
  // Returns how many were taken until then.
  int Silence() {
    platform::MutexLock lock(mutex_);
    return silent_ = taken_;
  }
  // Waits until so many were taken; until a component has sent what holds this.
  bool WaitUntilTaken(int count) {
    return Wait([this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return taken_ >= count; });
  }
  bool WaitUntilHeard(const std::string& text) {
    return Wait([this, &text]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return absl::StrContains(heard_, text);
    });
  }

 private:
  template <typename Condition>
  bool Wait(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoSeconds(kDeadline);
    platform::MutexLock lock(mutex_);
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      changed_.WaitFor(mutex_, kDeadline);
    }
    return true;
  }

  void Serve() {
    for (;;) {
      const platform::UniqueFd connection(
          ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (connection.get() < 0) return;
      std::string said;
      if (!ReadUntil(connection.get(), said, "jabber:component:accept'", ">") ||
          !Write(connection.get(),
                 "<stream:stream xmlns='jabber:component:accept' from='bridge.test' id='1' "
                 "xmlns:stream='http://etherx.jabber.org/streams'>") ||
          !ReadUntil(connection.get(), said, "<handshake", "</handshake>")) {
        continue;
      }
      int number = 0;
      {
        platform::MutexLock lock(mutex_);
        number = ++taken_;
        changed_.NotifyAll();
      }
      if (!Write(connection.get(), "<handshake/>")) continue;
      char bytes[4096];
      for (ssize_t count; (count = ::recv(connection.get(), bytes, sizeof bytes, 0)) > 0;) {
        const std::string piece(bytes, static_cast<size_t>(count));
        platform::MutexLock lock(mutex_);
        heard_ += piece;
        changed_.NotifyAll();
        if (number > silent_ && !Write(connection.get(), piece)) break;
      }
    }
  }

  static bool Write(int fd, const std::string& text) {
    return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  // Until 'last' has come behind 'first'.
  static bool ReadUntil(int fd, std::string& said, const std::string& first,
                        const std::string& last) {
    char byte;
    for (;;) {
      const size_t found = said.find(first);
      if (found != std::string::npos &&
          said.find(last, found + first.size()) != std::string::npos) {
        return true;
      }
      if (::recv(fd, &byte, 1, 0) != 1) return false;
      said.push_back(byte);
    }
  }

  const platform::UniqueFd listener_;
  int port_ = 0;
  std::thread thread_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  int taken_ ABSL_GUARDED_BY(mutex_) = 0;
  int silent_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string heard_ ABSL_GUARDED_BY(mutex_);
};

class ComponentTest : public testing::Test {
 protected:
  void Start(absl::Duration patience) {
    config_.component = "bridge.test";
    config_.port = server_.port();
    ComponentHandlers handlers;
    handlers.on_stanza = [](const gloox::Tag&) {};
    handlers.on_connected = [] { return std::vector<std::string>(); };
    handlers.on_trouble = [](const std::string& trouble) { ADD_FAILURE() << trouble; };
    component_.emplace(config_, "secret", std::move(handlers), patience);
    component_->Start();
  }

  // What Deliver or Confirm said; CANCELLED when that took too long.
  absl::Status InTime(std::function<absl::Status()> call) {
    auto said = std::async(std::launch::async, std::move(call));
    if (said.wait_for(absl::ToChronoSeconds(kDeadline)) != std::future_status::ready) {
      component_->Stop();
    }
    return said.get();
  }
  absl::Status Deliver() {
    return InTime([this] { return component_->Deliver({kStanza}); });
  }

  Server server_;  // ends after the component
  Config config_;
  std::optional<Component> component_;
};

TEST_F(ComponentTest, DeliverConnectsAgainToAServerThatFellSilent) {
  Start(absl::Seconds(1));
  ASSERT_EQ(Deliver(), absl::OkStatus());
  const int before = server_.Silence();
  EXPECT_EQ(Deliver(), absl::OkStatus());
  EXPECT_GT(server_.taken(), before);
}

TEST_F(ComponentTest, ConfirmConnectsAgainToAServerThatFellSilent) {
  Start(absl::Seconds(1));
  ASSERT_EQ(Deliver(), absl::OkStatus());
  const int before = server_.Silence();
  const absl::Status told = InTime([this] { return component_->Confirm(kStanza); });
  EXPECT_TRUE(absl::IsUnavailable(told)) << told;
  EXPECT_TRUE(server_.WaitUntilTaken(before + 1));
  EXPECT_EQ(Deliver(), absl::OkStatus());
}

TEST_F(ComponentTest, WhoWaitsForAnAnswerIsToldOfTheEnd) {
  Start(absl::Hours(1));
  ASSERT_EQ(Deliver(), absl::OkStatus());
  server_.Silence();
  auto confirmed = std::async(std::launch::async, [this] {
    return component_->Confirm("<message id='m2' from='a@bridge.test' to='me@test'/>");
  });
  EXPECT_TRUE(server_.WaitUntilHeard("id='m2'"));
  auto delivered = std::async(std::launch::async, [this] {
    return component_->Deliver({"<message id='m3' from='a@bridge.test' to='me@test'/>"});
  });
  EXPECT_TRUE(server_.WaitUntilHeard("id='m3'"));
  component_->Stop();
  EXPECT_TRUE(absl::IsCancelled(confirmed.get()));
  EXPECT_TRUE(absl::IsCancelled(delivered.get()));
}

}  // namespace
}  // namespace postern::xmpp_bridge
