// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/grant_words.h"

#include <absl/strings/str_cat.h>

#include "clients/owner/scope_sentence.h"
#include "clients/owner/visible_text.h"
#include "clients/settings/time_words.h"
#include "clients/settings/translation.h"

namespace postern::settings {
namespace {

// A subtitle that names more than this says nothing more.
constexpr size_t kChatsNamedMax = 3;

}  // namespace

std::string ScopeWords(v1::Scope scope) { return TrAsked(owner::ScopeSentence(scope)); }

bool IsWriting(v1::Scope scope) { return scope >= v1::SCOPE_MESSAGES_DRAFT; }

std::string ScopesWords(const v1::Grant& grant, int most) {
  std::string words;
  int named = 0;
  for (const int number : grant.scopes()) {
    if (named == most) {
      const auto more = static_cast<uint64_t>(grant.scopes_size() - named);
      return absl::StrCat(words, " · ", FillIn(TrCount("and $0 more", "and $0 more", more), more));
    }
    absl::StrAppend(&words, named == 0 ? "" : " · ", ScopeWords(static_cast<v1::Scope>(number)));
    ++named;
  }
  return words;
}

std::string ValidityWords(const v1::Validity& validity, absl::Time now) {
  switch (validity.kind()) {
    case v1::Validity::KIND_ONCE:
      return Tr("for one connection");
    case v1::Validity::KIND_WHILE_RUNNING:
      return Tr("while the app runs");
    case v1::Validity::KIND_UNTIL: {
      const absl::Time end = TimeOf(validity.expire_time());
      if (end <= now) return FillIn(Tr("until $0"), MomentWords(end, now));
      return FillIn(Tr("until $0 ($1)"), MomentWords(end, now), AheadWords(end, now));
    }
    case v1::Validity::KIND_UNTIL_REVOKED:
      return Tr("until you take it back");
    default:
      return Tr("nobody knows how long");
  }
}

std::string ListWords(const std::vector<std::string>& names, size_t most) {
  std::string words = LineStart();
  for (size_t i = 0; i < names.size() && i < most; ++i) {
    // Isolated: names of any script leave the order of the sentence alone.
    absl::StrAppend(&words, i == 0 ? "" : ", ", "\u2068", owner::VisibleText(names[i]), "\u2069");
  }
  if (names.size() <= most) return words;
  const uint64_t more = names.size() - most;
  return FillIn(TrCount("$1 and $0 more", "$1 and $0 more", more), more, words);
}

std::string SelectionWords(const v1::Selection& selection, const ChatPicture* chats) {
  std::string words;
  switch (selection.chat_choice()) {
    case v1::Selection::CHAT_CHOICE_LISTED: {
      std::vector<std::string> names;
      for (const std::string& id : selection.included_chat_ids()) {
        if (chats != nullptr && chats->FindChat(id) != nullptr)
          names.push_back(chats->ChatName(id));
      }
      const auto count = static_cast<uint64_t>(selection.included_chat_ids_size());
      words = names.size() == count && count > 0
                  ? ListWords(names, kChatsNamedMax)
                  : FillIn(TrCount("$0 chat", "$0 chats", count), count);
      break;
    }
    case v1::Selection::CHAT_CHOICE_ALL_EXISTING:
      words = Tr("all chats there were");
      break;
    case v1::Selection::CHAT_CHOICE_ALL_AND_NEW:
      words = Tr("all chats, also new ones");
      break;
    default:
      return Tr("no chat");
  }
  if (selection.chat_kinds() == v1::Selection::CHAT_KINDS_DIRECT) {
    words = FillIn(Tr("$0, between two people only"), words);
  }
  if (selection.chat_kinds() == v1::Selection::CHAT_KINDS_GROUP) {
    words = FillIn(Tr("$0, groups only"), words);
  }
  if (selection.people() == v1::Selection::PEOPLE_CONTACTS) {
    words = FillIn(Tr("$0, with your contacts only"), words);
  }
  if (selection.people() == v1::Selection::PEOPLE_STRANGERS) {
    words = FillIn(Tr("$0, with strangers only"), words);
  }
  if (selection.excluded_chat_ids_size() > 0) {
    const auto left_out = static_cast<uint64_t>(selection.excluded_chat_ids_size());
    words = FillIn(TrCount("$1, without $0 of them", "$1, without $0 of them", left_out), left_out,
                   words);
  }
  return words;
}

std::string StateWords(v1::Grant::State state) {
  switch (state) {
    case v1::Grant::STATE_ACTIVE:
      return Tr("Active");
    case v1::Grant::STATE_SUSPENDED:
      return Tr("Suspended");
    case v1::Grant::STATE_REVOKED:
      return Tr("Taken back");
    case v1::Grant::STATE_EXPIRED:
      return Tr("Ended by itself");
    default:
      return Tr("Unknown");
  }
}

std::string DestinationWords(const v1::DataDestination& destination) {
  switch (destination.kind()) {
    case v1::DataDestination::KIND_STAYS_ON_DEVICE:
      return Tr("Stays on this device");
    case v1::DataDestination::KIND_LEAVES_DEVICE:
      return FillIn(Tr("Leaves this device: $0"), owner::VisibleText(destination.service()));
    default:
      return Tr("Does not say where data goes");
  }
}

std::string NoticePolicyWords(v1::NoticePolicy policy) {
  switch (policy) {
    case v1::NOTICE_POLICY_OFF:
      return Tr("Never");
    case v1::NOTICE_POLICY_ALWAYS:
      return Tr("Whenever an app can see the chat");
    default:
      return Tr("When text leaves this device");
  }
}

}  // namespace postern::settings
