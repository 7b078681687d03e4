// SPDX-License-Identifier: Apache-2.0
// `postern contacts list`, `link` and `unlink`: people, one contact for each network they are on.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

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

// Postern asks the person first, unless it has lately.
absl::StatusOr<std::vector<v1::Contact>> AllContacts(Context& context, Owner& owner) {
  const Waiting waiting(context);
  return owner.ListContacts();
}

ExitCode RunList(Context& context) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto contacts = AllContacts(context, **owner);
  if (!contacts.ok()) return Fail(context, contacts.status(), Caller::kOwner);
  if (context.json) {
    v1::ListOwnedContactsResponse response;
    response.mutable_contacts()->Assign(contacts->begin(), contacts->end());
    context.out.Line(Json(response));
    return ExitCode::kOk;
  }
  const auto accounts = (*owner)->ListAccounts();
  if (!accounts.ok()) return Fail(context, accounts.status(), Caller::kOwner);
  std::map<std::string, std::string> networks;
  for (const v1::Account& account : *accounts) networks[account.id()] = account.network();
  Table table({"CONTACT", "NAME", "NETWORK", "ADDRESSES", "SAME PERSON AS"});
  for (const v1::Contact& contact : *contacts) {
    std::vector<std::string> linked;
    for (const std::string& id : contact.linked_contact_ids()) linked.push_back(ShortId(id));
    table.AddRow({ShortId(contact.id()),
                  contact.is_self() ? absl::StrCat(contact.display_name(), " (you)")
                                    : contact.display_name(),
                  networks[contact.account_id()], absl::StrJoin(contact.addresses(), " "),
                  absl::StrJoin(linked, " ")});
  }
  if (table.empty()) {
    context.out.Line("There is nobody here yet.");
  } else {
    table.SortBy(1);
    table.Print(context.out);
  }
  return ExitCode::kOk;
}

// The contact that a person names: by name, address or id.
absl::StatusOr<v1::Contact> FindContact(const std::vector<v1::Contact>& contacts,
                                        const std::string& text) {
  std::vector<Candidate> candidates;
  for (const v1::Contact& contact : contacts) {
    Candidate candidate{contact.id(), {contact.display_name()}};
    for (const std::string& address : contact.addresses()) candidate.names.push_back(address);
    candidates.push_back(std::move(candidate));
  }
  ASSIGN_OR_RETURN(const size_t index, Pick(candidates, text, "contact"));
  return contacts[index];
}

std::string NameOf(const v1::Contact& contact) {
  return contact.display_name().empty()
             ? ShortId(contact.id())
             : absl::StrCat("“", VisibleText(contact.display_name()), "”");
}

ExitCode RunLink(Context& context, const std::vector<std::string>& texts) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto contacts = AllContacts(context, **owner);
  if (!contacts.ok()) return Fail(context, contacts.status(), Caller::kOwner);
  std::vector<std::string> ids;
  for (const std::string& text : texts) {
    const auto contact = FindContact(*contacts, text);
    if (!contact.ok()) return Fail(context, contact.status(), Caller::kOwner);
    ids.push_back(contact->id());
  }
  const auto response = (*owner)->LinkContacts(ids);
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*response));
    return ExitCode::kOk;
  }
  std::vector<std::string> names;
  for (const v1::Contact& contact : response->contacts()) names.push_back(NameOf(contact));
  context.out.Line(absl::StrCat("One person now: ", absl::StrJoin(names, ", "),
                                ". Grants and seals still go by contact."));
  return ExitCode::kOk;
}

ExitCode RunUnlink(Context& context, const std::string& text) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto contacts = AllContacts(context, **owner);
  if (!contacts.ok()) return Fail(context, contacts.status(), Caller::kOwner);
  const auto contact = FindContact(*contacts, text);
  if (!contact.ok()) return Fail(context, contact.status(), Caller::kOwner);
  const auto response = (*owner)->UnlinkContact(contact->id());
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  context.out.Line(context.json ? Json(*response)
                                : absl::StrCat(NameOf(*contact), " stands alone again."));
  return ExitCode::kOk;
}

}  // namespace

void AddContacts(CommandLine& line) {
  CLI::App* contacts =
      line.AddGroup({.name = "contacts",
                     .summary = "The people of your accounts",
                     .more = {},
                     .examples = {"postern contacts list",
                                  "postern contacts link xmpp:bob@example.org tel:+15551234"}});
  line.AddCommand(
      contacts,
      {.name = "list",
       .summary = "List people, with the addresses they are known by",
       .more = "A person on two networks is two contacts, until you link them. Postern asks you "
               "first: the owner's key alone does not open your address book.",
       .examples = {"postern contacts list", "postern contacts list --json"}},
      RunList);
  auto who = std::make_shared<std::vector<std::string>>();
  line.AddCommand(
          contacts,
          {.name = "link",
           .summary = "Say that contacts are the same person",
           .more = "Apps that may see more than one of them are told so. Nothing else follows from "
                   "it: grants and seals go by contact. Postern asks you first, as for the list.",
           .examples = {"postern contacts link xmpp:bob@example.org tel:+15551234",
                        "postern contacts link 3fKq2b8d 9cVw71aa"}},
          [who](Context& context) { return RunLink(context, *who); })
      ->add_option("WHO", *who, "Two or more contacts, by name, address or id")
      ->required()
      ->expected(2, 50);
  auto one = std::make_shared<std::string>();
  line.AddCommand(contacts,
                  {.name = "unlink",
                   .summary = "Take a contact out of its person again",
                   .more = "The others stay linked. Postern asks you first, as for the list.",
                   .examples = {"postern contacts unlink tel:+15551234"}},
                  [one](Context& context) { return RunUnlink(context, *one); })
      ->add_option("WHO", *one, "The contact, by name, address or id")
      ->required();
}

}  // namespace postern::cli
