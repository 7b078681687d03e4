// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/component.h"

#include <absl/random/random.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gloox/component.h>
#include <gloox/connectionlistener.h>
#include <gloox/connectiontcpclient.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace postern::xmpp_bridge {
namespace {

constexpr char kBarrier[] = "barrier-";
constexpr char kAsk[] = "ask-";
// What is forgotten first when nobody is there to take it.
constexpr size_t kOutgoingMax = 10000;
constexpr absl::Duration kFirstPause = absl::Milliseconds(200);
constexpr absl::Duration kLongestPause = absl::Seconds(30);
constexpr int kIdleMilliseconds = 60'000;

std::string ConditionOf(const gloox::Tag& stanza) {
  const gloox::Tag* error = stanza.findChild("error");
  if (error == nullptr) return "error";
  for (const gloox::Tag* child : error->children()) {
    if (child->name() != "text") return child->name();
  }
  return "error";
}

// In the words of who refuses, which may name addresses.
std::string ErrorOf(const gloox::Tag& stanza) {
  const gloox::Tag* error = stanza.findChild("error");
  const std::string text = error == nullptr ? "" : ChildText(*error, "text");
  return text.empty() ? ConditionOf(stanza) : text;
}

}  // namespace

// gloox brings the stream, the handshake and the parser; stanzas are taken as they are.
class Component::Session : public gloox::Component, public gloox::ConnectionListener {
 public:
  explicit Session(xmpp_bridge::Component& owner)
      : gloox::Component("jabber:component:accept", owner.config_.server, owner.config_.component,
                         owner.secret_, owner.config_.port),
        owner_(owner) {
    tcp_ = new gloox::ConnectionTCPClient(this, logInstance(), owner.config_.server,
                                          owner.config_.port);
    setConnectionImpl(tcp_);  // which owns it from here on
    registerConnectionListener(this);
    // XEP-0114 has no TLS, and for each connection gloox would read all certificate authorities and
    // never free them.
    setTls(gloox::TLSDisabled);
  }

  void handleTag(gloox::Tag* tag) override {
    if (tag != nullptr &&
        (tag->name() == "message" || tag->name() == "presence" || tag->name() == "iq")) {
      owner_.Take(*tag);
      return;
    }
    gloox::Component::handleTag(tag);
  }
  void onConnect() override {
    up = true;
    owner_.BeginSession(*this);
  }
  void onDisconnect(gloox::ConnectionError) override {
    down = true;
    refused = streamError() == gloox::StreamErrorNotAuthorized ||
              streamError() == gloox::StreamErrorHostUnknown ||
              streamError() == gloox::StreamErrorConflict;
    if (refused) {
      reason = streamError() == gloox::StreamErrorNotAuthorized
                   ? "the secret is not the one it knows"
               : streamError() == gloox::StreamErrorConflict
                   ? "another program is connected as this component"
                   : "it has no such component";
    }
  }
  bool onTLSConnect(const gloox::CertInfo&) override { return true; }

  int fd() const { return tcp_->socket(); }
  void Write(const std::string& xml) { tcp_->send(xml); }

  bool up = false;
  bool down = false;
  bool refused = false;
  std::string reason;

 private:
  xmpp_bridge::Component& owner_;
  gloox::ConnectionTCPClient* tcp_;
};

Component::Component(const Config& config, std::string secret, ComponentHandlers handlers,
                     absl::Duration patience)
    : config_(config),
      secret_(std::move(secret)),
      handlers_(std::move(handlers)),
      patience_(patience),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  absl::MutexLock lock(&mutex_);
  // So that an answer to an earlier run is not taken for one to this.
  next_id_ = absl::Uniform<uint32_t>(absl::BitGen(), 1, 1u << 30) * uint64_t{1000};
}

Component::~Component() {
  Stop();
  if (wake_ >= 0) ::close(wake_);
}

void Component::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Component::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  Wake();
  if (thread_.joinable()) thread_.join();
}

void Component::Wake() {
  const uint64_t one = 1;
  // Only fails when it is set already.
  if (::write(wake_, &one, sizeof one) < 0) return;
}

void Component::EndSession(uint64_t session) {
  if (session_number_ != session) return;
  reconnect_ = true;
  Wake();
}

void Component::Send(const std::string& stanza) {
  {
    absl::MutexLock lock(&mutex_);
    if (!connected_ || outgoing_.size() >= kOutgoingMax) return;
    outgoing_.push_back(stanza);
  }
  Wake();
}

uint64_t Component::SendBarrier() {
  const uint64_t barrier = ++next_id_;
  TagPtr iq = MakeTag("iq", {{"type", "get"},
                             {"from", config_.component},
                             {"to", config_.component},
                             {"id", absl::StrCat(kBarrier, barrier)}});
  Add(*iq, "ping", kPing);
  outgoing_.push_back(iq->xml());
  Wake();
  return barrier;
}

absl::Status Component::Confirm(const std::string& stanza) {
  absl::MutexLock lock(&mutex_);
  if (!connected_) return absl::UnavailableError("there is no connection to the XMPP server");
  const uint64_t session = session_number_;
  outgoing_.push_back(stanza);
  const uint64_t barrier = SendBarrier();
  const absl::Time deadline = absl::Now() + patience_;
  while (confirmed_ < barrier && session_number_ == session && !stopping_ &&
         absl::Now() < deadline) {
    changed_.WaitWithDeadline(&mutex_, deadline);
  }
  if (confirmed_ >= barrier) return absl::OkStatus();
  if (stopping_) return absl::CancelledError("the bridge is stopping");
  EndSession(session);
  return absl::UnavailableError("the XMPP server did not say that it has handled it");
}

absl::Status Component::Deliver(const std::vector<std::string>& stanzas) {
  if (stanzas.empty()) return absl::OkStatus();
  std::set<std::string> ids;
  for (const auto& stanza : stanzas) {
    if (const TagPtr tag = ParseTag(stanza); tag != nullptr && tag->hasAttribute("id")) {
      ids.insert(tag->findAttribute("id"));
    }
  }
  absl::MutexLock lock(&mutex_);
  for (;;) {
    while (!connected_ && !stopping_) changed_.Wait(&mutex_);
    if (stopping_) return absl::CancelledError("the bridge is stopping");
    const uint64_t session = session_number_;
    watched_ = ids;
    bounced_.clear();
    for (const auto& stanza : stanzas) outgoing_.push_back(stanza);
    const uint64_t barrier = SendBarrier();
    const absl::Time deadline = absl::Now() + patience_;
    while (confirmed_ < barrier && session_number_ == session && connected_ && !stopping_) {
      if (changed_.WaitWithDeadline(&mutex_, deadline) && absl::Now() >= deadline) {
        EndSession(session);
        while (connected_ && session_number_ == session && !stopping_) changed_.Wait(&mutex_);
      }
    }
    watched_.clear();
    if (confirmed_ >= barrier) {
      if (bounced_.empty()) return absl::OkStatus();
      return absl::AbortedError(bounced_);
    }
  }
}

absl::StatusOr<TagPtr> Component::Ask(TagPtr iq, absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  if (!connected_) return absl::UnavailableError("there is no connection to the XMPP server");
  const std::string id = absl::StrCat(kAsk, ++next_id_);
  iq->addAttribute("id", id);
  asked_[id] = nullptr;
  outgoing_.push_back(iq->xml());
  Wake();
  const absl::Time deadline = absl::Now() + timeout;
  const uint64_t session = session_number_;
  while (asked_[id] == nullptr && session == session_number_ && !stopping_ &&
         absl::Now() < deadline) {
    changed_.WaitWithDeadline(&mutex_, deadline);
  }
  TagPtr answer = std::move(asked_[id]);
  asked_.erase(id);
  if (answer == nullptr) return absl::UnavailableError("the XMPP server did not answer");
  if (answer->findAttribute("type") == "error") return absl::AbortedError(ErrorOf(*answer));
  return answer;
}

bool Component::TakeAnswer(const gloox::Tag& stanza) {
  const std::string& type = stanza.findAttribute("type");
  if (stanza.name() != "iq" || (type != "result" && type != "error")) return false;
  absl::MutexLock lock(&mutex_);
  const auto found = asked_.find(stanza.findAttribute("id"));
  if (found == asked_.end()) return false;
  found->second.reset(stanza.clone());
  changed_.SignalAll();
  return true;
}

bool Component::TakeBarrier(const gloox::Tag& stanza) {
  const std::string& id = stanza.findAttribute("id");
  if (stanza.name() != "iq" || !absl::StartsWith(id, kBarrier) ||
      stanza.findAttribute("from") != config_.component) {
    return false;
  }
  uint64_t number = 0;
  if (absl::SimpleAtoi(id.substr(sizeof kBarrier - 1), &number)) {
    absl::MutexLock lock(&mutex_);
    confirmed_ = std::max(confirmed_, number);
    changed_.SignalAll();
  }
  return true;
}

void Component::Take(const gloox::Tag& stanza) {
  if (TakeBarrier(stanza) || TakeAnswer(stanza)) return;
  if (stanza.findAttribute("type") == "error") {
    absl::MutexLock lock(&mutex_);
    const std::string& id = stanza.findAttribute("id");
    if (bounced_.empty() && watched_.contains(id))
      bounced_ = absl::StrCat(id, " ", ConditionOf(stanza));
  }
  handlers_.on_stanza(stanza);
}

void Component::Drain(Session& session) {
  std::deque<std::string> stanzas;
  {
    absl::MutexLock lock(&mutex_);
    stanzas.swap(outgoing_);
  }
  for (const auto& stanza : stanzas) session.Write(stanza);
}

void Component::BeginSession(Session& session) {
  for (const auto& stanza : handlers_.on_connected()) session.Write(stanza);
  absl::MutexLock lock(&mutex_);
  outgoing_.clear();
  connected_ = true;
  ++session_number_;
  changed_.SignalAll();
}

bool Component::RunOnce() {
  Session session(*this);
  if (!session.connect(false)) {
    handlers_.on_trouble(absl::StrCat("no XMPP server takes components at ", config_.server, ":",
                                      config_.port,
                                      "; is it running, and its component port open?"));
    return false;
  }
  while (!session.down) {
    pollfd polled[2] = {{session.fd(), POLLIN, 0}, {wake_, POLLIN, 0}};
    const int count = ::poll(polled, 2, kIdleMilliseconds);
    uint64_t value = 0;
    if (polled[1].revents != 0 && ::read(wake_, &value, sizeof value) < 0) value = 0;
    if (count == 0) {
      if (!session.up) break;  // a server that says nothing
      session.Write(" ");
    }
    if (polled[0].revents != 0 && session.recv(0) != gloox::ConnNoError) break;
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_ || reconnect_) break;
    }
    if (session.up) Drain(session);
  }
  {
    absl::MutexLock lock(&mutex_);
    connected_ = false;
    reconnect_ = false;  // it was about this session
    ++session_number_;
    outgoing_.clear();
    changed_.SignalAll();
  }
  if (session.refused) {
    handlers_.on_trouble(absl::StrCat("the XMPP server does not take ", config_.component, ": ",
                                      session.reason,
                                      "; compare the component's section in the "
                                      "server's configuration with secret_file"));
  }
  session.removeConnectionListener(&session);
  session.disconnect();
  return session.up;
}

void Component::Loop() {
  absl::Duration pause = kFirstPause;
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
    }
    pause = RunOnce() ? kFirstPause : std::min(pause * 2, kLongestPause);
    absl::MutexLock lock(&mutex_);
    const absl::Time until = absl::Now() + pause;
    while (!stopping_ && absl::Now() < until) changed_.WaitWithDeadline(&mutex_, until);
  }
}

}  // namespace postern::xmpp_bridge
