// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/logind_session_watch.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "platform/mutex.h"
#include "platform/unique_fd.h"

namespace postern::platform {
namespace {

constexpr char kLogind[] = "org.freedesktop.login1";
constexpr char kManagerPath[] = "/org/freedesktop/login1";
constexpr char kManager[] = "org.freedesktop.login1.Manager";
constexpr char kUser[] = "org.freedesktop.login1.User";
constexpr char kSession[] = "org.freedesktop.login1.Session";

// The services are on this machine and answer in milliseconds; one that hangs must not hold the
// watch up for long.
constexpr uint64_t kCallTimeoutUsec = 2'000'000;
// The first word decides whether a question right after the start may be asked.
constexpr absl::Duration kFirstWordWait = absl::Seconds(1);
// More sessions than anybody has.
constexpr size_t kSessionsMax = 64;

struct ScreenSaver {
  const char* name;
  const char* path;
};
constexpr std::array<ScreenSaver, 2> kScreenSavers = {
    ScreenSaver{"org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"},
    ScreenSaver{"org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"}};

struct CloseBus {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, CloseBus>;

struct FreeMessage {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, FreeMessage>;

// An error that is dropped: what it means is that there was no answer.
class ErrorSlot {
 public:
  ~ErrorSlot() { sd_bus_error_free(&error); }
  sd_bus_error error{nullptr, nullptr, 0};
};

// Returns the answer, or nothing.
template <typename... Arguments>
Message Call(sd_bus* bus, const char* name, const char* path, const char* interface,
             const char* method, const char* types, Arguments... arguments) {
  sd_bus_message* call = nullptr;
  if (sd_bus_message_new_method_call(bus, &call, name, path, interface, method) < 0) return nullptr;
  const Message owned(call);
  sd_bus_message_set_auto_start(call, 0);
  if constexpr (sizeof...(arguments) > 0) {
    if (sd_bus_message_append(call, types, arguments...) < 0) return nullptr;
  }
  sd_bus_message* answer = nullptr;
  ErrorSlot slot;
  if (sd_bus_call(bus, call, kCallTimeoutUsec, &slot.error, &answer) < 0) return nullptr;
  return Message(answer);
}

// One session, as far as it matters. What logind does not say stays at the answer that asks nobody.
struct Session {
  bool active = false;
  bool locked = false;
  bool at_seat = false;
  // Of a person, and not on its way out; greeters and lock screens are sessions too.
  bool of_person = false;
};

bool ReadBool(sd_bus_message* message, bool& value) {
  int read = 0;
  if (sd_bus_message_read(message, "v", "b", &read) < 0) return false;
  value = read != 0;
  return true;
}

bool ReadText(sd_bus_message* message, std::string& value) {
  const char* read = nullptr;
  if (sd_bus_message_read(message, "v", "s", &read) < 0) return false;
  value = read;
  return true;
}

// False when there was no answer.
bool ReadSession(sd_bus* bus, const std::string& path, Session& session) {
  const Message answer =
      Call(bus, kLogind, path.c_str(), "org.freedesktop.DBus.Properties", "GetAll", "s", kSession);
  if (answer == nullptr) return false;
  sd_bus_message* properties = answer.get();
  if (sd_bus_message_enter_container(properties, 'a', "{sv}") < 0) return false;
  std::string kind;
  std::string state;
  while (sd_bus_message_enter_container(properties, 'e', "sv") > 0) {
    const char* read = nullptr;
    if (sd_bus_message_read(properties, "s", &read) < 0) return false;
    const std::string name = read;
    bool good = true;
    if (name == "Active") {
      good = ReadBool(properties, session.active);
    } else if (name == "LockedHint") {
      good = ReadBool(properties, session.locked);
    } else if (name == "Class") {
      good = ReadText(properties, kind);
    } else if (name == "State") {
      good = ReadText(properties, state);
    } else if (name == "Seat") {
      const char* seat = nullptr;
      const char* seat_path = nullptr;
      good = sd_bus_message_read(properties, "v", "(so)", &seat, &seat_path) >= 0;
      if (good) session.at_seat = *seat != '\0';
    } else {
      good = sd_bus_message_skip(properties, "v") >= 0;
    }
    if (!good || sd_bus_message_exit_container(properties) < 0) return false;
  }
  session.of_person = kind.starts_with("user") && state != "closing";
  return true;
}

SessionPresence PresenceOf(const std::vector<Session>& sessions) {
  const auto judge = [&](bool at_seat) {
    SessionPresence best = SessionPresence::kUnknown;
    for (const Session& session : sessions) {
      if (!session.of_person || session.at_seat != at_seat) continue;
      if (session.active && !session.locked) return SessionPresence::kPresent;
      if (session.active) best = SessionPresence::kLocked;
      if (best == SessionPresence::kUnknown) best = SessionPresence::kElsewhere;
    }
    return best;
  };
  const SessionPresence seated = judge(true);
  if (seated != SessionPresence::kUnknown) return seated;
  const SessionPresence elsewhere = judge(false);
  // Logged in nowhere: a service that goes on after its user has left.
  return elsewhere == SessionPresence::kUnknown ? SessionPresence::kElsewhere : elsewhere;
}

// The user whose sessions count: of the session posternd was started in, if any, so that "sudo"
// asks the one who sits there.
uint32_t UserToWatch(sd_bus* bus) {
  const Message session = Call(bus, kLogind, kManagerPath, kManager, "GetSessionByPID", "u",
                               static_cast<uint32_t>(::getpid()));
  const char* path = nullptr;
  if (session != nullptr && sd_bus_message_read(session.get(), "o", &path) >= 0) {
    const Message user =
        Call(bus, kLogind, path, "org.freedesktop.DBus.Properties", "Get", "ss", kSession, "User");
    uint32_t uid = 0;
    const char* user_path = nullptr;
    if (user != nullptr && sd_bus_message_read(user.get(), "v", "(uo)", &uid, &user_path) >= 0) {
      return uid;
    }
  }
  return ::getuid();
}

// What logind says. kUnknown when it does not know the user, 'last' when it does not answer.
SessionPresence AskLogind(sd_bus* bus, SessionPresence last) {
  // Whether it is there at all: a missing user and a missing logind look alike otherwise.
  if (Call(bus, kLogind, kManagerPath, "org.freedesktop.DBus.Peer", "Ping", "") == nullptr) {
    return last;
  }
  const Message user = Call(bus, kLogind, kManagerPath, kManager, "GetUser", "u", UserToWatch(bus));
  const char* path = nullptr;
  if (user == nullptr || sd_bus_message_read(user.get(), "o", &path) < 0) {
    return SessionPresence::kUnknown;
  }
  const Message answer =
      Call(bus, kLogind, path, "org.freedesktop.DBus.Properties", "Get", "ss", kUser, "Sessions");
  if (answer == nullptr || sd_bus_message_enter_container(answer.get(), 'v', "a(so)") < 0 ||
      sd_bus_message_enter_container(answer.get(), 'a', "(so)") < 0) {
    return last;
  }
  std::vector<Session> sessions;
  const char* id = nullptr;
  const char* session_path = nullptr;
  while (sessions.size() < kSessionsMax &&
         sd_bus_message_read(answer.get(), "(so)", &id, &session_path) > 0) {
    Session session;
    // One that ended in between is none.
    if (ReadSession(bus, session_path, session)) sessions.push_back(session);
  }
  return PresenceOf(sessions);
}

bool ScreenSaverActive(sd_bus* bus) {
  for (const ScreenSaver& saver : kScreenSavers) {
    const Message answer = Call(bus, saver.name, saver.path, saver.name, "GetActive", "");
    int active = 0;
    if (answer != nullptr && sd_bus_message_read(answer.get(), "b", &active) >= 0 && active != 0) {
      return true;
    }
  }
  return false;
}

// Any signal that a match lets through means: look again.
int MarkDirty(sd_bus_message*, void* dirty, sd_bus_error*) {
  *static_cast<bool*>(dirty) = true;
  return 0;
}

// One bus and what is watched there. Used by one thread.
class WatchedBus {
 public:
  WatchedBus(int (*open)(sd_bus**), const std::vector<std::string>& matches) {
    sd_bus* bus = nullptr;
    if (open(&bus) < 0) return;
    bus_.reset(bus);
    for (const std::string& match : matches) {
      if (sd_bus_add_match(bus, nullptr, match.c_str(), &MarkDirty, dirty_.get()) < 0) {
        bus_.reset();
        return;
      }
    }
  }

  sd_bus* get() const { return bus_.get(); }

  // Handles what has come. Returns whether to look again; gives the bus up when it has broken.
  bool TakeNews() {
    int more = 1;
    while (bus_ != nullptr && more > 0) more = sd_bus_process(bus_.get(), nullptr);
    if (more < 0) {
      bus_.reset();
      return true;
    }
    return std::exchange(*dirty_, false);
  }

  // How long to wait for news, in milliseconds: not at all for what came while a call waited for
  // its answer, which is in the bus and no longer in its socket.
  int WaitMilliseconds() const {
    uint64_t until = 0;
    if (bus_ == nullptr || sd_bus_get_timeout(bus_.get(), &until) < 0) return -1;
    return until == UINT64_MAX ? -1 : 0;
  }

  pollfd Poll() const {
    if (bus_ == nullptr) return {-1, 0, 0};
    return {sd_bus_get_fd(bus_.get()), static_cast<int16_t>(sd_bus_get_events(bus_.get())), 0};
  }

 private:
  Bus bus_;
  // Looked at once at the start.
  std::unique_ptr<bool> dirty_ = std::make_unique<bool>(true);
};

std::vector<std::string> LogindMatches() {
  const std::string from = std::string("type='signal',sender='") + kLogind + "'";
  return {from + ",interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'",
          from + ",interface='" + kManager + "'", from + ",interface='" + kSession + "'",
          "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" +
              std::string(kLogind) + "'"};
}

std::vector<std::string> ScreenSaverMatches() {
  std::vector<std::string> matches;
  for (const ScreenSaver& saver : kScreenSavers) {
    matches.push_back(std::string("type='signal',sender='") + saver.name +
                      "',member='ActiveChanged'");
    matches.push_back(
        std::string(
            "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='") +
        saver.name + "'");
  }
  return matches;
}

class LogindSessionWatch final : public SessionWatch {
 public:
  LogindSessionWatch() : stop_(::eventfd(0, EFD_CLOEXEC)), thread_([this] { Loop(); }) {
    const absl::Time deadline = absl::Now() + kFirstWordWait;
    MutexLock lock(mutex_);
    while (!has_word_ && absl::Now() < deadline) {
      word_came_.WaitFor(mutex_, std::max(deadline - absl::Now(), absl::ZeroDuration()));
    }
  }
  ~LogindSessionWatch() override {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof(one));
    thread_.join();
  }

  SessionPresence presence() const override {
    MutexLock lock(mutex_);
    return presence_;
  }

  void Watch(std::function<void()> changed) override {
    MutexLock calling(call_mutex_);
    changed_ = std::move(changed);
  }

 private:
  void Loop() {
    WatchedBus system(&sd_bus_open_system, LogindMatches());
    WatchedBus session(&sd_bus_open_user, ScreenSaverMatches());
    SessionPresence logind = SessionPresence::kUnknown;
    bool saver = false;
    while (true) {
      if (system.TakeNews() && system.get() != nullptr) logind = AskLogind(system.get(), logind);
      if (session.TakeNews()) saver = session.get() != nullptr && ScreenSaverActive(session.get());
      Tell(saver && IsPresent(logind) ? SessionPresence::kLocked : logind);
      const int wait_ms =
          system.WaitMilliseconds() == 0 || session.WaitMilliseconds() == 0 ? 0 : -1;
      std::array<pollfd, 3> wait = {system.Poll(), session.Poll(), pollfd{stop_.get(), POLLIN, 0}};
      if (::poll(wait.data(), wait.size(), wait_ms) < 0 && errno != EINTR) return;
      if (wait[2].revents != 0) return;
    }
  }

  void Tell(SessionPresence presence) {
    // Held throughout: whoever begins to listen meanwhile knows the new word already.
    MutexLock calling(call_mutex_);
    bool changed = false;
    {
      MutexLock lock(mutex_);
      changed = presence_ != presence;
      presence_ = presence;
      has_word_ = true;
      word_came_.NotifyAll();
    }
    if (changed && changed_) changed_();
  }

  const UniqueFd stop_;
  mutable Mutex mutex_;
  ConditionVariable word_came_;
  SessionPresence presence_ ABSL_GUARDED_BY(mutex_) = SessionPresence::kUnknown;
  bool has_word_ ABSL_GUARDED_BY(mutex_) = false;
  // Held while 'changed_' runs. Taken before mutex_.
  Mutex call_mutex_;
  std::function<void()> changed_ ABSL_GUARDED_BY(call_mutex_);
  std::thread thread_;
};

}  // namespace

std::unique_ptr<SessionWatch> WatchLogind() { return std::make_unique<LogindSessionWatch>(); }

}  // namespace postern::platform
