// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/runner.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <utility>

#include "clients/conformance/adapter_end.h"
#include "clients/conformance/contract_checks.h"
#include "clients/conformance/play.h"
#include "platform/status_macros.h"

namespace postern::conformance {
namespace {

// A client that signed on just now may be told late of what was asked before.
constexpr absl::Duration kAcceptWait = absl::Seconds(60);

}  // namespace

Runner::Runner(Door& door, Driver& driver, Json names, RunnerOptions options)
    : ends_{door, driver, options.wait},
      words_(ends_, std::move(names), std::move(options.folder)),
      on_finding_(std::move(options.on_finding)) {}

absl::Status Runner::Accept(const Json& chats) {
  if (!chats.is_array()) return absl::OkStatus();
  for (const Json& chat : chats) {
    if (!chat.is_string()) continue;
    const std::string id = chat.get<std::string>();
    const auto requested = [&](v1::MessageRequest::State state) {
      const absl::Time deadline = absl::Now() + std::max(ends_.wait, kAcceptWait);
      for (;;) {
        const size_t seen = ends_.door.event_count();
        for (const TakenEvent& taken : ends_.door.EventsAfter(0)) {
          if (taken.event.chat_id() == id && taken.event.message_request().state() == state) {
            return true;
          }
        }
        if (absl::Now() >= deadline) return false;
        ends_.door.WaitForMore(seen, deadline - absl::Now());
      }
    };
    if (!requested(v1::MessageRequest::STATE_PENDING)) {
      return absl::NotFoundError("a request that the far end made did not come");
    }
    v1::Command command;
    command.mutable_update_chat()->mutable_chat()->set_id(id);
    command.mutable_update_chat()->set_request_answer(v1::MessageRequest::STATE_ACCEPTED);
    ASSIGN_OR_RETURN(const v1::CommandResult result, RunCommand(ends_.door, command));
    if (result.state() != v1::CommandResult::STATE_SENT ||
        !requested(v1::MessageRequest::STATE_ACCEPTED)) {
      return absl::FailedPreconditionError("a request could not be accepted");
    }
  }
  return absl::OkStatus();
}

v1::CapabilityLevel Runner::Claimed(const std::string& capability, const std::string& chat) const {
  if (capability.empty()) return v1::CAPABILITY_LEVEL_UNSPECIFIED;
  v1::ChatCapabilities can = ends_.door.hello().default_capabilities();
  for (const TakenEvent& taken : ends_.door.EventsAfter(0)) {
    const v1::Chat& made = taken.event.chat_created().chat();
    const v1::Chat& changed = taken.event.chat_changed().chat();
    if (made.id() == chat && made.has_capabilities()) can = made.capabilities();
    if (changed.id() == chat && changed.has_capabilities()) can = changed.capabilities();
    if (taken.event.chat_id() == chat && taken.event.has_capabilities_changed()) {
      can = taken.event.capabilities_changed().capabilities();
    }
  }
  const google::protobuf::FieldDescriptor* const field =
      can.GetDescriptor()->FindFieldByName(capability);
  return static_cast<v1::CapabilityLevel>(can.GetReflection()->GetEnumValue(can, field));
}

void Runner::Judge(Finding& finding) {
  const bool short_of = finding.carried == Carried::kPartial ||
                        finding.carried == Carried::kNotAtAll ||
                        finding.carried == Carried::kSaysSo;
  if (finding.claimed == v1::CAPABILITY_LEVEL_FULL && short_of) {
    finding.detail = absl::StrCat("claims FULL; ", CarriedText(finding.carried),
                                  finding.detail.empty() ? "" : ": ", finding.detail);
    finding.carried = Carried::kLies;
  }
}

Finding Runner::Play(const Row& row) {
  words_.Begin(absl::StrContains(row.what, "'$group'") ? "group" : "direct");
  Finding finding;
  finding.name = row.name;
  finding.capability = row.capability;
  finding.claimed = Claimed(row.capability, words_.chat_id());
  if (row.direction == Direction::kIn) {
    finding.direction = "in";
    PlayIn(row, ends_, words_, finding);
  } else {
    finding.direction = "out";
    PlayOut(row, ends_, words_, finding);
  }
  Judge(finding);
  return finding;
}

std::vector<Finding> Runner::PlayAll(const std::function<bool(const std::string&)>& wanted) {
  std::vector<Finding> findings;
  const auto add = [&](Finding finding) {
    if (on_finding_) on_finding_(finding);
    findings.push_back(std::move(finding));
  };
  for (const Row& row : Rows()) {
    if (wanted(row.name)) add(Play(row));
  }
  for (const auto& [name, check] : ContractChecks()) {
    if (!wanted(name)) continue;
    words_.Begin("direct");
    Finding finding;
    finding.name = name;
    finding.direction = "contract";
    finding.detail = check(ends_, words_);
    finding.carried = finding.detail.empty() ? Carried::kWhole : Carried::kNotAtAll;
    add(std::move(finding));
  }
  return findings;
}

}  // namespace postern::conformance
