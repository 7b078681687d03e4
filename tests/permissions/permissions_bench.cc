// SPDX-License-Identifier: Apache-2.0
// What a decision and a pseudonym cost. The yardstick: 50 grants of 1,000 chats each, under 1 us.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "permissions/decide.h"
#include "permissions/id_cipher.h"
#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

constexpr int kGrants = 50;
constexpr int kChats = 1000;

ChatId RandomChat(std::mt19937_64& engine) {
  ChatId id;
  for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(engine());
  return id;
}

struct Setting {
  std::vector<Grant> grants;
  std::vector<ChatId> chats;
};

// No grant opens 'last' but the last one: the longest way through.
Setting MakeSetting() {
  std::mt19937_64 engine(1);
  Setting setting;
  for (int i = 0; i < kChats; ++i) setting.chats.push_back(RandomChat(engine));
  for (int g = 0; g < kGrants; ++g) {
    Grant grant = GrantOf({Scope::kChatsRead, Scope::kMessagesRead});
    grant.selection.chat_choice = ChatChoice::kListed;
    for (int i = 0; i < kChats; ++i) {
      grant.selection.included_chats.insert(g == kGrants - 1 ? setting.chats[static_cast<size_t>(i)]
                                                             : RandomChat(engine));
    }
    setting.grants.push_back(std::move(grant));
  }
  return setting;
}

void BM_ViewOf(benchmark::State& state) {
  const Setting setting = MakeSetting();
  const Access access = {.grants = setting.grants};
  EventFacts event = EventIn(1, 20);
  size_t i = 0;
  for (auto _ : state) {
    event.object.chat = setting.chats[i++ % setting.chats.size()];
    benchmark::DoNotOptimize(ViewOf(access, event, kNow));
  }
}
BENCHMARK(BM_ViewOf);

void BM_ViewOfWithOneGrant(benchmark::State& state) {
  const Setting setting = MakeSetting();
  const Access access = {.grants = std::span(setting.grants).last(1)};
  EventFacts event = EventIn(1, 20);
  size_t i = 0;
  for (auto _ : state) {
    event.object.chat = setting.chats[i++ % setting.chats.size()];
    benchmark::DoNotOptimize(ViewOf(access, event, kNow));
  }
}
BENCHMARK(BM_ViewOfWithOneGrant);

void BM_Pseudonym(benchmark::State& state) {
  const std::vector<uint8_t> master(32, 1);
  const Pseudonyms pseudonyms(master, {}, 1);
  for (auto _ : state) benchmark::DoNotOptimize(pseudonyms.Encode(ChatNumber(1)));
}
BENCHMARK(BM_Pseudonym);

void BM_MakeMessageId(benchmark::State& state) {
  const std::vector<uint8_t> key(32, 1);
  const IdMaker maker(key);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        maker.Message(AccountNumber(1), ChatNumber(1), "3EB0C767D0971F8B9C5A"));
  }
}
BENCHMARK(BM_MakeMessageId);

}  // namespace
}  // namespace postern::permissions

BENCHMARK_MAIN();
