// SPDX-License-Identifier: GPL-3.0-or-later
// The libpurple adapter's parts that need no client: what it remembers, which links it takes,
// and what it reads of an error.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "clients/gatekeepers/purple/annotations.h"
#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/media_link.h"
#include "clients/gatekeepers/purple/reactions.h"
#include "clients/gatekeepers/purple/remembered.h"
#include "clients/gatekeepers/purple/stanza.h"
#include "tests/sdk/temporary_folder.h"

namespace postern::purple {
namespace {

// More than the file holds before it is written anew, and than are kept of a kind that grows.
constexpr int kLines = 20'100;
constexpr int kMore = 2'100;

// Later names sort before earlier ones.
std::string NameOf(int number) { return std::to_string(9'000'000 - number); }

TEST(Remembered, OfWhatGrowsTheNewestIsKeptAlsoOverRestarts) {
  const sdk::TemporaryFolder folder;
  {
    Remembered facts(folder.path());
    for (int i = 0; i < kLines; ++i) facts.Put(kSeenFact, NameOf(i));
  }
  Remembered facts(folder.path());
  EXPECT_TRUE(facts.Has(kSeenFact, NameOf(kLines - 1)));
  EXPECT_FALSE(facts.Has(kSeenFact, NameOf(0)));
  facts.Put(kSeenFact, NameOf(kLines));
  EXPECT_TRUE(facts.Has(kSeenFact, NameOf(kLines - 1))) << "an older one goes first";
  EXPECT_FALSE(facts.Has(kSeenFact, NameOf(kLines - kMore)));
}

TEST(Remembered, WhatWasForgottenStaysSo) {
  const sdk::TemporaryFolder folder;
  {
    Remembered facts(folder.path());
    facts.Put(kInvitedFact, "room", "erin");
    facts.Put(kRoomFact, "room", "a\tname\nof two lines");
    facts.Forget(kInvitedFact, "room");
    EXPECT_FALSE(facts.Put(kRoomFact, "room", "a name of two lines")) << "that is not new";
  }
  Remembered facts(folder.path());
  EXPECT_FALSE(facts.Has(kInvitedFact, "room"));
  EXPECT_EQ(facts.Get(kRoomFact, "room"), "a name of two lines");
  EXPECT_TRUE(facts.Put(kInvitedFact, "room", "dave"));
}

using Emojis = std::vector<std::string>;
using Changes = std::vector<ReactionChange>;

class OwnReactionsTest : public testing::Test {
 protected:
  void Stand(const Emojis& emojis) { facts_.PutWords(kReactionsFact, "m", emojis); }
  Emojis Standing() { return facts_.Words(kReactionsFact, "m"); }

  const sdk::TemporaryFolder folder_;
  Remembered facts_{folder_.path()};
  OwnReactions reactions_{facts_};
};

TEST_F(OwnReactionsTest, TwoThatAreRefusedLeaveWhatStoodBefore) {
  const uint64_t set = reactions_.Leave("m", {"a"});
  const uint64_t taken_back = reactions_.Leave("m", {});
  EXPECT_EQ(reactions_.Settle("m", set, false), Changes{});
  EXPECT_EQ(Standing(), Emojis{}) << "what left last may still be taken";
  EXPECT_EQ(reactions_.Settle("m", taken_back, false), Changes{});
  EXPECT_EQ(Standing(), Emojis{}) << "none stood";
}

TEST_F(OwnReactionsTest, OneThatWasRefusedStandsWhenItGoesAgainWithTheNext) {
  const uint64_t first = reactions_.Leave("m", {"a"});
  const uint64_t second = reactions_.Leave("m", {"a", "b"});
  EXPECT_EQ(reactions_.Settle("m", first, false), Changes{});
  EXPECT_EQ(reactions_.Settle("m", second, true), (Changes{{"a", false}, {"b", false}}));
  EXPECT_EQ(Standing(), (Emojis{"a", "b"}));
  EXPECT_EQ(reactions_.Settle("m", second, false), Changes{}) << "it is settled";
  EXPECT_EQ(Standing(), (Emojis{"a", "b"}));
}

TEST_F(OwnReactionsTest, WhatIsSettledLateDoesNotUndoWhatLeftAfterIt) {
  Stand({"a"});
  const uint64_t first = reactions_.Leave("m", {"a", "b"});
  const uint64_t second = reactions_.Leave("m", {"b"});
  EXPECT_EQ(reactions_.Settle("m", second, true), (Changes{{"b", false}, {"a", true}}));
  EXPECT_EQ(reactions_.Settle("m", first, true), Changes{});
  EXPECT_EQ(Standing(), Emojis{"b"});
}

TEST_F(OwnReactionsTest, WhatAnotherDeviceSaidBeforeOursReachedTheServerIsOverwritten) {
  Stand({"a"});
  const uint64_t number = reactions_.Leave("m", {"a", "b"});
  EXPECT_EQ(reactions_.TakeElsewhere("m", {"c"}), (Changes{{"c", false}, {"a", true}}));
  EXPECT_EQ(Standing(), (Emojis{"a", "b"})) << "ours comes after it";
  reactions_.ReachedServer(number);
  EXPECT_EQ(reactions_.Settle("m", number, true),
            (Changes{{"a", false}, {"b", false}, {"c", true}}));
  EXPECT_TRUE(reactions_.Stands("m", "b"));
  EXPECT_EQ(Standing(), (Emojis{"a", "b"}));
}

TEST_F(OwnReactionsTest, WhatAnotherDeviceSaidAfterOursReachedTheServerStands) {
  Stand({"a"});
  const uint64_t number = reactions_.Leave("m", {"a", "b"});
  reactions_.ReachedServer(number);
  EXPECT_EQ(reactions_.TakeElsewhere("m", {"c"}), (Changes{{"c", false}, {"a", true}}));
  EXPECT_EQ(Standing(), Emojis{"c"});
  EXPECT_EQ(reactions_.Settle("m", number, true), Changes{});
  EXPECT_FALSE(reactions_.Stands("m", "b"));
  EXPECT_EQ(Standing(), Emojis{"c"});
}

TEST_F(OwnReactionsTest, WhatAnotherDeviceSaidStandsWhenOursIsRefused) {
  Stand({"a"});
  const uint64_t number = reactions_.Leave("m", {"a", "b"});
  EXPECT_EQ(reactions_.TakeElsewhere("m", {"c"}), (Changes{{"c", false}, {"a", true}}));
  EXPECT_EQ(reactions_.Settle("m", number, false), Changes{});
  EXPECT_EQ(Standing(), Emojis{"c"});
  EXPECT_EQ(reactions_.TakeElsewhere("m", {}), (Changes{{"c", true}})) << "nothing is on its way";
  EXPECT_EQ(Standing(), Emojis{});
}

TEST(Notice, IsATextThatBeginsWithMe) {
  std::string text = "/me waves";
  EXPECT_TRUE(TakeMe(text));
  EXPECT_EQ(text, "waves");
  EXPECT_EQ(WithMe(text), "/me waves");
  for (std::string other : {"/me", "/me ", "/meow loud", " /me waves", "waves"}) {
    const std::string before = other;
    EXPECT_FALSE(TakeMe(other)) << before;
    EXPECT_EQ(other, before);
  }
}

// What an answer of 'type' from 'from' says, with an error of its own maker beside the condition.
StanzaError ErrorOf(const std::string& from, const std::string& type) {
  const XmlNodePtr stanza(xmlnode_from_str(
      ("<message type='error' from='" + from + "'><body>mine</body><error type='" + type +
       "'><own xmlns='urn:own'/><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
       "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>" +
       std::string(kErrorTextBytesMax - 1, 'x') + "\u00fc</text></error></message>")
          .c_str(),
      -1));
  return ReadError(stanza.get());
}

TEST(StanzaError, SaysWhatIsWrongAndWhetherItMayGoLater) {
  const StanzaError later = ErrorOf("room@rooms.test", "wait");
  EXPECT_EQ(later.condition, "resource-constraint");
  EXPECT_TRUE(later.retriable);
  EXPECT_EQ(later.text, std::string(kErrorTextBytesMax - 1, 'x')) << "no half character";
  for (const char* type : {"cancel", "modify", "auth", "", "continue"}) {
    EXPECT_FALSE(ErrorOf("room@rooms.test", type).retriable) << type;
  }
}

TEST(StanzaError, HasNoWordsOfAPersonsClient) {
  EXPECT_EQ(ErrorOf("dave@chat.test/phone", "cancel").text, "");
}

TEST(StanzaError, ThatNamesNoConditionIsStillAnAnswer) {
  const XmlNodePtr stanza(xmlnode_from_str("<iq type='error' from='chat.test'/>", -1));
  EXPECT_EQ(ReadError(stanza.get()).condition, "undefined-condition");
  EXPECT_FALSE(ReadError(stanza.get()).retriable);
}

const std::string kSecret(88, 'a');

TEST(MediaLink, TakesWhatCanBeFetchedOverTlsOnly) {
  for (const char* link :
       {"", "http://host/x", "file:///etc/passwd", "https://", "https://host", "https:///x",
        "https://host/a b", "https://host/a\r\nb", "https://user@host/x", "https://[::1]/x",
        "https://host:0/x", "https://host:65536/x", "https://host:/x"}) {
    EXPECT_FALSE(ParseMediaLink(link).has_value()) << link;
  }
  const auto link = ParseMediaLink("https://host:8443/folder/a%20b.jpg?size=1#ignored");
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(link->host, "host");
  EXPECT_EQ(link->port, 8443);
  EXPECT_EQ(link->path, "/folder/a%20b.jpg?size=1");
  EXPECT_EQ(link->file_name, "a b.jpg");
  EXPECT_EQ(link->key, "");
}

TEST(MediaLink, AnEncryptedOneHasItsKey) {
  for (const std::string& fragment : {std::string(), std::string("#"), "#" + kSecret.substr(1),
                                      "#" + kSecret + "aa", "#" + kSecret.substr(1) + "g"}) {
    EXPECT_FALSE(ParseMediaLink("aesgcm://host/x" + fragment).has_value()) << fragment;
  }
  EXPECT_EQ(ParseMediaLink("aesgcm://host/x#" + kSecret)->iv.size(), 12u);
  EXPECT_EQ(ParseMediaLink("aesgcm://host/x#" + kSecret + "aaaaaaaa")->iv.size(), 16u);
}

TEST(MediaLink, IsAnAttachmentWhenItFitsIntoAnId) {
  const std::string link = "aesgcm://host/x.png#" + kSecret;
  EXPECT_TRUE(AttachmentOf(link, true)->end_to_end_encrypted());
  EXPECT_FALSE(AttachmentOf(link, false)->end_to_end_encrypted()) << "a server has seen the key";
  EXPECT_EQ(AttachmentOf(link, true)->mime_type(), "image/png");
  EXPECT_FALSE(AttachmentOf("https://host/" + std::string(kIdBytesMax, 'x'), true).has_value());
}

TEST(MediaLink, OnlyTheFileThatWasEncryptedIsDecrypted) {
  const MediaKey key = NewMediaKey();
  const std::string cipher = EncryptMedia(key.key, key.iv, "the file");
  MediaLink link = *ParseMediaLink("aesgcm://host/x" + key.fragment);
  EXPECT_EQ(DecryptMedia(link, cipher), "the file");
  std::string changed = cipher;
  changed[0] ^= 1;
  EXPECT_FALSE(DecryptMedia(link, changed).has_value());
  EXPECT_FALSE(DecryptMedia(link, cipher.substr(0, cipher.size() - 1)).has_value());
  EXPECT_FALSE(DecryptMedia(link, "short").has_value());
  link.key[0] ^= 1;
  EXPECT_FALSE(DecryptMedia(link, cipher).has_value());
}

}  // namespace
}  // namespace postern::purple
