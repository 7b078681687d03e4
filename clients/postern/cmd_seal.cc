// SPDX-License-Identifier: Apache-2.0
// `postern seal`, `postern seal list` and `postern unseal`: what no app sees, and the way back.
#include <absl/strings/str_cat.h>

#include <map>
#include <memory>

#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/names.h"
#include "clients/postern/owner.h"
#include "clients/postern/pick.h"
#include "clients/postern/waiting.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

struct Options {
  std::string chat;
  std::string person;
  bool off_device = false;
  // `postern seal list`.
  CLI::App* list = nullptr;
};

// People are found by the chats they are in.
absl::StatusOr<Candidate> FindPerson(Owner& owner, const std::string& text) {
  ASSIGN_OR_RETURN(const std::vector<v1::Chat> chats, owner.ListChats());
  std::map<std::string, std::vector<std::string>> people;
  for (const v1::Chat& chat : chats) {
    for (const v1::Participant& participant : chat.participants()) {
      people[participant.contact_id()].push_back(participant.display_name());
    }
    // A 1:1 chat bears the other person's name.
    if (!chat.peer_contact_id().empty()) people[chat.peer_contact_id()].push_back(chat.name());
  }
  std::vector<Candidate> candidates;
  for (auto& [id, names] : people) candidates.push_back({id, std::move(names)});
  ASSIGN_OR_RETURN(const size_t index, Pick(candidates, text, "person"));
  return candidates[index];
}

std::string ReachText(const v1::SealedObject& seal) {
  return seal.reach() == v1::SEAL_REACH_OFF_DEVICE ? "apps that take text off this device"
                                                   : "all apps";
}

ExitCode RunList(Context& context) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto seals = (*owner)->ListSeals();
  if (!seals.ok()) return Fail(context, seals.status(), Caller::kOwner);
  if (context.json) {
    v1::ListSealsResponse response;
    response.mutable_seals()->Assign(seals->begin(), seals->end());
    context.out.Line(Json(response));
    return ExitCode::kOk;
  }
  Table table({"ID", "WHAT", "NAME", "KEEPS OUT", "BY", "SINCE"});
  for (const v1::SealedObject& seal : *seals) {
    table.AddRow({ShortId(seal.has_chat_id() ? seal.chat_id() : seal.contact_id()),
                  seal.has_chat_id() ? "chat" : "person", seal.name(), ReachText(seal),
                  seal.objected() ? "themselves" : "you", TimeText(seal.seal_time())});
  }
  if (table.empty()) {
    context.out.Line("Nothing is sealed.");
  } else {
    table.Print(context.out);
  }
  return ExitCode::kOk;
}

ExitCode RunSeal(Context& context, const Options& options) {
  if (options.list->parsed()) return RunList(context);
  if (options.chat.empty() == options.person.empty()) {
    return Fail(context, {ExitCode::kUsage, "INVALID_ARGUMENT",
                          "Say which: a chat, or a person with --person.",
                          "`postern chats list` shows what there is."});
  }
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  v1::SealRequest request;
  request.set_reach(options.off_device ? v1::SEAL_REACH_OFF_DEVICE : v1::SEAL_REACH_ALL_APPS);
  std::string name;
  if (!options.person.empty()) {
    const auto person = FindPerson(**owner, options.person);
    if (!person.ok()) return Fail(context, person.status(), Caller::kOwner);
    request.set_contact_id(person->id);
    name = person->names.empty() ? options.person : person->names.front();
  } else {
    const auto chat = (*owner)->FindChat(options.chat);
    if (!chat.ok()) return Fail(context, chat.status(), Caller::kOwner);
    request.set_chat_id(chat->id());
    name = chat->name();
  }
  const auto response = (*owner)->Seal(std::move(request));
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  context.out.Line(
      context.json
          ? Json(*response)
          : absl::StrCat("Sealed: “", VisibleText(name), "”. ",
                         options.off_device
                             ? "Apps that take text off this device get a mark in place of each "
                               "message."
                             : "For apps it is as if it were not there.",
                         " `postern unseal` opens it again, and asks you first."));
  return ExitCode::kOk;
}

ExitCode RunUnseal(Context& context, const std::string& text) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto seals = (*owner)->ListSeals();
  if (!seals.ok()) return Fail(context, seals.status(), Caller::kOwner);
  std::vector<Candidate> candidates;
  for (const v1::SealedObject& seal : *seals) {
    candidates.push_back({seal.has_chat_id() ? seal.chat_id() : seal.contact_id(), {seal.name()}});
  }
  const auto index = Pick(candidates, text, "sealed chat or person");
  if (!index.ok()) return Fail(context, index.status(), Caller::kOwner);
  const v1::SealedObject& seal = (*seals)[*index];
  v1::UnsealRequest request;
  if (seal.has_chat_id()) {
    request.set_chat_id(seal.chat_id());
  } else {
    request.set_contact_id(seal.contact_id());
  }
  const auto response = [&] {
    const Waiting waiting(context);
    return (*owner)->Unseal(std::move(request));
  }();
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  context.out.Line(context.json ? Json(*response)
                                : absl::StrCat("Open again, as grants allow: “",
                                               VisibleText(seal.name()), "”."));
  return ExitCode::kOk;
}

}  // namespace

void AddSealAndUnseal(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* seal = line.AddCommand(
      line.root(),
      {.name = "seal",
       .summary = "Close a chat or a person to all apps",
       .more = "A seal outranks every grant, at once. A sealed person's messages are closed in "
               "groups too.",
       .examples = {"postern seal Family", "postern seal --person 'Bob Smith'",
                    "postern seal Work --off-device", "postern seal list"}},
      [options](Context& context) { return RunSeal(context, *options); });
  seal->add_option("CHAT", options->chat, "The chat, by name or id");
  seal->add_option("--person", options->person, "A person, by name or id");
  seal->add_flag("--off-device", options->off_device,
                 "Only to apps that take text off this device");
  options->list = line.AddCommand(seal,
                                  {.name = "list",
                                   .summary = "List what is sealed, and by whom",
                                   .more = "People who object are listed too.",
                                   .examples = {"postern seal list", "postern seal list --json"}},
                                  RunList);
  auto what = std::make_shared<std::string>();
  line.AddCommand(
          line.root(),
          {.name = "unseal",
           .summary = "Open a sealed chat or person again",
           .more =
               "Asks you in Postern's own question. Who objected themselves is told in the chat.",
           .examples = {"postern unseal Family"}},
          [what](Context& context) { return RunUnseal(context, *what); })
      ->add_option("WHAT", *what, "The chat or person, by name or id")
      ->required();
}

}  // namespace postern::cli
