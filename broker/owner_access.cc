// SPDX-License-Identifier: Apache-2.0
// OwnerService, the part that looks back: the access history and the check of both chains.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>

#include "broker/access_history.h"
#include "broker/app_registry.h"
#include "broker/event_log.h"
#include "broker/limits.h"
#include "broker/method_gate.h"
#include "broker/owner_service.h"
#include "broker/proto_time.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/shutdown.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::Principal;

absl::StatusOr<Principal> OptionalPrincipal(const std::string& hex) {
  const Principal principal = Principal::FromHex(hex);
  if (!hex.empty() && principal.empty()) return InvalidField("principal", "must be 64 hex digits");
  return principal;
}

absl::StatusOr<AccessFilter> FilterOf(const v1::ListAccessHistoryRequest& request,
                                      const permissions::Pseudonyms& pseudonyms) {
  AccessFilter filter;
  ASSIGN_OR_RETURN(filter.principal, OptionalPrincipal(request.principal()));
  if (!request.chat_id().empty()) {
    ASSIGN_OR_RETURN(filter.chat, CheckedId("chat_id", pseudonyms.DecodeChat(request.chat_id())));
  }
  for (const int verb : request.verbs()) {
    if (!v1::AccessVerb_IsValid(verb) || verb == v1::ACCESS_VERB_UNSPECIFIED) {
      return InvalidField("verbs", "names a verb this broker does not know");
    }
    filter.verbs |= 1U << static_cast<unsigned>(verb);
  }
  if (request.has_start_time()) filter.start = FromProto(request.start_time());
  if (request.has_end_time()) filter.end = FromProto(request.end_time());
  return filter;
}

// What a page token continues.
std::string FilterText(v1::ListAccessHistoryRequest request) {
  request.clear_page_size();
  request.clear_page_token();
  return request.SerializeAsString();
}

v1::AccessEntry WireEntry(const AccessRow& row, const permissions::Pseudonyms& pseudonyms,
                          const AppRegistry& apps) {
  v1::AccessEntry entry;
  entry.set_sequence(row.sequence);
  *entry.mutable_record_time() = ToProto(row.time);
  entry.set_verb(row.verb);
  entry.set_count(row.count);
  entry.set_reason(row.reason);
  if (!row.principal.empty()) {
    entry.set_principal(row.principal.ToHex());
    entry.set_app_display_name(apps.Find(row.principal)->app.display_name());
  }
  if (!row.chat.empty()) entry.set_chat_id(pseudonyms.Encode(row.chat));
  if (!row.grant.empty()) entry.set_grant_id(pseudonyms.Encode(row.grant));
  if (row.sequence != 0) entry.set_record_hash(row.chain.data(), row.chain.size());
  return entry;
}

}  // namespace

grpc::Status OwnerService::ListAccessHistory(grpc::ServerContext* context,
                                             const v1::ListAccessHistoryRequest* request,
                                             v1::ListAccessHistoryResponse* response) {
  constexpr std::string_view kMethod = "ListAccessHistory";
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ListAccessHistory", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& book = parts_.pseudonyms.Of(caller.principal);
        ASSIGN_OR_RETURN(const int page_size, CheckedPageSize(request->page_size()));
        ASSIGN_OR_RETURN(const AccessFilter filter, FilterOf(*request, book.pseudonyms));
        uint64_t before = 0;
        if (!request->page_token().empty()) {
          const auto payload =
              book.tokens.Open(kMethod, FilterText(*request), request->page_token());
          if (!payload.has_value() || !absl::SimpleAtoi(*payload, &before) || before == 0) {
            return InvalidPageToken();
          }
        }
        ASSIGN_OR_RETURN(const AccessHistory::Page page,
                         parts_.accesses.List(filter, before, page_size));
        for (const AccessRow& row : page.rows) {
          *response->add_entries() = WireEntry(row, book.pseudonyms, parts_.apps);
        }
        if (page.next_before != 0) {
          response->set_next_page_token(
              book.tokens.Seal(kMethod, FilterText(*request), absl::StrCat(page.next_before)));
        }
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::SummarizeAccess(grpc::ServerContext* context,
                                           const v1::SummarizeAccessRequest* request,
                                           v1::SummarizeAccessResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/SummarizeAccess", request,
      [&](const Caller&) -> absl::Status {
        ASSIGN_OR_RETURN(const Principal principal, OptionalPrincipal(request->principal()));
        if (!request->has_start_time()) return InvalidField("start_time", "must be set");
        if (!request->has_end_time()) return InvalidField("end_time", "must be set");
        const absl::Time start = FromProto(request->start_time());
        const absl::Time end = FromProto(request->end_time());
        if (end <= start) return InvalidField("end_time", "must be after 'start_time'");
        const absl::Duration stretch = absl::Seconds(request->stretch().seconds()) +
                                       absl::Nanoseconds(request->stretch().nanos());
        if (stretch < absl::Minutes(1)) return InvalidField("stretch", "must be at least a minute");
        if (absl::Ceil(end - start, stretch) > stretch * kAccessStretchesMax) {
          return InvalidField("stretch", absl::StrCat("must leave at most ", kAccessStretchesMax,
                                                      " stretches between the times"));
        }
        ASSIGN_OR_RETURN(const std::vector<AccessHistory::Sum> sums,
                         parts_.accesses.Summarize(principal, start, end, stretch));
        for (const AccessHistory::Sum& sum : sums) {
          v1::AccessSummary& summary = *response->add_summaries();
          if (!sum.principal.empty()) summary.set_principal(sum.principal.ToHex());
          *summary.mutable_start_time() = ToProto(sum.start);
          summary.set_read_count(sum.read);
          summary.set_send_count(sum.sent);
          summary.set_refused_count(sum.refused);
          summary.set_withheld_count(sum.withheld);
        }
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::Verify(grpc::ServerContext* context, const v1::VerifyRequest* request,
                                  v1::VerifyResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/Verify", request, [&](const Caller&) -> absl::Status {
        const auto stop = [&] { return context->IsCancelled() || parts_.shutdown.begun(); };
        ASSIGN_OR_RETURN(const std::optional<Sequence> bad, parts_.log.VerifyAll(stop));
        ASSIGN_OR_RETURN(const AccessHistory::Finding accesses, parts_.accesses.Verify(stop));
        response->set_intact(!bad.has_value() && accesses.first_bad == 0);
        response->set_record_count(parts_.log.event_count());
        response->set_access_record_count(accesses.rows);
        if (bad.has_value()) {
          response->set_first_bad_sequence(*bad);
          response->set_finding("a record of the log is missing or was changed");
        }
        if (accesses.first_bad != 0) {
          response->set_first_bad_access_sequence(accesses.first_bad);
          response->set_finding(
              absl::StrCat(response->finding(), response->finding().empty() ? "" : "; ",
                           "a row of the access history is missing or was changed"));
        }
        return absl::OkStatus();
      });
}

}  // namespace postern::broker
