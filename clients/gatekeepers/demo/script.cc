// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/script.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <limits>

#include "clients/gatekeepers/demo/script_parser.h"
#include "clients/gatekeepers/demo/words.h"
#include "platform/status_macros.h"

namespace postern::demo {
namespace {

// Longest pause between two steps, and how long ago history may be.
constexpr double kDelaySecondsMax = 3600;
constexpr double kAgeSecondsMax = 20.0 * 365 * 24 * 3600;
constexpr size_t kAny = std::numeric_limits<size_t>::max();

// Whether 'word' is the option 'name', which ends with '=' when it takes a value.
bool IsOption(const std::string& word, const std::string& name) {
  return absl::EndsWith(name, "=") ? absl::StartsWith(word, name) : word == name;
}

}  // namespace

const std::map<std::string, ScriptParser::Verb>& ScriptParser::Verbs() {
  using P = ScriptParser;
  static const std::vector<std::string> kMarkup = {
      "bold=",       "italic=",  "strike=", "code=",   "quote=",
      "code_block=", "spoiler=", "link=",   "mention="};
  static const auto with = [](std::vector<std::string> options,
                              const std::vector<std::string>& more) {
    options.insert(options.end(), more.begin(), more.end());
    return options;
  };
  static const std::vector<std::string> kMessage =
      with({"reply=", "timer=", "expires=", "once", "clear", "excerpt="}, kMarkup);
  static const std::vector<std::string> kFile =
      with({"caption=", "alt=", "later", "lie=", "file_clear"}, kMessage);
  static const auto* const verbs = new std::map<std::string, Verb>{
      {"says", {&P::Says, 2, 2, kMessage, "says MESSAGE \"text\""}},
      {"notices", {&P::Notices, 2, 2, kMessage, "notices MESSAGE \"text\""}},
      {"oddity", {&P::Oddity, 2, 2, kMessage, "oddity MESSAGE \"text\""}},
      {"photo", {&P::Photo, 4, 4, kFile, "photo MESSAGE \"file\" WIDTHxHEIGHT BYTES"}},
      {"video", {&P::Video, 5, 5, kFile, "video MESSAGE \"file\" WIDTHxHEIGHT SECONDS BYTES"}},
      {"voice", {&P::Voice, 3, 3, kFile, "voice MESSAGE SECONDS BYTES"}},
      {"file", {&P::File, 4, 4, kFile, "file MESSAGE \"file\" MIME/TYPE BYTES"}},
      {"sticker", {&P::Sticker, 4, 4, kFile, "sticker MESSAGE \"file\" WIDTHxHEIGHT BYTES"}},
      {"place", {&P::Place, 4, 4, with({"live="}, kMessage), "place MESSAGE LAT LONG \"name\""}},
      {"card", {&P::Card, 3, 3, kMessage, "card MESSAGE \"name\" \"vCard\""}},
      {"poll",
       {&P::Poll, 3, kAny, with({"choices="}, kMessage),
        "poll MESSAGE \"question\" \"answer\"..."}},
      {"edits", {&P::Edits, 2, 2, kMarkup, "edits MESSAGE \"the whole new text\""}},
      {"deletes", {&P::Deletes, 1, 1, {"for_me"}, "deletes MESSAGE"}},
      {"expires", {&P::Expires, 1, 1, {}, "expires MESSAGE"}},
      {"reacts", {&P::Reacts, 2, 2, {"picture="}, "reacts MESSAGE EMOJI"}},
      {"unreacts", {&P::Unreacts, 1, 2, {}, "unreacts MESSAGE [EMOJI]"}},
      {"receives", {&P::Receives, 1, kAny, {}, "receives MESSAGE..."}},
      {"reads", {&P::Reads, 1, kAny, {}, "reads MESSAGE..."}},
      {"votes", {&P::Votes, 1, kAny, {}, "votes MESSAGE [NUMBER...]"}},
      {"pins", {&P::Pins, 1, 1, {}, "pins MESSAGE"}},
      {"unpins", {&P::Unpins, 1, 1, {}, "unpins MESSAGE"}},
      {"ready", {&P::Ready, 1, 1, {}, "ready MESSAGE"}},
      {"creates", {&P::Creates, 1, kAny, {}, "creates \"Name\" PERSON...", false, true}},
      {"opens", {&P::Opens, 0, 0, {}, "opens", false, true}},
      {"renames", {&P::Renames, 1, 1, {}, "renames \"Name\""}},
      {"topic", {&P::Topic, 1, 1, {}, "topic \"text\""}},
      {"avatar", {&P::Avatar, 1, 2, {}, "avatar \"file\" BYTES, or avatar none"}},
      {"marks", {&P::Marks, 1, 1, {"through=", "count="}, "marks unread|read"}},
      {"mutes", {&P::Mutes, 0, 0, {}, "mutes"}},
      {"unmutes", {&P::Unmutes, 0, 0, {}, "unmutes"}},
      {"archives", {&P::Archives, 0, 0, {}, "archives"}},
      {"restores", {&P::Restores, 0, 0, {}, "restores"}},
      {"blocks", {&P::Blocks, 0, 0, {}, "blocks"}},
      {"unblocks", {&P::Unblocks, 0, 0, {}, "unblocks"}},
      {"vanishes", {&P::Vanishes, 0, 0, {}, "vanishes"}},
      {"timer", {&P::Timer, 1, 1, {}, "timer SECONDS|off"}},
      {"asks", {&P::Asks, 0, 0, {}, "asks"}},
      {"answers", {&P::Answers, 2, 2, {}, "answers PERSON accepted|declined|blocked"}},
      {"joins", {&P::Joins, 0, 0, {"by="}, "joins"}},
      {"leaves", {&P::Leaves, 0, 0, {"by="}, "leaves"}},
      {"becomes", {&P::Becomes, 1, 1, {}, "becomes member|admin|owner"}},
      {"called", {&P::CalledHere, 1, 1, {}, "called \"Name\""}},
      {"can", {&P::ChatCan, 2, kAny, {}, "can CAPABILITY VALUE"}},
      {"types", {&P::Types, 0, 0, {}, "types"}},
      {"pauses", {&P::Pauses, 0, 0, {}, "pauses"}},
      {"calls", {&P::Calls, 2, 2, {"video", "lasts="}, "calls CALL ringing|answered|ended|missed"}},
      {"online", {&P::Online, 0, 0, {}, "online", true}},
      {"away", {&P::Away, 0, 0, {"seen="}, "away", true}},
      {"offline", {&P::Offline, 0, 0, {"seen="}, "offline", true}},
      {"is",
       {&P::ContactIs,
        1,
        1,
        {"address=", "picture=", "bot", "blocked", "stranger"},
        "is \"Name\"",
        true}},
      {"key", {&P::Key, 1, 1, {}, "key verified|unverified|new_device", true}},
      {"account",
       {&P::AccountIs,
        1,
        2,
        {},
        "account online|connecting|offline|logged_out [\"reason\"]",
        true}},
      {"lost", {&P::Lost, 0, 1, {"since="}, "lost [COUNT]", true}},
      {"unsupported", {&P::Unsupported, 2, 2, {}, "unsupported KIND \"text\""}},
      {"brought", {&P::Brought, 2, 2, {"complete"}, "brought REQUEST COUNT"}},
      {"fault", {&P::FaultIs, 1, 2, {}, "fault KIND [COUNT]", true}},
  };
  return *verbs;
}

std::string ChatIdOf(const std::string& name, bool group) {
  return absl::StrCat(group ? "group:" : "direct:", name);
}

absl::Status ScriptParser::Invalid(std::string_view what) const {
  return absl::InvalidArgumentError(absl::string_view(what.data(), what.size()));
}

absl::StatusOr<Script> ScriptParser::Parse(std::string_view text) {
  script_.account.set_network("alicechat");
  script_.account.set_id("you@alicechat.example");
  script_.account.set_display_name("Your AliceChat");
  script_.account.set_address("alicechat:you");
  script_.account.set_self_contact_id(kSelf);
  script_.account.set_state(v1::ACCOUNT_STATE_ONLINE);
  script_.capabilities = FullCapabilities();
  script_.people[kSelf] = "You";
  int number = 0;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++number;
    absl::Status status = ParseLine(line);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", status.message()));
    }
  }
  // The longest ago first.
  std::stable_sort(script_.history.begin(), script_.history.end(),
                   [](const Step& one, const Step& other) { return one.delay > other.delay; });
  return std::move(script_);
}

absl::Status ScriptParser::ParseLine(absl::string_view line) {
  ASSIGN_OR_RETURN(words_, SplitWords(line));
  if (words_.empty()) return absl::OkStatus();
  const std::string& first = words_[0];
  if (first == "seed") return Seed();
  if (first == "account") return Account();
  if (first == "person") return Person();
  if (first == "direct") return DeclareChat(false);
  if (first == "group") return DeclareChat(true);
  if (first == "can") return Can();
  if (first[0] == '+') return Happening(false);
  if (first[0] == '-') return Happening(true);
  return Invalid(
      "must begin with person, direct, group, can, account, seed, +SECONDS, -SECONDS, or # for a "
      "comment");
}

absl::Status ScriptParser::Seed() {
  if (words_.size() != 2) return Invalid("usage: seed NUMBER");
  ASSIGN_OR_RETURN(const int64_t seed, Number(words_[1], 0, std::numeric_limits<int64_t>::max()));
  seed_ = static_cast<uint64_t>(seed);
  return absl::OkStatus();
}

absl::Status ScriptParser::Account() {
  if (words_.size() != 3) return Invalid("usage: account ID \"Name\"");
  script_.account.set_id(words_[1]);
  script_.account.set_display_name(words_[2]);
  return absl::OkStatus();
}

absl::Status ScriptParser::Can() {
  if (words_.size() < 3) return Invalid("usage: can CAPABILITY VALUE");
  return SetCapability({words_.begin() + 1, words_.end()}, script_.capabilities);
}

absl::Status ScriptParser::KnownPerson(const std::string& person) const {
  if (script_.people.count(person) != 0) return absl::OkStatus();
  return Invalid(absl::StrCat("there is no person '", person, "'"));
}

absl::StatusOr<std::string> ScriptParser::MessageNamed(const std::string& name) const {
  if (absl::StartsWith(name, "~") && name.size() > 1) return name.substr(1);
  if (writers_.count(name) != 0) return name;
  return Invalid(absl::StrCat("there is no message '", name, "' yet; '~", name,
                              "' names one that may come later, or never"));
}

absl::StatusOr<int64_t> ScriptParser::Number(const std::string& word, int64_t least,
                                             int64_t most) const {
  int64_t number = 0;
  if (!absl::SimpleAtoi(word, &number) || number < least || number > most) {
    return Invalid(absl::StrCat("'", word, "' must be a whole number from ", least, " to ", most));
  }
  return number;
}

// +SECONDS PERSON CHAT VERB ..., or -SECONDS for what was that long ago.
absl::Status ScriptParser::Happening(bool past) {
  double seconds = 0;
  if (!absl::SimpleAtod(words_[0].substr(1), &seconds) || !(seconds >= 0) ||
      seconds > (past ? kAgeSecondsMax : kDelaySecondsMax)) {
    return Invalid("the pause must be +SECONDS, e.g. +1.5; what is older, -SECONDS");
  }
  if (words_.size() < 4) return Invalid("usage: +SECONDS PERSON CHAT VERB ...");
  person_ = words_[1];
  chat_name_ = words_[2];
  RETURN_IF_ERROR(KnownPerson(person_));
  const auto verb = Verbs().find(words_[3]);
  if (verb == Verbs().end()) {
    std::string all;
    for (const auto& [name, rest] : Verbs()) absl::StrAppend(&all, all.empty() ? "" : ", ", name);
    return Invalid(absl::StrCat("'", words_[3], "' is not a verb: ", all));
  }
  const Verb& does = verb->second;
  delay_ = absl::Seconds(seconds);
  past_ = past;
  chat_id_.clear();
  if (const auto chat = chat_ids_.find(chat_name_); chat != chat_ids_.end()) {
    if (does.makes_chat) return Invalid("this chat is there already");
    chat_id_ = chat->second;
    where_ = absl::StrCat("[", script_.chats[chat_id_], "] ", script_.people[person_]);
  } else if (does.without_chat && chat_name_ == "-") {
    where_ = script_.people[person_];
  } else if (!does.makes_chat) {
    return Invalid(absl::StrCat("there is no chat '", chat_name_, "'"));
  }

  std::vector<std::string> arguments(words_.begin() + 4, words_.end());
  options_.clear();
  while (arguments.size() > does.words_min) {
    const std::string& last = arguments.back();
    const auto option = std::find_if(does.options.begin(), does.options.end(),
                                     [&](const auto& name) { return IsOption(last, name); });
    if (option == does.options.end()) break;
    const std::vector<std::string> pair = absl::StrSplit(last, absl::MaxSplits('=', 1));
    options_[pair[0]] = pair.size() == 2 ? pair[1] : "";
    arguments.pop_back();
  }
  if (arguments.size() < does.words_min || arguments.size() > does.words_max) {
    std::string usage = absl::StrCat("usage: ", does.usage);
    for (const std::string& option : does.options) absl::StrAppend(&usage, " [", option, "]");
    return Invalid(usage);
  }
  words_ = std::move(arguments);
  return (this->*does.handler)();
}

void ScriptParser::Emit(v1::Event event, const std::string& line) {
  Step step;
  step.delay = delay_;
  if (!chat_id_.empty()) event.set_chat_id(chat_id_);
  event.set_backfill(past_);
  step.event = std::move(event);
  step.line = line;
  (past_ ? script_.history : script_.steps).push_back(std::move(step));
  if (!past_) delay_ = absl::ZeroDuration();
}

absl::StatusOr<Script> ParseScript(std::string_view text) {
  if (text.size() > kScriptBytesMax) {
    return absl::InvalidArgumentError("the script is larger than 4 MiB");
  }
  return ScriptParser().Parse(text);
}

}  // namespace postern::demo
