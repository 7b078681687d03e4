// SPDX-License-Identifier: Apache-2.0
// OwnerService, the part about the duty to erase.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "broker/app_registry.h"
#include "broker/erasure_book.h"
#include "broker/method_gate.h"
#include "broker/owner_service.h"
#include "broker/page.h"
#include "broker/proto_time.h"
#include "broker/pseudonym_book.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

v1::AppErasure WireErasure(const ErasureBook::Erasure& erasure, const AppRegistry& apps) {
  v1::AppErasure wire;
  wire.set_principal(erasure.app.ToHex());
  wire.set_app_display_name(apps.Find(erasure.app)->app.display_name());
  wire.set_unconfirmed_count(erasure.unconfirmed);
  if (erasure.oldest_ask != absl::InfiniteFuture()) {
    *wire.mutable_oldest_ask_time() = ToProto(erasure.oldest_ask);
  }
  wire.set_everything_asked(erasure.everything_asked);
  wire.set_everything_confirmed(erasure.everything_confirmed);
  if (erasure.confirm_time != absl::InfinitePast()) {
    *wire.mutable_confirm_time() = ToProto(erasure.confirm_time);
  }
  return wire;
}

}  // namespace

grpc::Status OwnerService::ListErasures(grpc::ServerContext* context,
                                        const v1::ListErasuresRequest* request,
                                        v1::ListErasuresResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ListErasures", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(
            PageReader page,
            PageReader::Open(parts_.pseudonyms.Of(caller.principal).tokens, "ListErasures", "",
                             request->page_size(), request->page_token()));
        // Those that have not confirmed first.
        std::vector<std::pair<std::string, ErasureBook::Erasure>> sorted;
        for (const ErasureBook::Erasure& erasure : parts_.erasures.All()) {
          sorted.emplace_back((erasure.open() ? "0" : "1") + erasure.app.ToHex(), erasure);
        }
        std::sort(sorted.begin(), sorted.end(),
                  [](const auto& a, const auto& b) { return a.first < b.first; });
        for (const auto& [key, erasure] : sorted) {
          if (page.Takes(key)) *response->add_erasures() = WireErasure(erasure, parts_.apps);
        }
        response->set_next_page_token(page.NextToken());
        return absl::OkStatus();
      });
}

}  // namespace postern::broker
