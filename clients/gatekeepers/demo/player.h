// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <string>

#include "clients/gatekeepers/demo/journal.h"
#include "clients/gatekeepers/demo/script.h"
#include "clients/sdk/gatekeeper_link.h"

namespace postern::demo {

struct PlayOptions {
  double speed = 1;    // 2: twice as fast; 0: as fast as it goes
  int64_t rounds = 1;  // how often the steps are played
  double rate = 0;     // events a second, instead of the script's pauses; 0: those
};

// Plays a script into a link, once: its place is kept in the link's bookmark, in the same commit as
// the events, so a player that was killed goes on where it stopped and nothing is played twice.
// Another script than the last one is played from its beginning.
class Player {
 public:
  // 'show' prints a line of AliceChat. 'wait' waits, and returns false when it is time to stop. All
  // references must outlive the player.
  Player(const Script& script, PlayOptions options, sdk::GatekeeperLink& link, Journal& journal,
         std::function<void(const std::string&)> show, std::function<bool(absl::Duration)> wait);

  // Plays to the end of the script. CANCELLED when it was told to stop.
  absl::Status Run();

 private:
  // Where to begin: the bookmark's place, when it is this script's.
  int64_t FirstPlace() const;
  // What comes at 'place': the set-up first, then round after round.
  const Step& StepAt(int64_t place) const;
  int RoundAt(int64_t place) const;
  // Submits the places ['begin', 'end').
  absl::Status Submit(int64_t begin, int64_t end);

  const Script& script_;
  const PlayOptions options_;
  sdk::GatekeeperLink& link_;
  Journal& journal_;
  const std::function<void(const std::string&)> show_;
  const std::function<bool(absl::Duration)> wait_;
  const std::string fingerprint_;
  const int64_t setup_count_;
  const int64_t count_;
};

}  // namespace postern::demo
