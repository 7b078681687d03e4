// SPDX-License-Identifier: Apache-2.0
// The owner's calls about people: who there is, on which networks, and who is the same person.
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "broker/contact_links.h"
#include "broker/directory.h"
#include "broker/event_view.h"
#include "broker/limits.h"
#include "broker/method_gate.h"
#include "broker/owner_service.h"
#include "broker/owner_sight.h"
#include "broker/page.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "broker/shutdown.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ContactId;

}  // namespace

grpc::Status OwnerService::ListOwnedContacts(grpc::ServerContext* context,
                                             const v1::ListOwnedContactsRequest* request,
                                             v1::ListOwnedContactsResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ListOwnedContacts", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& book = parts_.pseudonyms.Of(caller.principal);
        ASSIGN_OR_RETURN(PageReader page,
                         PageReader::Open(book.tokens, "ListOwnedContacts", "",
                                          request->page_size(), request->page_token()));
        // The whole address book: as with text, the owner's key alone does not open it.
        RETURN_IF_ERROR(parts_.sight.Admit(
            caller, {}, [&] { return context->IsCancelled() || parts_.shutdown.begun(); }));
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
              RETURN_IF_ERROR(TellLinks(parts_));
              for (const ContactId& id : person) {
                std::optional<v1::Contact> contact = parts_.directory.FindContact(id);
                if (!contact.has_value()) continue;
                HideIds(*contact, book.pseudonyms);
                // Who they are, not how to reach them: nobody was asked.
                contact->clear_addresses();
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
                                      RETURN_IF_ERROR(parts_.directory.Unlink(contact).status());
                                      return TellLinks(parts_);
                                    });
      });
}

}  // namespace postern::broker
