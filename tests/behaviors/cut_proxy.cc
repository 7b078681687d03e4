// SPDX-License-Identifier: Apache-2.0
#include "tests/behaviors/cut_proxy.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

namespace postern::behaviors {
namespace {

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

// Passes on until one side ends, and then ends the other.
void Pump(int from, int to) {
  std::array<char, 64 * 1024> bytes;
  while (true) {
    const ssize_t got = ::read(from, bytes.data(), bytes.size());
    if (got <= 0) break;
    ssize_t sent = 0;
    while (sent < got) {
      const ssize_t wrote =
          ::send(to, bytes.data() + sent, static_cast<size_t>(got - sent), MSG_NOSIGNAL);
      if (wrote <= 0) break;
      sent += wrote;
    }
    if (sent < got) break;
  }
  ::shutdown(from, SHUT_RDWR);
  ::shutdown(to, SHUT_RDWR);
}

}  // namespace

CutProxy::CutProxy(std::string path, std::string target)
    : path_(std::move(path)),
      target_(std::move(target)),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  ::unlink(path_.c_str());
  const sockaddr_un address = AddressOf(path_);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      ::listen(listener_.get(), 16) == 0) {
    thread_ = std::thread([this] { Accept(); });
  }
}

CutProxy::~CutProxy() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
  Cut();
  platform::MutexLock lock(mutex_);
  for (const auto& pair : pairs_) {
    pair->up.join();
    pair->down.join();
  }
}

void CutProxy::Cut() {
  platform::MutexLock lock(mutex_);
  for (const auto& pair : pairs_) {
    ::shutdown(pair->client.get(), SHUT_RDWR);
    ::shutdown(pair->server.get(), SHUT_RDWR);
  }
}

void CutProxy::Accept() {
  while (true) {
    platform::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    platform::MutexLock lock(mutex_);
    if (stopping_ || !client.valid()) return;
    platform::UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = AddressOf(target_);
    if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
        0) {
      continue;
    }
    auto pair = std::make_unique<Pair>();
    const int client_fd = client.get();
    const int server_fd = server.get();
    pair->client = std::move(client);
    pair->server = std::move(server);
    pair->up = std::thread([=] { Pump(client_fd, server_fd); });
    pair->down = std::thread([=] { Pump(server_fd, client_fd); });
    pairs_.push_back(std::move(pair));
  }
}

}  // namespace postern::behaviors
