// SPDX-License-Identifier: Apache-2.0
// Pages of a list that has an order by key: which entries belong on this page, and what asks for
// the next one (AIP-158). Tokens are sealed for one caller, method and request.
#pragma once

#include <absl/status/statusor.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/request_check.h"
#include "permissions/id_cipher.h"
#include "platform/status_macros.h"

namespace postern::broker {

// Puts a list into the order of the ids that the caller knows: in the broker's own order two apps
// could tell which of their chats are the same. 'encode' gives an item the caller's id.
template <typename Item, typename Encode>
std::vector<std::pair<std::string, Item>> InCallersOrder(std::vector<Item> items, Encode encode) {
  std::vector<std::pair<std::string, Item>> ordered;
  ordered.reserve(items.size());
  for (Item& item : items) {
    std::string id = encode(item);
    ordered.emplace_back(std::move(id), std::move(item));
  }
  std::sort(ordered.begin(), ordered.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return ordered;
}

class PageReader {
 public:
  // INVALID_ARGUMENT for a negative size or a token that does not continue this request.
  static absl::StatusOr<PageReader> Open(const permissions::TokenSealer& sealer,
                                         std::string_view method, std::string_view request,
                                         int page_size, const std::string& page_token) {
    ASSIGN_OR_RETURN(const int size, CheckedPageSize(page_size));
    PageReader page(sealer, method, request, size);
    if (!page_token.empty()) {
      std::optional<std::string> after = sealer.Open(method, request, page_token);
      if (!after.has_value()) return InvalidPageToken();
      page.after_ = *std::move(after);
    }
    return page;
  }

  // Call with the keys in ascending order; true for those on this page.
  bool Takes(const std::string& key) {
    if (key <= after_) return false;
    if (taken_ >= size_) {
      more_ = true;
      return false;
    }
    ++taken_;
    last_ = key;
    return true;
  }
  // Empty on the last page.
  std::string NextToken() const { return more_ ? sealer_.Seal(method_, request_, last_) : ""; }

 private:
  PageReader(const permissions::TokenSealer& sealer, std::string_view method,
             std::string_view request, int size)
      : sealer_(sealer), method_(method), request_(request), size_(size) {}

  const permissions::TokenSealer& sealer_;
  std::string method_;
  std::string request_;
  int size_;
  int taken_ = 0;
  bool more_ = false;
  std::string after_;
  std::string last_;
};

}  // namespace postern::broker
