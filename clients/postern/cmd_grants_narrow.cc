// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <memory>
#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/owner.h"
#include "clients/postern/pick.h"
#include "clients/postern/time_text.h"
#include "clients/sdk/manifest.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

struct Options {
  std::string grant;
  std::vector<std::string> scopes;
  std::vector<std::string> chats;
  std::string until;
  bool no_start = false;
};

absl::StatusOr<v1::NarrowGrantRequest> MakeRequest(Owner& owner, const Options& options) {
  v1::NarrowGrantRequest request;
  for (const std::string& name : options.scopes) {
    const v1::Scope scope = sdk::ScopeOf(name);
    if (scope == v1::SCOPE_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          absl::StrCat("There is no scope “", VisibleText(name), "”."));
    }
    request.add_remove_scopes(scope);
  }
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(const absl::Time until, ParseTime(options.until, absl::Now()));
    *request.mutable_expire_time() = ToTimestamp(until);
  }
  if (!options.chats.empty()) {
    ASSIGN_OR_RETURN(const std::vector<v1::Chat> chats, owner.ListChats());
    std::vector<Candidate> candidates;
    for (const v1::Chat& chat : chats) candidates.push_back({chat.id(), {chat.name()}});
    for (const std::string& text : options.chats) {
      ASSIGN_OR_RETURN(const size_t index, Pick(candidates, text, "chat"));
      request.add_remove_chat_ids(chats[index].id());
    }
  }
  ASSIGN_OR_RETURN(const v1::OwnedGrant grant, owner.FindGrant(options.grant));
  request.set_grant_id(grant.grant().id());
  request.set_remove_may_start(options.no_start);
  return request;
}

ExitCode RunNarrow(Context& context, const Options& options) {
  if (options.scopes.empty() && options.chats.empty() && options.until.empty() &&
      !options.no_start) {
    return Fail(context, {ExitCode::kUsage, "INVALID_ARGUMENT", "Nothing to narrow was named.",
                          "Say --remove-scope, --remove-chat, --until or --no-start."});
  }
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto request = MakeRequest(**owner, options);
  if (!request.ok()) return Fail(context, request.status(), Caller::kOwner);
  const auto response = (*owner)->NarrowGrant(*request);
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*response));
    return ExitCode::kOk;
  }
  const v1::Grant& grant = response->grant().grant();
  context.out.Line(absl::StrCat("Narrowed. “", VisibleText(response->grant().app_display_name()),
                                "” now holds: ", ScopesText(grant.scopes()), "; ",
                                SelectionText(grant.selection()), "; ",
                                ValidityText(grant.validity()), "."));
  return ExitCode::kOk;
}

}  // namespace

void AddGrantsNarrow(CommandLine& line, CLI::App* grants) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      grants,
      {.name = "narrow",
       .summary = "Take scopes or chats out of a grant, or end it sooner",
       .more = "It takes hold at once, also on live streams. Nothing can be added this way.",
       .examples = {"postern grants narrow 5d1e90aa --remove-scope messages:send",
                    "postern grants narrow 5d1e90aa --remove-chat Family --until 7d",
                    "postern grants narrow 5d1e90aa --until 2026-12-31"}},
      [options](Context& context) { return RunNarrow(context, *options); });
  command->add_option("GRANT", options->grant, "The grant's id, or its start")->required();
  command->add_option("--remove-scope", options->scopes, "A scope to take out; may be repeated")
      ->allow_extra_args(false);
  command
      ->add_option("--remove-chat", options->chats,
                   "A chat to take out, by name or id; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--until", options->until,
                      "An earlier end: 30min, 12h, 7d, 2026-12-31, or RFC 3339");
  command->add_flag("--no-start", options->no_start,
                    "No longer start the app when something arrives for it");
}

}  // namespace postern::cli
