// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/chat_names.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <vector>

#include "clients/translator/screen.h"

namespace postern::translator {
namespace {

// More would be no help on one line.
constexpr size_t kNamesShown = 12;

}  // namespace

absl::Status ChatNames::Load(sdk::Client& client) {
  sdk::PageOptions page;
  do {
    const auto chats = client.ListChats({}, page);
    if (!chats.ok()) return chats.status();
    std::lock_guard lock(mutex_);
    for (const v1::Chat& chat : chats->items) names_[chat.id()] = Printable(chat.name());
    page.page_token = chats->next_page_token;
  } while (!page.page_token.empty());
  return absl::OkStatus();
}

void ChatNames::Learn(const v1::Event& event) {
  std::lock_guard lock(mutex_);
  if (event.has_chat_created()) {
    names_[event.chat_id()] = Printable(event.chat_created().chat().name());
  } else if (event.has_chat_changed()) {
    names_[event.chat_id()] = Printable(event.chat_changed().chat().name());
  } else if (event.has_chat_removed()) {
    names_.erase(event.chat_id());
  } else if (event.has_erase_asked() && event.erase_asked().message_ids().empty()) {
    const auto& ids = event.erase_asked().chat_ids();
    if (ids.empty()) names_.erase(event.chat_id());
    for (const std::string& id : ids) names_.erase(id);
  }
}

bool ChatNames::Knows(const std::string& chat_id) const {
  std::lock_guard lock(mutex_);
  return names_.contains(chat_id);
}

std::map<std::string, std::string> ChatNames::All() const {
  std::lock_guard lock(mutex_);
  return names_;
}

std::string ChatNames::NameOf(const std::string& chat_id) const {
  std::lock_guard lock(mutex_);
  const auto place = names_.find(chat_id);
  return place == names_.end() || place->second.empty() ? "a chat" : place->second;
}

absl::StatusOr<std::string> ChatNames::IdOf(const std::string& name) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> fitting;
  std::vector<std::string> all;
  for (const auto& [id, its_name] : names_) {
    if (id == name || absl::EqualsIgnoreCase(its_name, name)) fitting.push_back(id);
    if (!its_name.empty()) all.push_back(its_name);
  }
  if (fitting.size() == 1) return fitting.front();
  if (fitting.size() > 1) {
    return absl::NotFoundError(absl::StrCat(fitting.size(), " chats are named “", name,
                                            "”; rename one in your messenger."));
  }
  std::sort(all.begin(), all.end());
  if (all.size() > kNamesShown) all.resize(kNamesShown);
  return absl::NotFoundError(absl::StrCat(
      "No chat named “", name, "” is open to this program. ",
      all.empty() ? "None is." : "There are: ", absl::StrJoin(all, ", "), all.empty() ? "" : "."));
}

}  // namespace postern::translator
