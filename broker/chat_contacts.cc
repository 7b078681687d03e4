// SPDX-License-Identifier: Apache-2.0
// The calls by which apps see people.
#include <optional>
#include <string>
#include <utility>

#include "broker/address.h"
#include "broker/asker.h"
#include "broker/chat_service.h"
#include "broker/contact_view.h"
#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/event_view.h"
#include "broker/method_gate.h"
#include "broker/open_chat.h"
#include "broker/page.h"
#include "broker/request_check.h"
#include "broker/send_limits.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::AccountId;
using permissions::ContactId;
using permissions::Scope;

grpc::Status ChatService::ListContacts(grpc::ServerContext* context,
                                       const v1::ListContactsRequest* request,
                                       v1::ListContactsResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.ChatService/ListContacts", request,
      [&](const Caller& caller) -> absl::Status {
        const Asker asker(parts_, caller);
        const permissions::Pseudonyms& pseudonyms = asker.book.pseudonyms;
        const Viewer& viewer = asker.viewer;
        ASSIGN_OR_RETURN(PageReader page,
                         PageReader::Open(asker.book.tokens, "ListContacts", request->account_id(),
                                          request->page_size(), request->page_token()));
        std::string only_account;
        if (!request->account_id().empty()) {
          ASSIGN_OR_RETURN(
              const AccountId account,
              CheckedId("account_id", pseudonyms.DecodeAccount(request->account_id())));
          only_account = IdText(account);
        }
        RETURN_IF_ERROR(RequireScope(viewer, Scope::kContactsRead));
        const ContactSights sights(viewer);
        for (auto& [shown_id, contact] :
             InCallersOrder(parts_.directory.Contacts(), [&](const v1::Contact& item) {
               return pseudonyms.Encode(IdFromText<ContactId>(item.id()));
             })) {
          if (!only_account.empty() && contact.account_id() != only_account) continue;
          const ContactSight sight = sights.Of(contact);
          if (!sight.seen || !page.Takes(shown_id)) continue;
          ReduceContact(
              viewer, sight, [&](const v1::Contact& other) { return sights.Of(other).seen; },
              contact);
          HideIds(contact, pseudonyms);
          *response->add_contacts() = std::move(contact);
        }
        response->set_next_page_token(page.NextToken());
        return absl::OkStatus();
      });
}

grpc::Status ChatService::ResolveContact(grpc::ServerContext* context,
                                         const v1::ResolveContactRequest* request,
                                         v1::ResolveContactResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.ChatService/ResolveContact", request,
      [&](const Caller& caller) -> absl::Status {
        const Asker asker(parts_, caller);
        const Viewer& viewer = asker.viewer;
        ASSIGN_OR_RETURN(
            const AccountId account,
            CheckedId("account_id", asker.book.pseudonyms.DecodeAccount(request->account_id())));
        if (!IsAddress(request->address())) {
          return InvalidField("address", "must have a scheme, e.g. \"tel:+15551234\"");
        }
        RETURN_IF_ERROR(RequireScope(viewer, Scope::kContactsIdentify));
        // Whatever the answer: else it could be had by trying.
        RETURN_IF_ERROR(parts_.limits.TakeResolve(caller.principal));
        const std::optional<ContactId> id =
            parts_.directory.FindByAddress(account, request->address());
        std::optional<v1::Contact> contact;
        if (id.has_value()) contact = parts_.directory.FindContact(*id);
        if (!contact.has_value()) return NotFound("address");
        const ContactSight sight = SightOf(viewer, *contact);
        if (!sight.identified) return NotFound("address");
        // Who may not list people learns who is behind the address, and nothing else of them.
        if (!sight.seen) {
          v1::Contact named;
          named.set_id(contact->id());
          named.set_account_id(contact->account_id());
          named.set_display_name(contact->display_name());
          *named.mutable_addresses() = contact->addresses();
          contact = std::move(named);
        }
        ReduceContact(
            viewer, sight, [&](const v1::Contact& other) { return SightOf(viewer, other).seen; },
            *contact);
        HideIds(*contact, asker.book.pseudonyms);
        *response->mutable_contact() = *std::move(contact);
        return absl::OkStatus();
      });
}

}  // namespace postern::broker
