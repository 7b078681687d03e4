// SPDX-License-Identifier: Apache-2.0
// The owner's calls about people: who there is, on which networks, and who is the same person.
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "broker/access_history.h"
#include "broker/broker_event.h"
#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/limits.h"
#include "broker/method_gate.h"
#include "broker/owner_service.h"
#include "broker/page.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ContactId;

// Tells the apps that may see these contacts that somebody is linked with them, or no longer: each
// is shown of it what it may see at that moment.
absl::Status TellLinks(const Parts& parts, const std::vector<ContactId>& contacts) {
  for (const ContactId& id : contacts) {
    const std::optional<v1::Contact> contact = parts.directory.FindContact(id);
    if (!contact.has_value()) continue;
    v1::Event event;
    *event.mutable_contact_changed()->mutable_contact() = *contact;
    event.mutable_contact_changed()->mutable_contact()->clear_linked_contact_ids();
    EventLog::Batch batch;
    batch.account = IdFromText<AccountId>(contact->account_id());
    LogRecord record =
        BrokerEvent(batch.account, {}, std::move(event), {}, parts.confirmed_clock.Now());
    // As where the adapter tells of the contact: what is sealed goes by it.
    record.sender = id;
    batch.records.push_back(std::move(record));
    RETURN_IF_ERROR(parts.log.Append(std::move(batch)).status());
  }
  return absl::OkStatus();
}

}  // namespace

grpc::Status OwnerService::ListOwnedContacts(grpc::ServerContext* context,
                                             const v1::ListOwnedContactsRequest* request,
                                             v1::ListOwnedContactsResponse* response) {
  return parts_.gate.Handle(context, "/postern.v1.OwnerService/ListOwnedContacts", request,
                            [&](const Caller& caller) -> absl::Status {
                              const auto& book = parts_.pseudonyms.Of(caller.principal);
                              ASSIGN_OR_RETURN(
                                  PageReader page,
                                  PageReader::Open(book.tokens, "ListOwnedContacts", "",
                                                   request->page_size(), request->page_token()));
                              for (v1::Contact& contact : parts_.directory.Contacts()) {
                                if (!page.Takes(contact.id())) continue;
                                HideIds(contact, book.pseudonyms);
                                *response->add_contacts() = std::move(contact);
                              }
                              response->set_next_page_token(page.NextToken());
                              return absl::OkStatus();
                            });
}

grpc::Status OwnerService::LinkContacts(grpc::ServerContext* context,
                                        const v1::LinkContactsRequest* request,
                                        v1::LinkContactsResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/LinkContacts", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& book = parts_.pseudonyms.Of(caller.principal);
        std::set<ContactId> named;
        for (const std::string& id : request->contact_ids()) {
          ASSIGN_OR_RETURN(const ContactId contact,
                           CheckedId("contact_ids", book.pseudonyms.DecodeContact(id)));
          named.insert(contact);
        }
        if (named.size() < 2 || named.size() > kLinkedContactsMax) {
          return InvalidField("contact_ids", "must name two to 50 contacts");
        }
        return parts_.requests.Once(
            caller.principal, "LinkContacts", request->request_id(), *request, *response,
            [&]() -> absl::Status {
              ASSIGN_OR_RETURN(
                  const std::vector<ContactId> person,
                  parts_.directory.Link(std::vector<ContactId>(named.begin(), named.end())));
              RETURN_IF_ERROR(TellLinks(parts_, person));
              for (const ContactId& id : person) {
                std::optional<v1::Contact> contact = parts_.directory.FindContact(id);
                if (!contact.has_value()) continue;
                HideIds(*contact, book.pseudonyms);
                *response->add_contacts() = *std::move(contact);
              }
              return absl::OkStatus();
            });
      });
}

grpc::Status OwnerService::UnlinkContact(grpc::ServerContext* context,
                                         const v1::UnlinkContactRequest* request,
                                         v1::UnlinkContactResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/UnlinkContact", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(
            const ContactId contact,
            CheckedId("contact_id", parts_.pseudonyms.Of(caller.principal)
                                        .pseudonyms.DecodeContact(request->contact_id())));
        return parts_.requests.Once(caller.principal, "UnlinkContact", request->request_id(),
                                    *request, *response, [&]() -> absl::Status {
                                      ASSIGN_OR_RETURN(const std::vector<ContactId> person,
                                                       parts_.directory.Unlink(contact));
                                      return person.size() > 1 ? TellLinks(parts_, person)
                                                               : absl::OkStatus();
                                    });
      });
}

}  // namespace postern::broker
