// SPDX-License-Identifier: Apache-2.0
// AliceChat's script: who is there, and what they do. The form is described in the folder's README.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "clients/gatekeepers/demo/faults.h"
#include "clients/gatekeepers/demo/files.h"
#include "postern/v1/account.pb.h"
#include "postern/v1/chat.pb.h"
#include "postern/v1/event.pb.h"

namespace postern::demo {

// One thing that happens: after 'delay', 'event', which AliceChat shows as 'line'; or, for an event
// without a kind, 'fault' for 'fault_count' times.
struct Step {
  absl::Duration delay;
  // Without its own times: they are those of playing it. A time inside it (when somebody was last
  // seen, when a place stops being live) counts from then.
  v1::Event event;
  std::string line;  // empty: AliceChat shows nothing
  Fault fault = Fault::kGap;
  int fault_count = 0;
};

struct Script {
  v1::Account account;
  std::map<std::string, std::string> people;   // contact id -> name
  std::map<std::string, std::string> chats;    // chat id -> name
  std::map<std::string, GeneratedFile> files;  // attachment id -> its bytes
  v1::ChatCapabilities capabilities;           // of chats that say nothing of their own
  std::vector<Step> setup;                     // contacts and chats, told once
  std::vector<Step> steps;
  // What happened before: known to AliceChat's server, told when somebody asks for older history.
  // Oldest first; a step's delay is how long ago it was.
  std::vector<Step> history;
};

// A script larger than this is a mistake.
inline constexpr size_t kScriptBytesMax = 4 * 1024 * 1024;
// The contact that stands for the user, in scripts and events.
inline constexpr char kSelf[] = "you";

// INVALID_ARGUMENT naming the line when it cannot be understood.
absl::StatusOr<Script> ParseScript(std::string_view text);

// The script that is built in: default_script.txt of this folder.
std::string_view DefaultScript();

// Makes a script of 'count' events over 'chats' chats, the same for the same seed: for load.
Script GenerateScript(int count, int chats, uint64_t seed);

// Everything FULL, with the hash that belongs to it.
v1::ChatCapabilities FullCapabilities();
// Sets the hash: equal exactly when the rest is equal.
void SetHash(v1::ChatCapabilities& capabilities);

// Times of the contract.
void SetTime(google::protobuf::Timestamp& timestamp, absl::Time time);
absl::Time TimeOf(const google::protobuf::Timestamp& timestamp);

// Returns the event as it happens at 'now'. 'round' sets the message ids of a repetition apart.
v1::Event Play(const Step& step, absl::Time now, int round);

}  // namespace postern::demo
