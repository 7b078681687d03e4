// SPDX-License-Identifier: Apache-2.0
// The owner's calls about who sees which chat, and who is told of it.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/access_history.h"
#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/event_intake.h"
#include "broker/method_gate.h"
#include "broker/owner_service.h"
#include "broker/page.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::AccountId;

grpc::Status OwnerService::ListDisclosures(grpc::ServerContext* context,
                                           const v1::ListDisclosuresRequest* request,
                                           v1::ListDisclosuresResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ListDisclosures", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& book = parts_.pseudonyms.Of(caller.principal);
        ASSIGN_OR_RETURN(PageReader page,
                         PageReader::Open(book.tokens, "ListDisclosures", "", request->page_size(),
                                          request->page_token()));
        ASSIGN_OR_RETURN(std::vector<DisclosureBook::Shown> all, parts_.disclosures.List());
        std::sort(all.begin(), all.end(),
                  [](const auto& a, const auto& b) { return a.chat < b.chat; });
        for (const DisclosureBook::Shown& shown : all) {
          if (!page.Takes(IdText(shown.chat))) continue;
          v1::ChatDisclosure& disclosure = *response->add_disclosures();
          disclosure.set_chat_id(book.pseudonyms.Encode(shown.chat));
          for (const AudienceApp& app : shown.audience) {
            disclosure.add_principals(app.principal.ToHex());
            *disclosure.add_apps() = ToWire(app);
          }
          disclosure.set_leaves_device(LeavesDevice(shown.audience));
          const std::optional<v1::Chat> chat = parts_.directory.FindChat(shown.chat);
          if (chat.has_value()) disclosure.set_name(chat->name());
          disclosure.set_notice_policy(parts_.disclosures.PolicyOf(shown.account));
          disclosure.set_notice_posted(shown.notice_posted);
        }
        response->set_next_page_token(page.NextToken());
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::SetNoticePolicy(grpc::ServerContext* context,
                                           const v1::SetNoticePolicyRequest* request,
                                           v1::SetNoticePolicyResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/SetNoticePolicy", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& pseudonyms = parts_.pseudonyms.Of(caller.principal).pseudonyms;
        ASSIGN_OR_RETURN(const AccountId account,
                         CheckedId("account_id", pseudonyms.DecodeAccount(request->account_id())));
        if (!v1::NoticePolicy_IsValid(request->policy())) {
          return InvalidField("policy", "has a value this broker does not know");
        }
        const std::vector<v1::Account> accounts = parts_.directory.Accounts();
        if (std::none_of(accounts.begin(), accounts.end(), [&](const v1::Account& known) {
              return IdFromText<AccountId>(known.id()) == account;
            })) {
          return NotFound("account_id");
        }
        return parts_.requests.Once(
            caller.principal, "SetNoticePolicy", request->request_id(), *request, *response,
            [&] { return parts_.disclosures.SetPolicy(account, request->policy()); });
      });
}

}  // namespace postern::broker
