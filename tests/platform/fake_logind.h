// SPDX-License-Identifier: Apache-2.0
// As much of logind as a session watch looks at, on a bus of the test's own; and a screen saver.
#pragma once

#include <systemd/sd-bus.h>
#include <unistd.h>

#include <map>
#include <string>

#include "platform/mutex.h"
#include "tests/fakes/bus_service.h"

namespace postern::platform {

struct FakeSession {
  bool active = true;
  bool locked = false;
  std::string seat = "seat0";
  std::string kind = "user";
  std::string state = "active";
};

// Thread-safe.
class FakeLogind {
 public:
  enum class Knows { kUser, kNobody };

  explicit FakeLogind(const std::string& address, Knows knows = Knows::kUser)
      : knows_(knows),
        service_(
            address, {"org.freedesktop.login1", "org.gnome.ScreenSaver"},
            [this](sd_bus_message* call) { return Answer(call); },
            [this](sd_bus* bus) { SayWhatChanged(bus); }) {}

  // Changes the sessions and says so, as logind does.
  void Put(const std::string& id, const FakeSession& session) {
    MutexLock lock(mutex_);
    sessions_[id] = session;
    service_.Wake();
  }
  void Remove(const std::string& id) {
    MutexLock lock(mutex_);
    sessions_.erase(id);
    service_.Wake();
  }
  void SetScreenSaver(bool active) {
    MutexLock lock(mutex_);
    saver_active_ = active;
    service_.Wake();
  }

 private:
  int Answer(sd_bus_message* call) {
    uint8_t type = 0;
    sd_bus_message_get_type(call, &type);
    if (type != SD_BUS_MESSAGE_METHOD_CALL) return 0;
    const std::string method = sd_bus_message_get_member(call);
    const std::string path = sd_bus_message_get_path(call);
    MutexLock lock(mutex_);
    if (method == "Ping") return 0;  // sd-bus answers it
    if (method == "GetActive") return sd_bus_reply_method_return(call, "b", saver_active_);
    if (method == "GetSessionByPID") {
      return sd_bus_reply_method_errorf(call, "org.freedesktop.login1.NoSessionForPID", "none");
    }
    if (method == "GetUser") {
      uint32_t uid = 0;
      sd_bus_message_read(call, "u", &uid);
      if (knows_ == Knows::kNobody || uid != getuid()) {
        return sd_bus_reply_method_errorf(call, "org.freedesktop.login1.NoSuchUser", "none");
      }
      return sd_bus_reply_method_return(call, "o", "/org/freedesktop/login1/user/self");
    }
    if (method == "Get") return AnswerSessions(call);
    if (method == "GetAll") return AnswerSession(call, path.substr(path.rfind('/') + 1));
    return 0;
  }

  int AnswerSessions(sd_bus_message* call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    sd_bus_message* answer = nullptr;
    sd_bus_message_new_method_return(call, &answer);
    sd_bus_message_open_container(answer, 'v', "a(so)");
    sd_bus_message_open_container(answer, 'a', "(so)");
    for (const auto& [id, session] : sessions_) {
      const std::string path = "/org/freedesktop/login1/session/" + id;
      sd_bus_message_append(answer, "(so)", id.c_str(), path.c_str());
    }
    sd_bus_message_close_container(answer);
    sd_bus_message_close_container(answer);
    return Send(answer);
  }

  int AnswerSession(sd_bus_message* call, const std::string& id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto session = sessions_.find(id);
    if (session == sessions_.end()) {
      return sd_bus_reply_method_errorf(call, "org.freedesktop.DBus.Error.UnknownObject", "gone");
    }
    const FakeSession& is = session->second;
    sd_bus_message* answer = nullptr;
    sd_bus_message_new_method_return(call, &answer);
    sd_bus_message_append(answer, "a{sv}", 7, "Id", "s", id.c_str(), "Active", "b", is.active,
                          "LockedHint", "b", is.locked, "Class", "s", is.kind.c_str(), "State", "s",
                          is.state.c_str(), "Seat", "(so)", is.seat.c_str(), "/seat", "IdleHint",
                          "b", false);
    return Send(answer);
  }

  int Send(sd_bus_message* answer) {
    const int sent = sd_bus_send(nullptr, answer, nullptr);
    sd_bus_message_unref(answer);
    return sent < 0 ? sent : 1;
  }

  void SayWhatChanged(sd_bus* bus) {
    MutexLock lock(mutex_);
    sd_bus_emit_signal(bus, "/org/freedesktop/login1/session/1", "org.freedesktop.DBus.Properties",
                       "PropertiesChanged", "sa{sv}as", "org.freedesktop.login1.Session", 0, 1,
                       "LockedHint");
    sd_bus_emit_signal(bus, "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver", "ActiveChanged", "b",
                       saver_active_);
  }

  const Knows knows_;
  Mutex mutex_;
  std::map<std::string, FakeSession> sessions_ ABSL_GUARDED_BY(mutex_) = {{"1", FakeSession()}};
  bool saver_active_ ABSL_GUARDED_BY(mutex_) = false;
  fakes::BusService service_;
};

}  // namespace postern::platform
