// SPDX-License-Identifier: Apache-2.0
#include "permissions/id_cipher.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <thread>
#include <vector>

namespace postern::permissions {
namespace {

constexpr int kRounds = 2000;

std::vector<uint8_t> Key(uint8_t fill) { return std::vector<uint8_t>(32, fill); }
Principal App(uint8_t number) {
  Principal principal;
  principal.sha256[31] = number;
  return principal;
}
template <typename IdType>
IdType RandomId(std::mt19937_64& engine) {
  IdType id;
  for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(engine());
  return id;
}

class PseudonymsTest : public testing::Test {
 protected:
  const std::vector<uint8_t> master_ = Key(7);
  const Pseudonyms one_{master_, App(1), 42};
  const Pseudonyms other_{master_, App(2), 42};
  const Pseudonyms other_log_{master_, App(1), 43};
  std::mt19937_64 engine_{1};
};

TEST_F(PseudonymsTest, RefusesWhatIsNotCanonical) {
  const std::string good = one_.Encode(RandomId<ChatId>(engine_));
  ASSERT_EQ(good.size(), 22u);
  std::vector<std::string> bad = {"",
                                  good.substr(1),
                                  good + "A",
                                  good + "==",
                                  good + "=",
                                  " " + good,
                                  good + "\n",
                                  std::string(22, '\0'),
                                  std::string(22, '+'),
                                  std::string(22, '/'),
                                  std::string(22, '=')};
  // The last character carries four bits that must be zero.
  for (char c : std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")) {
    const std::string text = good.substr(0, 21) + c;
    if (c != 'A' && c != 'Q' && c != 'g' && c != 'w') bad.push_back(text);
  }
  for (const std::string& text : bad) {
    EXPECT_FALSE(one_.DecodeChat(text)) << text;
    EXPECT_FALSE(one_.DecodeCursor(text)) << text;
  }
}

TEST_F(PseudonymsTest, ForeignOnesNeverMeanTheSame) {
  for (int i = 0; i < kRounds; ++i) {
    const auto id = RandomId<ChatId>(engine_);
    EXPECT_NE(one_.Encode(id), other_.Encode(id));
    EXPECT_NE(other_.DecodeChat(one_.Encode(id)), id);
  }
}

TEST_F(PseudonymsTest, OneKindIsGarbageAsAnother) {
  for (int i = 0; i < kRounds; ++i) {
    const auto id = RandomId<ChatId>(engine_);
    const MessageId message{id.bytes};
    EXPECT_NE(one_.Encode(id), one_.Encode(message));
    EXPECT_NE(one_.DecodeMessage(one_.Encode(id)), message);
  }
}

TEST_F(PseudonymsTest, ComeBack) {
  for (int i = 0; i < kRounds; ++i) {
    const auto chat = RandomId<ChatId>(engine_);
    EXPECT_EQ(one_.DecodeChat(one_.Encode(chat)), chat);
    const auto grant = RandomId<GrantId>(engine_);
    EXPECT_EQ(one_.DecodeGrant(one_.Encode(grant)), grant);
    EXPECT_EQ(one_.DecodeAccount(one_.Encode(AccountId{chat.bytes})), AccountId{chat.bytes});
    EXPECT_EQ(one_.DecodeContact(one_.Encode(ContactId{chat.bytes})), ContactId{chat.bytes});
    EXPECT_EQ(one_.DecodeMessage(one_.Encode(MessageId{chat.bytes})), MessageId{chat.bytes});
    EXPECT_EQ(one_.DecodeAttachment(one_.Encode(AttachmentId{chat.bytes})),
              AttachmentId{chat.bytes});
  }
}

TEST_F(PseudonymsTest, OfNothingIsNothing) {
  EXPECT_EQ(one_.Encode(AccountId{}), "");
  EXPECT_EQ(one_.Encode(ChatId{}), "");
  EXPECT_EQ(one_.Encode(ContactId{}), "");
  EXPECT_EQ(one_.Encode(MessageId{}), "");
  EXPECT_EQ(one_.Encode(AttachmentId{}), "");
  EXPECT_EQ(one_.Encode(GrantId{}), "");
  EXPECT_FALSE(one_.DecodeAccount(""));
  EXPECT_FALSE(one_.DecodeChat(""));
  EXPECT_FALSE(one_.DecodeContact(""));
  EXPECT_FALSE(one_.DecodeMessage(""));
  EXPECT_FALSE(one_.DecodeAttachment(""));
  EXPECT_FALSE(one_.DecodeGrant(""));
}

TEST_F(PseudonymsTest, SurviveARestart) {
  const Pseudonyms again(master_, App(1), 42);
  const auto id = RandomId<ChatId>(engine_);
  EXPECT_EQ(one_.Encode(id), again.Encode(id));
}

TEST_F(PseudonymsTest, RefuseForgedAndForeignCursors) {
  for (uint64_t sequence = 0; sequence < kRounds; ++sequence) {
    const std::string cursor = one_.EncodeCursor(sequence);
    EXPECT_FALSE(other_.DecodeCursor(cursor));
    EXPECT_FALSE(other_log_.DecodeCursor(cursor));
    EXPECT_FALSE(one_.DecodeEvent(cursor));
    EXPECT_FALSE(one_.DecodeCursor(one_.EncodeEvent(sequence)));
    std::string forged = cursor;
    char& c = forged[engine_() % 21];
    c = c == 'A' ? 'B' : 'A';
    EXPECT_FALSE(one_.DecodeCursor(forged));
    EXPECT_FALSE(one_.DecodeCursor(one_.Encode(RandomId<ChatId>(engine_))));
  }
}

TEST_F(PseudonymsTest, CursorsComeBackAndTellNoOrder) {
  std::set<std::string> all;
  for (uint64_t sequence : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{1} << 40, UINT64_MAX}) {
    EXPECT_EQ(one_.DecodeCursor(one_.EncodeCursor(sequence)), sequence);
    EXPECT_EQ(one_.DecodeEvent(one_.EncodeEvent(sequence)), sequence);
    all.insert(one_.EncodeCursor(sequence));
    all.insert(one_.EncodeEvent(sequence));
  }
  EXPECT_EQ(all.size(), 10u);
}

TEST_F(PseudonymsTest, WorkFromSeveralThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < kRounds; ++i) {
        const uint64_t sequence = i * 4 + static_cast<uint64_t>(t);
        ASSERT_EQ(one_.DecodeCursor(one_.EncodeCursor(sequence)), sequence);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(IdMaker, KeepsApartWhatDiffers) {
  const IdMaker maker(Key(1));
  const AccountId account = maker.Account("xmpp", "bob@example.org");
  const ChatId chat = maker.Chat(account, "alice"), chat2 = maker.Chat(account, "carol");
  EXPECT_NE(account, maker.Account("xmp", "pbob@example.org"));
  EXPECT_NE(chat.bytes, maker.Contact(account, "alice").bytes);
  EXPECT_NE(chat.bytes, maker.Attachment(account, "alice").bytes);
  EXPECT_NE(chat, maker.Chat(maker.Account("xmpp", "eve@example.org"), "alice"));
  // A peer picks his own message ids: in another chat the same one is another message.
  EXPECT_NE(maker.Message(account, chat, "m1"), maker.Message(account, chat2, "m1"));
  EXPECT_NE(IdMaker(Key(2)).Account("xmpp", "bob@example.org"), account);
}

TEST(IdMaker, IsTheSameForEver) {
  const IdMaker maker(Key(1)), again(Key(1));
  const AccountId account = maker.Account("xmpp", "bob@example.org");
  EXPECT_EQ(account, again.Account("xmpp", "bob@example.org"));
  EXPECT_EQ(maker.Chat(account, "x"), maker.Chat(account, "x"));
  EXPECT_FALSE(account.empty());
  EXPECT_NE(NewGrantId(), NewGrantId());
}

TEST(TokenSealer, RefusesOtherAppsMethodsRequestsAndChanges) {
  const TokenSealer one(Key(1), App(1)), other(Key(1), App(2));
  const std::string token = one.Seal("/a/List", "chat=1", "place");
  EXPECT_FALSE(other.Open("/a/List", "chat=1", token));
  EXPECT_FALSE(one.Open("/a/Find", "chat=1", token));
  EXPECT_FALSE(one.Open("/a/List", "chat=2", token));
  EXPECT_FALSE(one.Open("/a/Lis", "tchat=1", token));
  for (size_t i = 0; i < token.size(); ++i) {
    std::string forged = token;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(one.Open("/a/List", "chat=1", forged)) << i;
  }
  for (const std::string& bad :
       {std::string(), std::string("A"), token + "=", token.substr(4), std::string(100'000, 'A')}) {
    EXPECT_FALSE(one.Open("/a/List", "chat=1", bad));
  }
}

TEST(TokenSealer, GivesThePayloadBack) {
  const TokenSealer one(Key(1), App(1));
  for (const std::string& payload : {std::string(), std::string("x"), std::string(200, '\0')}) {
    const std::string token = one.Seal("/a/List", "", payload);
    EXPECT_EQ(one.Open("/a/List", "", token), payload);
    EXPECT_NE(token, one.Seal("/a/List", "", payload));
  }
}

}  // namespace
}  // namespace postern::permissions
