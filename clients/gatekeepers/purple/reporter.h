// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that leaves the adapter for the broker: events, and the answers to commands. Nothing
// is lost silently: what the outlet does not take is counted, and told as a gap with the next event
// that it does take.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/outlet.h"
#include "clients/gatekeepers/purple/stanza.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::purple {

class Reporter {
 public:
  // 'outlet' and 'maker' must outlive it.
  Reporter(Outlet& outlet, const EventMaker& maker) : outlet_(outlet), maker_(maker) {}

  // 'command_id' names the command that caused it, if one did.
  void Hand(const v1::Event& event, const std::string& command_id = {});

  // Answers a command; 'events' are what it made.
  void Answer(const v1::CommandResult& result, const std::vector<v1::Event>& events = {});
  // The same for a command that made no message and no chat.
  void Done(const std::string& command_id, const std::vector<v1::Event>& events = {});
  // 'reason' is for a developer and never holds message text.
  void Fail(const std::string& command_id, std::string_view reason,
            std::string_view missing_capability = {});
  void FailForNow(const std::string& command_id, std::string_view reason);
  // The network did not take it: 'what' says whose word that is, 'error' why and for how long.
  void Refuse(const std::string& command_id, std::string_view what, const StanzaError& error);

 private:
  Outlet& outlet_;
  const EventMaker& maker_;
  uint64_t lost_events_ = 0;
};

}  // namespace postern::purple
