// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/contract_checks.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "clients/conformance/adapter_end.h"
#include "clients/conformance/far_end.h"

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

std::string HelloIsWhole(const Ends& ends, Words&) {
  const v1::AttachHello hello = ends.door.hello();
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

std::string RefusesWhatIsNotThere(const Ends& ends, Words&) {
  v1::Command command;
  command.mutable_send_message()->set_chat_id("no-such-chat");
  command.mutable_send_message()->set_text("to nobody");
  const auto result = RunCommand(ends.door, command);
  if (!result.ok()) return std::string(result.status().message());
  if (result->state() != v1::CommandResult::STATE_FAILED) {
    return absl::StrCat("it answers ", v1::CommandResult::State_Name(result->state()),
                        " to a chat that does not exist");
  }
  return result->reason().empty() && result->missing_capability().empty() ? "it gives no reason"
                                                                          : "";
}

std::string DoesACommandOnce(const Ends& ends, Words& words) {
  const std::string text = absl::StrCat("once only ", words.Known("m"));
  v1::Command command;
  command.set_command_id(absl::StrCat("twice-", words.Known("m")));
  command.mutable_send_message()->set_chat_id(words.chat_id());
  command.mutable_send_message()->set_text(text);
  const size_t mark = ends.door.event_count();
  const auto first = ends.door.Run(command, ends.wait);
  const auto second = ends.door.Run(command, ends.wait);
  if (!first.ok() || !second.ok()) return "it does not answer a command that comes again";
  if (first->message_id() != second->message_id() || first->state() != second->state()) {
    return "it answers the same command in two ways";
  }
  // Something later, so that a second message would have been told by then.
  if (const auto later = words.MakeTheirs("kind: MESSAGE_KIND_TEXT text: 'later $m'");
      !later.ok()) {
    return std::string(later.status().message());
  }
  const int count = CountText(ends.door.EventsAfter(mark), text);
  return count == 1 ? "" : absl::StrCat("it told of ", count, " messages for one command");
}

std::string LosesNothingWhenCut(const Ends& ends, Words& words) {
  const size_t mark = ends.door.event_count();
  const int hellos = ends.door.hellos();
  std::vector<std::string> texts;
  const auto say = [&]() -> std::string {
    texts.push_back(absl::StrCat("number ", texts.size(), " of ", words.Known("m")));
    const auto event = words.FilledEvent(
        absl::StrCat("chat_id: '$direct' message_created { message { id: '$m-", texts.size(),
                     "' chat_id: '$direct' sender_contact_id: '$peer' kind: MESSAGE_KIND_TEXT "
                     "text: '",
                     texts.back(), "' } }"));
    if (!event.ok()) return std::string(event.status().message());
    const auto done = BringAbout(ends.driver, *event, words.file_paths());
    return done.ok() ? "" : std::string(done.status().message());
  };
  // Told, and not acknowledged: it has to come again.
  ends.door.HoldAcks(true);
  for (int i = 0; i < 2; ++i) {
    if (const std::string problem = say(); !problem.empty()) return problem;
  }
  ends.door.WaitForMore(mark + 1, ends.wait);
  ends.door.Cut();
  ends.door.HoldAcks(false);
  // Said while nobody listens.
  if (const std::string problem = say(); !problem.empty()) return problem;
  if (!ends.door.WaitForHello(hellos + 1, kComeBack)) return "it does not come back after a cut";
  if (const std::string problem = say(); !problem.empty()) return problem;
  const absl::Time deadline = absl::Now() + ends.wait;
  std::vector<std::string> wrong;
  do {
    wrong.clear();
    const size_t seen = ends.door.event_count();
    for (const std::string& text : texts) {
      const int count = CountText(ends.door.EventsAfter(mark), text);
      if (count != 1) wrong.push_back(absl::StrCat(text, ": ", count, " times"));
    }
    if (!wrong.empty()) ends.door.WaitForMore(seen, deadline - absl::Now());
  } while (!wrong.empty() && absl::Now() < deadline);
  return wrong.empty() ? "" : absl::StrJoin(wrong, "; ");
}

std::string KeepsTheOrder(const Ends& ends, Words&) {
  return absl::StrJoin(ends.door.breaches(), "; ");
}

}  // namespace

const std::vector<ContractCheck>& ContractChecks() {
  static const auto* const checks = new std::vector<ContractCheck>{
      {"says who it is and what its chats can do", &HelloIsWhole},
      {"refuses what is not there, in words", &RefusesWhatIsNotThere},
      {"does a command once, however often it comes", &DoesACommandOnce},
      {"loses and doubles nothing when the connection is cut", &LosesNothingWhenCut},
      {"keeps the contract's order", &KeepsTheOrder},
  };
  return *checks;
}

}  // namespace postern::conformance
