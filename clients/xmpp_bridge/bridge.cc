// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/bridge.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <iostream>
#include <utility>

#include "clients/sdk/client.h"
#include "clients/sdk/file_key.h"
#include "clients/sdk/grants.h"
#include "clients/sdk/identity.h"
#include "clients/sdk/silence.h"
#include "clients/xmpp_bridge/access.h"
#include "clients/xmpp_bridge/component.h"
#include "clients/xmpp_bridge/files.h"
#include "clients/xmpp_bridge/ghosts.h"
#include "clients/xmpp_bridge/inward.h"
#include "clients/xmpp_bridge/leases.h"
#include "clients/xmpp_bridge/log.h"
#include "clients/xmpp_bridge/outward.h"
#include "clients/xmpp_bridge/rooms.h"
#include "clients/xmpp_bridge/store.h"

namespace postern::xmpp_bridge {
namespace {

// How often the bridge writes down that it is there.
constexpr int kSeenMilliseconds = 10'000;
// What a room is asked to say again goes back this much further than the bridge was away.
constexpr int64_t kMarginSeconds = 60;
constexpr char kFileName[] = "bridge.db";
// A new connection can be used a moment after it is announced, or it has broken: so often it is
// looked whether it can.
constexpr int kLookMilliseconds = 200;
constexpr int kLooksMax = 50;
// For the file store to say that it is one.
constexpr absl::Duration kLookPatience = absl::Seconds(10);

std::string Clock(int64_t seconds) {
  return absl::FormatTime("%Y-%m-%d %H:%M", absl::FromUnixSeconds(seconds), absl::LocalTimeZone());
}

// XEP-0114 keeps nothing for a component that is away: what was written to a ghost then came back
// to the writer as an error. It is said, so that it is not overlooked.
std::string AwayNotice(const Config& config, int64_t since) {
  TagPtr message =
      MakeTag("message", {{"type", "chat"}, {"from", config.component}, {"to", config.owner}});
  Add(*message, "body", nullptr, {},
      absl::StrCat("The bridge was not connected from ", Clock(since), " to ",
                   Clock(absl::ToUnixSeconds(absl::Now())),
                   ". What you wrote to people in these minutes may not have been sent; in groups "
                   "it is sent now."));
  return message->xml();
}

// Taken back while the bridge was not there: empties its file and tells Postern so.
absl::Status EraseAfterRevocation(const std::string& app_id) {
  sdk::ClientOptions options;
  auto directory = sdk::MakeStateDirectory(app_id, options);
  if (!directory.ok()) return directory.status();
  options.state_directory = *directory;
  const std::string path = absl::StrCat(*directory, "/", kFileName);
  std::unique_ptr<Store> store;
  if (::access(path.c_str(), F_OK) == 0) {
    auto key = sdk::LoadFileKey(app_id, path);
    if (!key.ok()) return key.status();
    auto opened = Store::Open(path, *key);
    if (!opened.ok()) return opened.status();
    store = *std::move(opened);
  }
  const absl::Status over = sdk::EraseIfOver(
      app_id, options, [&] { return store == nullptr ? absl::OkStatus() : store->EraseAll(); });
  return sdk::AccessIsOver(over) ? absl::OkStatus() : over;
}

// Says what a person can do, where only they can, and what systemd is to know.
ExitCode ExitFor(const absl::Status& end, const std::string& directory) {
  if (sdk::AccessIsOver(end)) {
    Log(absl::StrCat("to be asked anew, remove the folder ", directory, " and start the bridge"));
  } else if (sdk::ErrorReasonOf(end) == v1::ERROR_REASON_CONSENT_REFUSED) {
    Log("start the bridge again to be asked again");
  }
  return NeedsAPerson(end) ? kNotAllowed : kTrouble;
}

// What it says once when it is connected: a file store that is none is found out by the first file
// otherwise.
void LookAtFileStore(const Config& config, Component& component) {
  if (config.upload.empty()) return;
  TagPtr ask = MakeTag("iq", {{"type", "get"},
                              {"from", absl::StrCat(config.component, "/", kResource)},
                              {"to", config.upload}});
  Add(*ask, "query", kDiscoInfo);
  const auto answer = component.Ask(std::move(ask), kLookPatience);
  if (!answer.ok() && !component.connected()) return;
  std::string why = answer.ok() ? "it takes no files" : std::string(answer.status().message());
  if (answer.ok()) {
    const gloox::Tag* query = Child(**answer, "query", kDiscoInfo);
    if (query != nullptr) {
      for (const gloox::Tag* feature : query->findChildren("feature")) {
        if (feature->findAttribute("var") == kUpload) return;
      }
    }
  }
  Log(absl::StrCat("files are not carried: upload = \"", config.upload,
                   "\" is no file store of the server (", why,
                   "); compare it with the Component \"...\" \"http_file_share\" in Prosody's "
                   "configuration"));
}

}  // namespace

void Log(const std::string& line) { std::cerr << "postern-xmpp-bridge: " + line + "\n"; }

ExitCode RunBridge(const Config& config, int signals) {
  auto secret = ReadComponentSecret(config);
  if (!secret.ok()) return Log(std::string(secret.status().message())), kWrongConfig;
  auto manifest = MakeManifest(config);
  if (!manifest.ok()) return Log(std::string(manifest.status().message())), kWrongConfig;

  sdk::ClientOptions options;
  options.on_enrollment = [](const v1::EnrollResponse& response) {
    if (response.state() == v1::EnrollResponse::STATE_PENDING)
      Log("asking you for access; answer Postern's question");
  };
  const auto directory = sdk::MakeStateDirectory(manifest->app_id(), options);
  if (!directory.ok()) return Log(std::string(directory.status().message())), kWrongConfig;
  auto client = sdk::Client::Connect(*manifest, options);
  for (bool told = false; sdk::CanBeAskedLater(client.status());) {
    // Once, although the time in it passes.
    if (!std::exchange(told, true)) {
      Log(absl::StrCat("you cannot be asked for access now: ", client.status().message(),
                       "; waiting for that"));
    }
    pollfd ended = {signals, POLLIN, 0};
    const absl::Duration wait = sdk::AskPauseOf(client.status());
    if (::poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(wait))) != 0) return kStopped;
    client = sdk::Client::Connect(*manifest, options);
  }
  if (!client.ok()) {
    Log(std::string(client.status().message()));
    if (sdk::AccessIsOver(client.status())) {
      if (auto erased = EraseAfterRevocation(manifest->app_id()); !erased.ok()) {
        Log(absl::StrCat("not erased: ", erased.message()));
        return kTrouble;
      }
    }
    return ExitFor(client.status(), *directory);
  }
  const std::string path = absl::StrCat(*directory, "/", kFileName);
  auto key = sdk::LoadFileKey(manifest->app_id(), path);
  if (!key.ok()) return Log(std::string(key.status().message())), kTrouble;
  auto store = Store::Open(path, *key);
  if (!store.ok()) return Log(std::string(store.status().message())), kTrouble;

  Rooms rooms(config, **store);
  Leases leases(**client, Log);
  Inward* inward_part = nullptr;
  std::string last_trouble;
  const int up = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);  // set by each new connection
  ComponentHandlers handlers;
  Component* component_part = nullptr;
  handlers.on_stanza = [&](const gloox::Tag& stanza) {
    if (stanza.name() == "message") {
      inward_part->Take(stanza);
    } else if (stanza.name() == "iq") {
      if (const std::string answer = AnswerIq(stanza, config, **store); !answer.empty()) {
        component_part->Send(answer);
      }
    } else if (!config.rooms.empty() && DomainOf(stanza.findAttribute("from")) == config.rooms) {
      if (NodeOf(stanza.findAttribute("to")).empty()) rooms.OnPresence(stanza);
    } else {
      for (const auto& answer : AnswerPresence(stanza, config, **store))
        component_part->Send(answer);
    }
  };
  handlers.on_connected = [&]() -> std::vector<std::string> {
    last_trouble.clear();
    Log("connected to the XMPP server");
    const uint64_t one = 1;
    if (::write(up, &one, sizeof one) < 0) Log("cannot look at the file store");
    const int64_t now = absl::ToUnixSeconds(absl::Now());
    const int64_t seen = (*store)->Seen();
    auto stanzas = rooms.OpenAllAgain(seen == 0 ? 0 : now - seen + kMarginSeconds);
    if (seen != 0) stanzas.push_back(AwayNotice(config, seen));
    return stanzas;
  };
  handlers.on_trouble = [&](const std::string& trouble) {
    if (trouble != last_trouble) Log(absl::StrCat(trouble, " (trying again)"));
    last_trouble = trouble;
  };
  Component component(config, *secret, std::move(handlers));
  component_part = &component;
  Files files(config, **client, component);
  Inward inward(config, **client, **store, component, rooms, files);
  inward_part = &inward;
  const int64_t seen_before = (*store)->Seen();
  Outward outward(config, **client, **store, component, rooms, leases, files,
                  seen_before == 0 ? absl::InfiniteFuture()
                                   : absl::FromUnixSeconds(seen_before - kMarginSeconds));

  absl::Status end;
  int looks = 0;  // that are left
  const int ended = ::eventfd(0, EFD_CLOEXEC);
  leases.Start();
  component.Start();
  inward.Start();
  std::thread teller([&] {
    end = outward.Run();
    const uint64_t one = 1;
    if (::write(ended, &one, sizeof one) < 0) Log("cannot end");
  });
  for (;;) {
    pollfd polled[3] = {{signals, POLLIN, 0}, {ended, POLLIN, 0}, {up, POLLIN, 0}};
    if (::poll(polled, 3, looks > 0 ? kLookMilliseconds : kSeenMilliseconds) > 0) {
      if (polled[0].revents != 0 || polled[1].revents != 0) break;
      uint64_t count = 0;
      if (::read(up, &count, sizeof count) > 0) looks = kLooksMax;
    } else if (looks > 0) {
      --looks;
    }
    if (looks > 0 && component.connected()) {
      looks = 0;
      LookAtFileStore(config, component);
    }
    if (component.connected() && outward.bridging()) (*store)->SetSeen(absl::Now()).IgnoreError();
  }
  if (component.connected() && outward.bridging()) (*store)->SetSeen(absl::Now()).IgnoreError();
  outward.Stop();
  component.Stop();
  teller.join();
  ::close(ended);
  ::close(up);
  inward.Stop();
  leases.Stop();
  if (absl::IsCancelled(end)) return kStopped;
  Log(std::string(end.message()));
  return ExitFor(end, *directory);
}

}  // namespace postern::xmpp_bridge
