// SPDX-License-Identifier: Apache-2.0
// What the contract asks of every adapter, whatever its network can do.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "clients/conformance/runner.h"

namespace postern::conformance {
namespace {

// An adapter that was cut off comes back by itself, after pauses that grow.
constexpr absl::Duration kComeBack = absl::Minutes(1);

int CountText(const std::vector<TakenEvent>& events, const std::string& text) {
  int count = 0;
  for (const TakenEvent& taken : events) {
    count += taken.event.message_created().message().text() == text;
  }
  return count;
}

}  // namespace

const Runner::Checks& Runner::ContractChecks() {
  static const auto* const checks = new Checks{
      {"says who it is and what its chats can do", &Runner::HelloIsWhole},
      {"refuses what is not there, in words", &Runner::RefusesWhatIsNotThere},
      {"does a command once, however often it comes", &Runner::DoesACommandOnce},
      {"loses and doubles nothing when the connection is cut", &Runner::LosesNothingWhenCut},
      {"keeps the contract's order", &Runner::KeepsTheOrder},
  };
  return *checks;
}

std::string Runner::HelloIsWhole() {
  const v1::AttachHello hello = door_.hello();
  if (hello.account().id().empty() || hello.account().network().empty()) {
    return "hello names no account or network";
  }
  if (hello.account().self_contact_id().empty()) {
    return "hello does not say which contact is the user";
  }
  if (hello.software_version().empty()) return "hello does not name the client and its version";
  const v1::ChatCapabilities& can = hello.default_capabilities();
  if (can.text() == v1::CAPABILITY_LEVEL_UNSPECIFIED) {
    return "hello does not say what its chats can do";
  }
  return "";
}

std::string Runner::RefusesWhatIsNotThere() {
  v1::Command command;
  command.mutable_send_message()->set_chat_id("no-such-chat");
  command.mutable_send_message()->set_text("to nobody");
  Finding finding;
  const auto result = RunCommand(command, finding);
  if (!result.ok()) return std::string(result.status().message());
  if (result->state() != v1::CommandResult::STATE_FAILED) {
    return absl::StrCat("it answers ", v1::CommandResult::State_Name(result->state()),
                        " to a chat that does not exist");
  }
  return result->reason().empty() && result->missing_capability().empty() ? "it gives no reason"
                                                                          : "";
}

std::string Runner::DoesACommandOnce() {
  const std::string text = absl::StrCat("once only ", words_["m"]);
  v1::Command command;
  command.set_command_id(absl::StrCat("twice-", words_["m"]));
  command.mutable_send_message()->set_chat_id(names_.value("direct", std::string()));
  command.mutable_send_message()->set_text(text);
  const size_t mark = door_.event_count();
  const auto first = door_.Run(command, options_.wait);
  const auto second = door_.Run(command, options_.wait);
  if (!first.ok() || !second.ok()) return "it does not answer a command that comes again";
  if (first->message_id() != second->message_id() || first->state() != second->state()) {
    return "it answers the same command in two ways";
  }
  // Something later, so that a second message would have been told by then.
  if (const auto later = MakeTheirs("kind: MESSAGE_KIND_TEXT text: 'later $m'"); !later.ok()) {
    return std::string(later.status().message());
  }
  const int count = CountText(door_.EventsAfter(mark), text);
  return count == 1 ? "" : absl::StrCat("it told of ", count, " messages for one command");
}

std::string Runner::LosesNothingWhenCut() {
  const size_t mark = door_.event_count();
  const int hellos = door_.hellos();
  std::vector<std::string> texts;
  const auto say = [&]() -> std::string {
    texts.push_back(absl::StrCat("number ", texts.size(), " of ", words_["m"]));
    const auto event = FilledEvent(
        absl::StrCat("chat_id: '$direct' message_created { message { id: '$m-", texts.size(),
                     "' chat_id: '$direct' sender_contact_id: '$peer' kind: MESSAGE_KIND_TEXT "
                     "text: '",
                     texts.back(), "' } }"));
    if (!event.ok()) return std::string(event.status().message());
    const auto done = Do(*event);
    return done.ok() ? "" : std::string(done.status().message());
  };
  // Told, and not acknowledged: it has to come again.
  door_.HoldAcks(true);
  for (int i = 0; i < 2; ++i) {
    if (const std::string problem = say(); !problem.empty()) return problem;
  }
  door_.WaitForMore(mark + 1, options_.wait);
  door_.Cut();
  door_.HoldAcks(false);
  // Said while nobody listens.
  if (const std::string problem = say(); !problem.empty()) return problem;
  if (!door_.WaitForHello(hellos + 1, kComeBack)) return "it does not come back after a cut";
  if (const std::string problem = say(); !problem.empty()) return problem;
  const absl::Time deadline = absl::Now() + options_.wait;
  std::vector<std::string> wrong;
  do {
    wrong.clear();
    const size_t seen = door_.event_count();
    for (const std::string& text : texts) {
      const int count = CountText(door_.EventsAfter(mark), text);
      if (count != 1) wrong.push_back(absl::StrCat(text, ": ", count, " times"));
    }
    if (!wrong.empty()) door_.WaitForMore(seen, deadline - absl::Now());
  } while (!wrong.empty() && absl::Now() < deadline);
  return wrong.empty() ? "" : absl::StrJoin(wrong, "; ");
}

std::string Runner::KeepsTheOrder() { return absl::StrJoin(door_.breaches(), "; "); }

}  // namespace postern::conformance
