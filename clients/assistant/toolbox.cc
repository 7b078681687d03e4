// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/toolbox.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <utility>

#include "clients/assistant/log.h"
#include "clients/assistant/problem.h"
#include "clients/assistant/untrusted.h"
#include "clients/sdk/silence.h"

namespace postern::assistant {
namespace {

Json Annotations(const Tool& tool) {
  const bool reads = tool.effect == Effect::kReads || tool.effect == Effect::kLooks;
  return {{"title", tool.title},
          {"readOnlyHint", reads},
          // What is sent cannot be taken back.
          {"destructiveHint", tool.effect == Effect::kSends},
          {"idempotentHint", reads},
          // It reaches people, or brings in what people wrote.
          {"openWorldHint", tool.effect == Effect::kReads || tool.effect == Effect::kSends}};
}

Json TextBlock(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json Success(const Tool& tool, ToolAnswer answer) {
  Json content = Json::array();
  if (tool.effect == Effect::kReads) {
    content.push_back(TextBlock(kUntrustedNotice));
    answer.structured["untrusted_content"] = kUntrustedNotice;
  }
  // For clients that do not read structuredContent.
  content.push_back(TextBlock(Dump(answer.structured)));
  for (Json& block : answer.content) content.push_back(std::move(block));
  return {{"content", std::move(content)},
          {"structuredContent", std::move(answer.structured)},
          {"isError", false}};
}

}  // namespace

Toolbox::Toolbox(const Config& config, BrokerLink& link) : config_(config), link_(link) {
  for (const auto& tools : {ChatTools(config), MessageTools(config)}) {
    tools_.insert(tools_.end(), tools.begin(), tools.end());
  }
  tools_.push_back(MediaTool());
  for (Tool& tool : SendTools(config)) tools_.push_back(std::move(tool));
  list_ = Json::array();
  for (const Tool& tool : tools_) {
    list_.push_back({{"name", tool.name},
                     {"title", tool.title},
                     {"description", tool.description},
                     {"inputSchema", tool.schema},
                     {"annotations", Annotations(tool)}});
  }
}

absl::Status Toolbox::KeepPace() {
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mutex_);
  if (now - minute_ >= absl::Minutes(1) || now < minute_) {
    minute_ = now;
    calls_ = 0;
  }
  if (++calls_ <= config_.calls_per_minute) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("More than ", config_.calls_per_minute, " calls in a minute. Try again in ",
                   sdk::WaitInWords(minute_ + absl::Minutes(1) - now), "."));
}

absl::StatusOr<ToolAnswer> Toolbox::Run(const Tool& tool, const Json& arguments) {
  const auto checked = Arguments::Check(arguments, tool.schema);
  if (!checked.ok()) return checked.status();
  if (absl::Status pace = KeepPace(); !pace.ok()) return pace;
  const auto client = link_.Client();
  if (!client.ok()) return client.status();
  return tool.run({*client, config_, *checked, outcomes_});
}

std::optional<Json> Toolbox::Call(const std::string& name, const Json& arguments) {
  for (const Tool& tool : tools_) {
    if (name != tool.name) continue;
    const absl::Time start = absl::Now();
    auto answer = Run(tool, arguments);
    Log(absl::StrCat("event=call tool=", tool.name,
                     " outcome=", absl::StatusCodeToString(answer.status().code()),
                     " ms=", absl::ToInt64Milliseconds(absl::Now() - start)));
    if (answer.ok()) return Success(tool, *std::move(answer));
    return Json{{"content", Json::array({TextBlock(Visible(Problem(answer.status())))})},
                {"isError", true}};
  }
  return std::nullopt;
}

}  // namespace postern::assistant
