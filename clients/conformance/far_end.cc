// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/far_end.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "clients/conformance/compare.h"
#include "clients/conformance/ends.h"
#include "platform/status_macros.h"

namespace postern::conformance {
namespace {

// The far end's screen is looked at so often.
constexpr absl::Duration kLookAgain = absl::Milliseconds(100);

Json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return {};
  return Json::parse(text, nullptr, false);
}

// The far end shows what the command wrote, be it with losses.
bool IsThere(const v1::Command& command, const Json& seen) {
  const auto message = seen.find("message");
  if (message == seen.end() || !message->is_object()) return false;
  return MakesMessage(command) || (command.has_edit_message() &&
                                   message->value("text", Json()) == command.edit_message().text());
}

// What is expected and the far end's client has no way to show.
std::string Unseen(const Json& answer, const Json& expected) {
  const auto unseen = answer.find("unseen");
  if (unseen == answer.end() || !unseen->is_array()) return "";
  for (const Json& name : *unseen) {
    if (name.is_string() && expected.contains(name.get<std::string>())) return name;
  }
  return "";
}

}  // namespace

bool MakesMessage(const v1::Command& command) {
  return command.has_send_message() || command.has_post_notice();
}

absl::StatusOr<Json> BringAbout(Driver& driver, const v1::Event& event, const Json& files) {
  Json request = {{"do", ToJson(event)}};
  if (!files.empty()) request["files"] = files;
  ASSIGN_OR_RETURN(const Json answer, driver.Ask(request, kDriverWait));
  if (answer.contains("done")) return answer["done"];
  for (const char* word : {"cannot", "failed"}) {
    if (answer.contains(word) && answer[word].is_string()) {
      return absl::UnimplementedError(absl::StrCat(word, ": ", answer[word].get<std::string>()));
    }
  }
  return absl::UnimplementedError("the far end's program does not know 'do'");
}

void LookAt(Driver& driver, absl::Duration wait, const Place& place, const v1::Command& command,
            const Json& expected, Finding& finding) {
  const Json look = {{"chat_id", place.chat_id},
                     {"message_id", place.message_id},
                     {"text", command.send_message().text()}};
  const absl::Time deadline = absl::Now() + wait;
  absl::Time settle = deadline;
  for (;;) {
    const auto answer = driver.Ask({{"look", look}}, kDriverWait);
    if (!answer.ok() || !answer->contains("seen")) {
      finding.carried = Carried::kNotTested;
      finding.detail = answer.ok() ? answer->value("cannot", std::string("the far end cannot look"))
                                   : std::string(answer.status().message());
      return;
    }
    if (const std::string blind = Unseen(*answer, expected); !blind.empty()) {
      finding.carried = Carried::kNotTested;
      finding.detail = absl::StrCat("the far end cannot see: ", blind);
      return;
    }
    const Json& seen = (*answer)["seen"];
    const auto differences = Differences(expected, seen);
    if (differences.empty()) {
      finding.carried = Carried::kWhole;
      return;
    }
    const absl::Time now = absl::Now();
    if (IsThere(command, seen)) settle = std::min(settle, now + kBetterMayFollow);
    if (now >= settle) {
      const bool nothing = MakesMessage(command) && !seen.contains("message");
      finding.carried = nothing ? Carried::kLies : Carried::kPartial;
      finding.detail =
          nothing ? "it says sent, and the far end sees nothing"
                  : absl::StrCat("the far end sees otherwise: ", absl::StrJoin(differences, ", "));
      return;
    }
    absl::SleepFor(kLookAgain);
  }
}

}  // namespace postern::conformance
