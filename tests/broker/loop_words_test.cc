// SPDX-License-Identifier: Apache-2.0
// What has no text goes round as well: it is known again by what it holds.
#include "broker/loop_words.h"

#include <gtest/gtest.h>

#include "broker/text_signature.h"

namespace postern::broker {
namespace {

constexpr uint64_t kKey = 7;

bool Same(const v1::Message& a, const v1::Message& b) {
  return TextSignature(kKey, LoopWords(a)).Resembles(TextSignature(kKey, LoopWords(b)));
}

v1::Message Place(double latitude, double longitude) {
  v1::Message message;
  message.mutable_location()->set_latitude(latitude);
  message.mutable_location()->set_longitude(longitude);
  return message;
}

v1::Message File(const std::string& sha256) {
  v1::Message message;
  message.add_attachments()->set_sha256(sha256);
  return message;
}

v1::Message Poll(const std::string& question, const std::string& option) {
  v1::Message message;
  message.mutable_poll()->set_question(question);
  message.mutable_poll()->add_options()->set_text(option);
  return message;
}

TEST(LoopWords, ATextIsWhatItSays) {
  v1::Message message = File("hash");
  message.set_text("Hello");
  EXPECT_EQ(LoopWords(message), "Hello");
  EXPECT_EQ(LoopWords(v1::Message()), "");
  EXPECT_EQ(LoopWords(File("")), "");
}

TEST(LoopWords, TellWhatIsTheSameFromWhatIsNot) {
  EXPECT_TRUE(Same(Place(52.52, 13.405), Place(52.52, 13.405)));
  EXPECT_FALSE(Same(Place(52.52, 13.405), Place(-52.52, 13.405)));
  EXPECT_FALSE(Same(Place(52.52, 13.405), Place(52.53, 13.405)));
  EXPECT_TRUE(Same(File("hash"), File("hash")));
  EXPECT_FALSE(Same(File("hash"), File("other")));
  EXPECT_TRUE(Same(Poll("When?", "now"), Poll("When?", "now")));
  EXPECT_FALSE(Same(Poll("When?", "now"), Poll("When?", "never")));
  v1::Message card;
  card.mutable_contact_card()->set_display_name("Carol");
  v1::Message other;
  other.mutable_contact_card()->set_display_name("Dave");
  EXPECT_TRUE(Same(card, card));
  EXPECT_FALSE(Same(card, other));
}

}  // namespace
}  // namespace postern::broker
