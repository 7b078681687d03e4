// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/access_words.h"

#include <string_view>

#include "clients/owner/visible_text.h"
#include "clients/settings/translation.h"

namespace postern::settings {
namespace {

// Each verb has a sentence with and one without a chat: $0 the app, $1 the chat, $2 how often.
struct Sentence {
  const char* in_chat;
  const char* plain;
};

Sentence SentenceOf(const v1::AccessEntry& entry) {
  const uint64_t count = entry.count();
  switch (entry.verb()) {
    case v1::ACCESS_VERB_READ:
      return {TrCount("$0 read $2 event in $1", "$0 read $2 events in $1", count),
              TrCount("$0 read $2 event", "$0 read $2 events", count)};
    case v1::ACCESS_VERB_SEND:
      return {TrCount("$0 sent a message in $1", "$0 sent $2 messages in $1", count),
              TrCount("$0 sent a message", "$0 sent $2 messages", count)};
    case v1::ACCESS_VERB_WRITE:
      return {TrCount("$0 changed something in $1", "$0 changed $2 things in $1", count),
              TrCount("$0 changed something", "$0 changed $2 things", count)};
    case v1::ACCESS_VERB_REFUSED:
      return {TrCount("$0 was refused something in $1", "$0 was refused $2 times in $1", count),
              TrCount("$0 was refused something", "$0 was refused $2 times", count)};
    case v1::ACCESS_VERB_ASKED:
      return {Tr("$0 asked for access in $1"), Tr("$0 asked for access")};
    case v1::ACCESS_VERB_GRANTED:
      return {Tr("You allowed $0 access in $1"), Tr("You allowed $0 access")};
    case v1::ACCESS_VERB_DENIED:
      return {Tr("You refused $0 access in $1"), Tr("You refused $0 access")};
    case v1::ACCESS_VERB_NARROWED:
      return {Tr("The access of $0 was narrowed in $1"), Tr("The access of $0 was narrowed")};
    case v1::ACCESS_VERB_REVOKED:
      return {Tr("The access of $0 was taken back in $1"), Tr("The access of $0 was taken back")};
    case v1::ACCESS_VERB_SUSPENDED:
      return {Tr("The access of $0 was suspended in $1"), Tr("The access of $0 was suspended")};
    case v1::ACCESS_VERB_RESUMED:
      return {Tr("The access of $0 was resumed in $1"), Tr("The access of $0 was resumed")};
    case v1::ACCESS_VERB_SEALED:
      return {Tr("$1 was sealed"), Tr("Somebody was sealed")};
    case v1::ACCESS_VERB_UNSEALED:
      return {Tr("$1 was opened again"), Tr("Somebody was opened again")};
    case v1::ACCESS_VERB_EXPORTED:
      return {Tr("$1 was exported"), Tr("Everything was exported")};
    case v1::ACCESS_VERB_CONNECTED:
      return {Tr("$0 connected in $1"), Tr("$0 connected")};
    case v1::ACCESS_VERB_WITHHELD:
      return {TrCount("$2 event in $1 was withheld from $0",
                      "$2 events in $1 were withheld from $0", count),
              TrCount("$2 event was withheld from $0", "$2 events were withheld from $0", count)};
    default:
      return {Tr("$0 did something in $1"), Tr("$0 did something")};
  }
}

// The same where no app is named: the owner's own programs asked, or keys that nobody allowed.
Sentence SentenceWithoutApp(const v1::AccessEntry& entry) {
  const auto always = [](const char* words) { return Sentence{words, words}; };
  switch (entry.verb()) {
    case v1::ACCESS_VERB_REFUSED:
      return always(TrCount("A program that you did not allow was refused something",
                            "Programs that you did not allow were refused $2 times",
                            entry.count()));
    case v1::ACCESS_VERB_ASKED:
      return always(Tr("You were asked"));
    case v1::ACCESS_VERB_GRANTED:
      return always(Tr("You said yes"));
    case v1::ACCESS_VERB_DENIED:
      return always(Tr("You did not say yes"));
    default:
      return SentenceOf(entry);
  }
}

struct Detail {
  std::string_view reason;
  const char* words;
};
constexpr Detail kDetails[] = {
    // What the user was asked about.
    {"enroll", TrLater("to be let in")},
    {"widen", TrLater("more access")},
    {"extend", TrLater("access for longer")},
    {"send", TrLater("sending a message")},
    {"unseal", TrLater("opening what is sealed")},
    {"export", TrLater("an export")},
    {"purge", TrLater("deleting messages")},
    {"view", TrLater("showing messages")},
    // By whom or why access changed.
    {"owner", TrLater("by you")},
    {"postern", TrLater("by you")},
    {"dialog", TrLater("after your yes")},
    {"app", TrLater("by the app itself")},
    {"person", TrLater("as somebody in the chat asked")},
    {"idle", TrLater("unused for long")},
    {"older_database", TrLater("Postern's storage is an older one")},
    {"new_chat", TrLater("a new chat")},
    // Why something was refused.
    {"ENROLLMENT_REQUIRED", TrLater("it was never let in")},
    {"GRANT_REVOKED", TrLater("its access was taken back")},
    {"GRANT_SUSPENDED", TrLater("its access is suspended")},
    {"GRANT_EXPIRED", TrLater("its access has ended")},
    {"SCOPE_REQUIRED", TrLater("you did not allow it that")},
    {"ROLE_REQUIRED", TrLater("such a program may never do that")},
    {"CONSENT_REFUSED", TrLater("you did not say yes")},
    {"CONSENT_SILENCED", TrLater("it asked too often")},
    {"NOT_FOUND", TrLater("no such thing is open to it")},
    {"ACCOUNT_ALREADY_SERVED", TrLater("another messaging client has the account")},
    {"LIMIT_EXCEEDED", TrLater("too much at once")},
    {"PAUSED", TrLater("all apps were paused")},
    {"LOOP", TrLater("it repeated what another app wrote")},
};

}  // namespace

std::string EntryWords(const v1::AccessEntry& entry, const ChatPicture* chats) {
  // Everybody's pause and the owner's own acts name no app.
  const std::string app = entry.principal().empty() ? Tr("all apps")
                          : entry.app_display_name().empty()
                              ? Tr("an unknown app")
                              : owner::VisibleText(entry.app_display_name());
  const Sentence sentence =
      entry.principal().empty() ? SentenceWithoutApp(entry) : SentenceOf(entry);
  const std::string chat =
      chats == nullptr ? "" : owner::VisibleText(chats->ChatName(entry.chat_id()));
  return LineStart() +
         FillIn(entry.chat_id().empty() || chat.empty() ? sentence.plain : sentence.in_chat, app,
                chat, entry.count());
}

std::string EntryDetail(const v1::AccessEntry& entry) {
  const std::string_view reason = entry.reason();
  for (const Detail& detail : kDetails) {
    if (detail.reason == reason) return Tr(detail.words);
  }
  // Of a broker that is newer than this window.
  return owner::VisibleText(entry.reason());
}

const char* VerbIcon(v1::AccessVerb verb) {
  switch (verb) {
    case v1::ACCESS_VERB_READ:
      return "view-reveal-symbolic";
    case v1::ACCESS_VERB_SEND:
      return "mail-send-symbolic";
    case v1::ACCESS_VERB_WRITE:
      return "document-edit-symbolic";
    case v1::ACCESS_VERB_REFUSED:
    case v1::ACCESS_VERB_DENIED:
    case v1::ACCESS_VERB_REVOKED:
      return "action-unavailable-symbolic";
    case v1::ACCESS_VERB_ASKED:
      return "dialog-question-symbolic";
    case v1::ACCESS_VERB_GRANTED:
    case v1::ACCESS_VERB_RESUMED:
    case v1::ACCESS_VERB_UNSEALED:
      return "emblem-ok-symbolic";
    case v1::ACCESS_VERB_NARROWED:
      return "edit-cut-symbolic";
    case v1::ACCESS_VERB_SUSPENDED:
      return "media-playback-pause-symbolic";
    case v1::ACCESS_VERB_SEALED:
      return "changes-prevent-symbolic";
    case v1::ACCESS_VERB_WITHHELD:
      return "view-conceal-symbolic";
    case v1::ACCESS_VERB_EXPORTED:
      return "document-save-symbolic";
    default:
      return "network-wired-symbolic";
  }
}

std::string NoticeTitle(v1::OwnerNotice::Kind kind) {
  switch (kind) {
    case v1::OwnerNotice::KIND_LOOP_STOPPED:
      return Tr("Two apps repeated each other");
    case v1::OwnerNotice::KIND_OBJECTION:
      return Tr("Somebody does not want to be read by apps");
    case v1::OwnerNotice::KIND_GRANTS_SUSPENDED:
      return Tr("Access was suspended to be safe");
    case v1::OwnerNotice::KIND_QUESTIONS_SILENCED:
      return Tr("Programs asked too often");
    case v1::OwnerNotice::KIND_GRANT_LAPSED:
      return Tr("Unused access has lapsed");
    case v1::OwnerNotice::KIND_CLOCK_JUMPED:
      return Tr("The clock jumped");
    case v1::OwnerNotice::KIND_PROGRAM_CHANGED:
      return Tr("An app's key was used by another program");
    case v1::OwnerNotice::KIND_QUESTION_WAITING:
      return Tr("A question could not be asked");
    case v1::OwnerNotice::KIND_ACCESS_CHANGED:
      return Tr("Access changed");
    case v1::OwnerNotice::KIND_START_FAILED:
      return Tr("An app could not be started");
    case v1::OwnerNotice::KIND_ACCESS_REMINDER:
      return Tr("Who can read your messages");
    default:
      return Tr("Postern has something to tell you");
  }
}

}  // namespace postern::settings
