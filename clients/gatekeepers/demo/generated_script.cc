// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <array>
#include <random>

#include "clients/gatekeepers/demo/script.h"

namespace postern::demo {
namespace {

constexpr std::array kWords = {"meet",  "later", "please", "train", "dinner", "photo", "Friday",
                               "maybe", "thank", "you",    "where", "when",   "bring", "cake",
                               "ja",    "gern",  "vale",   "luego", "merci",  "はい"};

// Numbers straight from the generator: distributions differ between standard libraries, and the
// same seed shall mean the same events everywhere.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  int Below(int limit) { return static_cast<int>(engine_() % static_cast<uint64_t>(limit)); }

 private:
  std::mt19937_64 engine_;
};

std::string Text(Dice& dice) {
  std::string text;
  const int words = 3 + dice.Below(15);
  for (int i = 0; i < words; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : " ", kWords[dice.Below(kWords.size())]);
  }
  return text;
}

}  // namespace

Script GenerateScript(int count, int chats, uint64_t seed) {
  std::string people;
  for (int i = 0; i < chats; ++i) {
    absl::StrAppend(&people, "person p", i, " \"Person ", i, "\"\ndirect p", i, "\n");
  }
  Script script = *ParseScript(people);
  Dice dice(seed);
  std::vector<std::pair<std::string, int>> messages;  // id, chat
  script.steps.reserve(count);
  for (int i = 0; i < count; ++i) {
    Step step;
    const int roll = dice.Below(100);
    const bool message = roll < 85 || messages.empty();
    const auto earlier = message ? std::pair<std::string, int>("", dice.Below(chats))
                                 : messages[dice.Below(static_cast<int>(messages.size()))];
    const std::string person = absl::StrCat("p", earlier.second);
    const std::string chat = absl::StrCat("direct:", person);
    step.event.set_chat_id(chat);
    if (message) {
      v1::Message& created = *step.event.mutable_message_created()->mutable_message();
      created.set_id(absl::StrCat("g", seed, "-", i));
      created.set_chat_id(chat);
      created.set_sender_contact_id(person);
      created.set_sender_display_name(script.people[person]);
      created.set_kind(v1::MESSAGE_KIND_TEXT);
      created.set_text(Text(dice));
      created.set_end_to_end_encrypted(true);
      messages.emplace_back(created.id(), earlier.second);
    } else if (roll < 90) {
      v1::MessageEdited& edited = *step.event.mutable_message_edited();
      edited.set_message_id(earlier.first);
      edited.set_sender_contact_id(person);
      edited.set_text(Text(dice));
      edited.set_end_to_end_encrypted(true);
    } else if (roll < 95) {
      v1::ReactionSet& reaction = *step.event.mutable_reaction_set();
      reaction.set_message_id(earlier.first);
      reaction.set_contact_id(person);
      reaction.set_emoji("👍");
    } else {
      v1::Receipt& receipt = *step.event.mutable_receipt();
      receipt.add_message_ids(earlier.first);
      receipt.set_contact_id(person);
      receipt.set_kind(v1::Receipt::KIND_READ);
    }
    script.steps.push_back(std::move(step));
  }
  return script;
}

}  // namespace postern::demo
