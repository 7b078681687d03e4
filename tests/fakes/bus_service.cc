// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/bus_service.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <utility>

namespace postern::fakes {
namespace {

void Require(int result, const std::string& what) {
  if (result >= 0) return;
  std::cerr << "a fake on the bus: no " << what << ": " << result << std::endl;
  std::abort();
}

}  // namespace

BusService::BusService(const std::string& address, const std::vector<std::string>& names,
                       Answer answer, Tell tell)
    : answer_(std::move(answer)), tell_(std::move(tell)), wake_(::eventfd(0, EFD_CLOEXEC)) {
  Require(wake_.get(), "event");
  Require(sd_bus_new(&bus_), "bus");
  Require(sd_bus_set_address(bus_, address.c_str()), "address");
  Require(sd_bus_set_bus_client(bus_, 1), "client");
  Require(sd_bus_start(bus_), "connection");
  const auto filter = [](sd_bus_message* call, void* self, sd_bus_error*) {
    return static_cast<BusService*>(self)->answer_(call);
  };
  Require(sd_bus_add_filter(bus_, nullptr, filter, this), "filter");
  for (const std::string& name : names) Require(sd_bus_request_name(bus_, name.c_str(), 0), name);
  thread_ = std::thread([this] { Serve(); });
}

BusService::~BusService() {
  ended_ = true;
  Wake();
  thread_.join();
  sd_bus_close_unref(bus_);
}

void BusService::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
}

void BusService::Serve() {
  while (true) {
    while (sd_bus_process(bus_, nullptr) > 0) {
    }
    pollfd wait[] = {{sd_bus_get_fd(bus_), static_cast<int16_t>(sd_bus_get_events(bus_)), 0},
                     {wake_.get(), POLLIN, 0}};
    ::poll(wait, 2, -1);
    if (ended_) return;
    uint64_t count = 0;
    if (wait[1].revents == 0 || ::read(wake_.get(), &count, sizeof(count)) < 0 || !tell_) continue;
    tell_(bus_);
    sd_bus_flush(bus_);
  }
}

}  // namespace postern::fakes
