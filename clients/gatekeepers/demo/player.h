// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "clients/gatekeepers/demo/faults.h"
#include "clients/gatekeepers/demo/journal.h"
#include "clients/gatekeepers/demo/script.h"
#include "clients/gatekeepers/demo/world.h"
#include "clients/sdk/gatekeeper_link.h"

namespace postern::demo {

struct PlayOptions {
  double speed = 1;         // 2: twice as fast; 0: as fast as it goes
  int64_t rounds = 1;       // how often the steps are played
  double rate = 0;          // events a second, instead of the script's pauses; 0: those
  bool setup_only = false;  // who is there and which chats, and nothing that happens
};

// Plays a script into a link, once: its place is kept in the link's bookmark, in the same commit as
// the events, so a player that was killed goes on where it stopped and nothing is played twice.
// Another script than the last one is played from its beginning.
class Player {
 public:
  struct Parts {
    // The link as it is now: a fault may have made it anew.
    std::function<sdk::GatekeeperLink&()> link;
    // Cuts the connection and makes it anew.
    std::function<absl::Status()> reconnect;
    World& world;
    Faults& faults;
    Journal& journal;
    // Prints a line of AliceChat.
    std::function<void(const std::string&)> show;
    // Waits; false when it is time to stop.
    std::function<bool(absl::Duration)> wait;
  };

  // All references must outlive the player.
  Player(const Script& script, PlayOptions options, Parts parts);

  // Plays to the end of the script. CANCELLED when it was told to stop.
  absl::Status Run();

 private:
  // Where to begin: the bookmark's place, when it is this script's.
  int64_t FirstPlace() const;
  // What comes at 'place': the set-up first, then round after round.
  const Step& StepAt(int64_t place) const;
  int RoundAt(int64_t place) const;
  // How long to wait before 'place', and how far to go then: in one commit.
  absl::Status AwaitNext(int64_t place, int64_t start_place, absl::Time start, int64_t& end);
  // What the broker is told of 'place': nothing, the event, or what a fault made of it.
  void AddEvents(int64_t place, absl::Time now, std::vector<v1::Event>& events);
  // Submits the places ['begin', 'end'); one more where two change their order.
  absl::Status Submit(int64_t begin, int64_t& end);

  const Script& script_;
  const PlayOptions options_;
  const Parts parts_;
  const std::string fingerprint_;
  const int64_t setup_count_;
  const int64_t count_;
};

}  // namespace postern::demo
