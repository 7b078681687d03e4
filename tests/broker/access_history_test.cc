// SPDX-License-Identifier: Apache-2.0
// What the access history promises: nothing that was done goes missing from it, or changes, or is
// put back to what it was, without Verify naming the first row where that is so.
#include "broker/access_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "broker/limits.h"
#include "tests/broker/storage_fixture.h"
#include "tests/fakes/fake_clock.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Principal;
using testing::ElementsAre;

constexpr uint64_t kRows = 12;

class AccessHistoryTest : public testing::Test {
 protected:
  AccessHistoryTest() { Open(); }

  void Open() { OpenIn(folder_.path()); }
  void OpenIn(const std::string& directory) {
    Close();
    auto store = Store::Open(
        {.directory = directory, .key = TestKey(), .clock = &clock_, .create = Create::kIfMissing});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    auto history = AccessHistory::Open(*store_, clock_);
    ASSERT_TRUE(history.ok()) << history.status();
    history_ = *std::move(history);
  }
  void Close() {
    history_.reset();
    store_.reset();
  }
  // Rows of one commit, as the user's acts and their grants share one.
  void Record(uint64_t count) {
    AccessHistory::Head head;
    const absl::Status status = store_->Write([&](Database& database) -> absl::Status {
      for (uint64_t i = 0; i < count; ++i) {
        clock_.Advance(absl::Seconds(7));
        const auto added =
            history_->Insert(database, {.verb = v1::ACCESS_VERB_SEND,
                                        .principal = AppOf(static_cast<uint8_t>(1 + i % 3)),
                                        .chat = IdOf<ChatId>(i % 5),
                                        .grant = IdOf<permissions::GrantId>(9),
                                        .reason = "owner"});
        if (!added.ok()) return added.status();
        head = *added;
      }
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
    history_->Committed(head);
  }
  // Somebody who holds the key changes the table while the daemon is down.
  void Tamper(const std::string& sql) {
    history_.reset();
    ASSERT_TRUE(
        store_->Write([&](Database& database) { return database.Execute(sql.c_str()); }).ok())
        << sql;
    Close();
    Open();
  }
  uint64_t FirstBad() {
    const auto finding = history_->Verify([] { return false; });
    EXPECT_TRUE(finding.ok()) << finding.status();
    return finding.ok() ? finding->first_bad : UINT64_MAX;
  }
  std::vector<AccessRow> All(const AccessFilter& filter = {}, int limit = 10'000) {
    auto page = history_->List(filter, 0, limit);
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? page->rows : std::vector<AccessRow>();
  }
  // What a backup of the data folder holds.
  void Copy(const std::string& from, const std::string& to,
            const std::vector<std::string>& but = {}) {
    std::filesystem::create_directories(to);
    std::filesystem::permissions(to, std::filesystem::perms::owner_all);
    for (const auto& file : std::filesystem::directory_iterator(from)) {
      const std::string name = file.path().filename();
      if (std::find(but.begin(), but.end(), name) != but.end() || !file.is_regular_file()) continue;
      std::filesystem::copy_file(file.path(), to + "/" + name,
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }

  ScratchFolder folder_;
  ScratchFolder backup_;
  fakes::FakeClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AccessHistory> history_;
};

TEST_F(AccessHistoryTest, AnIntactHistoryIsFoundIntact) {
  EXPECT_EQ(FirstBad(), 0u);
  Record(kRows);
  EXPECT_EQ(FirstBad(), 0u);
  Open();
  EXPECT_EQ(FirstBad(), 0u);
  EXPECT_EQ(history_->Verify([] { return false; })->rows, kRows);
  Record(1);
  EXPECT_EQ(FirstBad(), 0u);
  EXPECT_EQ(All().front().sequence, kRows + 1);
  EXPECT_EQ(history_->Verify([] { return true; }).status().code(), absl::StatusCode::kCancelled);
}

// Each kind of damage to each row: the first wrong index is named, now, after more rows were added,
// and after another start.
struct Damage {
  const char* name;
  // $1 is the row.
  const char* sql;
  // The last row has no follower to be swapped with.
  uint64_t last = kRows;
};

class DamagedHistoryTest : public AccessHistoryTest, public testing::WithParamInterface<Damage> {};

TEST_P(DamagedHistoryTest, NamesTheFirstWrongIndex) {
  Record(kRows);
  Close();
  Copy(folder_.path(), backup_.path());
  for (uint64_t at = 1; at <= GetParam().last; ++at) {
    SCOPED_TRACE(at);
    Close();
    Copy(backup_.path(), folder_.path());
    Open();
    std::string sql = GetParam().sql;
    for (size_t place = 0; (place = sql.find("$1")) != std::string::npos;) {
      sql.replace(place, 2, std::to_string(at));
    }
    Tamper(sql);
    EXPECT_EQ(FirstBad(), at);
    Record(2);
    EXPECT_EQ(FirstBad(), at);
    Open();
    EXPECT_EQ(FirstBad(), at);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, DamagedHistoryTest,
    testing::Values(
        Damage{"Dropped", "DELETE FROM access_history WHERE sequence = $1"},
        Damage{"CutOff", "DELETE FROM access_history WHERE sequence >= $1"},
        Damage{"Time", "UPDATE access_history SET time = time + 1 WHERE sequence = $1"},
        Damage{"Verb", "UPDATE access_history SET verb = 1 WHERE sequence = $1"},
        Damage{"Principal", "UPDATE access_history SET principal = x'' WHERE sequence = $1"},
        Damage{"Chat",
               "UPDATE access_history SET chat = zeroblob(15) || x'07' WHERE sequence = "
               "$1"},
        Damage{"Grant", "UPDATE access_history SET grant_id = x'' WHERE sequence = $1"},
        Damage{"Count", "UPDATE access_history SET count = 2 WHERE sequence = $1"},
        Damage{"Reason", "UPDATE access_history SET reason = 'Owner' WHERE sequence = $1"},
        Damage{"Chain", "UPDATE access_history SET chain = zeroblob(16) WHERE sequence = $1"},
        Damage{"Swapped",
               "UPDATE access_history SET sequence = -1 WHERE sequence = $1;"
               "UPDATE access_history SET sequence = $1 WHERE sequence = $1 + 1;"
               "UPDATE access_history SET sequence = $1 + 1 WHERE sequence = -1",
               kRows - 1},
        Damage{"MovedUp",
               "UPDATE access_history SET sequence = sequence + 1000 WHERE sequence >= "
               "$1"}),
    [](const auto& instance) { return instance.param.name; });

TEST_F(AccessHistoryTest, ARowMadeUpAtTheEndIsNamed) {
  Record(kRows);
  Tamper(
      "INSERT INTO access_history SELECT sequence + 1, time, verb, principal, chat, grant_id, "
      "count, reason, chain FROM access_history WHERE sequence = 12");
  EXPECT_EQ(FirstBad(), kRows + 1);
}

TEST_F(AccessHistoryTest, AnOlderDatabaseIsNamedByTheMarkBesideIt) {
  Record(5);
  Close();
  Copy(folder_.path(), backup_.path());
  Open();
  Record(4);
  Close();
  Copy(backup_.path(), folder_.path(), {"access-mark"});
  Open();
  EXPECT_EQ(FirstBad(), 6u);
  // What comes now follows after what is missing: it is not taken for it.
  Record(6);
  EXPECT_EQ(All().front().sequence, 15u);
  EXPECT_EQ(FirstBad(), 6u);
  Open();
  EXPECT_EQ(FirstBad(), 6u);
}

TEST_F(AccessHistoryTest, AnOlderFolderIsNamedByWhatIsRememberedElsewhere) {
  Record(5);
  Close();
  Copy(folder_.path(), backup_.path());
  Open();
  Record(4);
  const AccessHistory::Head remembered = history_->head();
  Close();
  Copy(backup_.path(), folder_.path());
  Open();
  EXPECT_EQ(FirstBad(), 0u);
  ASSERT_TRUE(history_->Expect(remembered).ok());
  EXPECT_EQ(FirstBad(), 6u);
  Record(1);
  EXPECT_EQ(All().front().sequence, 10u);
  Open();
  EXPECT_EQ(FirstBad(), 6u);
}

// Somebody runs another daemon on a copy and puts the result in place: a chain that holds, of
// another history.
TEST_F(AccessHistoryTest, AnotherHistoryOfTheSameLengthIsNamedByTheMark) {
  Record(5);
  Close();
  Copy(folder_.path(), backup_.path());
  OpenIn(backup_.path());
  Record(4);
  Close();
  clock_.Advance(absl::Hours(1));
  Open();
  Record(4);
  Close();
  Copy(backup_.path(), folder_.path(), {"access-mark"});
  Open();
  EXPECT_EQ(FirstBad(), 9u);
  Record(3);
  EXPECT_EQ(FirstBad(), 9u);
}

TEST_F(AccessHistoryTest, AMarkThatIsGoneLeavesTheEndInDoubt) {
  Record(kRows);
  Close();
  std::filesystem::remove(folder_.File("access-mark"));
  Open();
  EXPECT_EQ(FirstBad(), kRows + 1);
  Open();
  EXPECT_EQ(FirstBad(), kRows + 1);
}

TEST_F(AccessHistoryTest, AMarkThatLagsIsNoDamage) {
  Record(5);
  Close();
  std::filesystem::copy_file(folder_.File("access-mark"), backup_.File("access-mark"));
  Open();
  Record(4);
  Close();
  // A power cut may take the mark back, never the rows.
  std::filesystem::copy_file(backup_.File("access-mark"), folder_.File("access-mark"),
                             std::filesystem::copy_options::overwrite_existing);
  Open();
  EXPECT_EQ(FirstBad(), 0u);
}

TEST_F(AccessHistoryTest, ARowOfACommitThatFailsWasNeverThere) {
  Record(2);
  const absl::Status status = store_->Write([&](Database& database) -> absl::Status {
    EXPECT_TRUE(history_->Insert(database, {.verb = v1::ACCESS_VERB_REVOKED}).ok());
    return absl::AbortedError("the change it tells of cannot be made");
  });
  EXPECT_TRUE(absl::IsAborted(status));
  Record(1);
  EXPECT_EQ(All().front().sequence, 3u);
  EXPECT_EQ(All().front().verb, v1::ACCESS_VERB_SEND);
  EXPECT_EQ(FirstBad(), 0u);
}

TEST_F(AccessHistoryTest, CountsAreOneRowForEachMinuteAndShownBeforeItIsOver) {
  const Principal app = AppOf(1);
  const ChatId family = IdOf<ChatId>(1);
  const ChatId club = IdOf<ChatId>(2);
  const absl::Time minute = absl::FromUnixSeconds(absl::ToUnixSeconds(clock_.Now()) / 60 * 60);
  for (int i = 0; i < 100; ++i) {
    history_->Count(app, v1::ACCESS_VERB_READ, family, {}, 2);
    history_->Count(app, v1::ACCESS_VERB_READ, club, {}, 1);
    history_->Count(app, v1::ACCESS_VERB_REFUSED, {}, "SCOPE_REQUIRED", 1);
  }
  ASSERT_EQ(All().size(), 3u);
  for (const AccessRow& row : All()) {
    EXPECT_EQ(row.sequence, 0u);
    EXPECT_EQ(row.time, minute);
  }
  ASSERT_TRUE(history_->Flush(AccessHistory::Minutes::kFinished).ok());
  EXPECT_EQ(history_->head().sequence, 0u);
  clock_.Advance(absl::Minutes(1));
  history_->Count(app, v1::ACCESS_VERB_READ, family, {}, 5);
  ASSERT_TRUE(history_->Flush(AccessHistory::Minutes::kFinished).ok());
  EXPECT_EQ(history_->head().sequence, 3u);
  const std::vector<AccessRow> rows = All({.chat = family});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].sequence, 0u);
  EXPECT_EQ(rows[0].count, 5u);
  EXPECT_NE(rows[1].sequence, 0u);
  EXPECT_EQ(rows[1].count, 200u);
  EXPECT_EQ(rows[1].time, minute);
  EXPECT_EQ(FirstBad(), 0u);
}

TEST_F(AccessHistoryTest, NothingIsCountedTwiceOrLostWhileManyCountAndRead) {
  constexpr int kThreads = 4;
  constexpr int kEach = 3000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const AccessHistory::Reading readings[] = {
            {IdOf<ChatId>(static_cast<uint64_t>(i % 7)), v1::ACCESS_VERB_READ, 3},
            {IdOf<ChatId>(8), v1::ACCESS_VERB_WITHHELD, 1}};
        history_->CountReadings(AppOf(static_cast<uint8_t>(t)), readings);
      }
    });
  }
  const auto total = [&](v1::AccessVerb verb) {
    uint64_t sum = 0;
    for (const AccessRow& row : All()) sum += row.verb == verb ? row.count : 0;
    return sum;
  };
  uint64_t before = 0;
  while (before < uint64_t{kThreads} * kEach * 3) {
    clock_.Advance(absl::Seconds(20));
    ASSERT_TRUE(history_->Flush(AccessHistory::Minutes::kFinished).ok());
    // A reader never sees less than before: what becomes a row is not seen as neither.
    const uint64_t now = total(v1::ACCESS_VERB_READ);
    ASSERT_GE(now, before);
    before = now;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total(v1::ACCESS_VERB_READ), uint64_t{kThreads} * kEach * 3);
  EXPECT_EQ(total(v1::ACCESS_VERB_WITHHELD), uint64_t{kThreads} * kEach);
  ASSERT_TRUE(history_->Flush().ok());
  Open();
  EXPECT_EQ(total(v1::ACCESS_VERB_READ), uint64_t{kThreads} * kEach * 3);
  EXPECT_EQ(FirstBad(), 0u);
}

TEST_F(AccessHistoryTest, TooManyChatsInAMinuteAreStillCounted) {
  uint64_t expected = 0;
  for (uint64_t i = 0; i < kAccessCountsMax + 500; ++i, ++expected) {
    history_->Count(AppOf(1), v1::ACCESS_VERB_READ, IdOf<ChatId>(i + 1), {}, 1);
  }
  ASSERT_TRUE(history_->Flush().ok());
  uint64_t total = 0;
  uint64_t without_chat = 0;
  for (const AccessRow& row : All({}, 100'000)) {
    total += row.count;
    if (row.chat.empty()) without_chat += row.count;
  }
  EXPECT_EQ(total, expected);
  EXPECT_EQ(without_chat, 500u);
}

TEST_F(AccessHistoryTest, TheFirstCallOfADayIsCountedOnce) {
  for (int i = 0; i < 5; ++i) history_->CountConnected(AppOf(1));
  history_->CountConnected(AppOf(2));
  ASSERT_TRUE(history_->Flush().ok());
  Open();
  history_->CountConnected(AppOf(1));
  EXPECT_EQ(All({.verbs = 1U << v1::ACCESS_VERB_CONNECTED}).size(), 2u);
  clock_.Advance(absl::Hours(24));
  history_->CountConnected(AppOf(1));
  EXPECT_EQ(All({.principal = AppOf(1), .verbs = 1U << v1::ACCESS_VERB_CONNECTED}).size(), 2u);
}

TEST_F(AccessHistoryTest, PagesAreStableWhileRowsAreAdded) {
  Record(25);
  std::vector<uint64_t> seen;
  uint64_t before = 0;
  do {
    auto page = history_->List({}, before, 4);
    ASSERT_TRUE(page.ok());
    for (const AccessRow& row : page->rows) seen.push_back(row.sequence);
    before = page->next_before;
    Record(3);
  } while (before != 0);
  std::vector<uint64_t> expected;
  for (uint64_t sequence = 25; sequence > 0; --sequence) expected.push_back(sequence);
  EXPECT_EQ(seen, expected);
}

TEST_F(AccessHistoryTest, FiltersTakeWhatTheyName) {
  Record(30);
  const absl::Time middle = All()[15].time;
  const AccessFilter filters[] = {
      {.principal = AppOf(2)},
      {.chat = IdOf<ChatId>(3)},
      {.verbs = 1U << v1::ACCESS_VERB_READ},
      {.verbs = 1U << v1::ACCESS_VERB_SEND},
      {.start = middle},
      {.end = middle},
      {.principal = AppOf(1), .chat = IdOf<ChatId>(0), .start = middle},
      {.start = clock_.Now() + absl::Hours(1)},
  };
  const std::vector<AccessRow> all = All();
  for (const AccessFilter& filter : filters) {
    std::vector<uint64_t> expected;
    for (const AccessRow& row : all) {
      if (filter.Takes(row)) expected.push_back(row.sequence);
    }
    std::vector<uint64_t> listed;
    for (const AccessRow& row : All(filter)) listed.push_back(row.sequence);
    EXPECT_EQ(listed, expected);
  }
}

TEST_F(AccessHistoryTest, SumsAreThoseOfTheRows) {
  std::mt19937 random(7);
  const absl::Time start = clock_.Now();
  const v1::AccessVerb verbs[] = {v1::ACCESS_VERB_READ, v1::ACCESS_VERB_REFUSED,
                                  v1::ACCESS_VERB_WITHHELD};
  std::map<std::pair<Principal, int>, uint64_t> expected;
  for (int i = 0; i < 400; ++i) {
    clock_.Advance(absl::Seconds(static_cast<int>(random() % 90)));
    const Principal app = AppOf(static_cast<uint8_t>(1 + random() % 3));
    const v1::AccessVerb verb = verbs[random() % 3];
    const uint64_t count = 1 + random() % 50;
    history_->Count(app, verb, IdOf<ChatId>(random() % 4), {}, count);
    expected[{app, verb}] += count;
    if (random() % 20 == 0) {
      ASSERT_TRUE(history_->Record({.verb = v1::ACCESS_VERB_SEND, .principal = app}).ok());
      ++expected[{app, v1::ACCESS_VERB_SEND}];
      ASSERT_TRUE(history_->Flush(AccessHistory::Minutes::kFinished).ok());
    }
  }
  const absl::Duration stretch = absl::Minutes(10);
  const absl::Time first = start - absl::Minutes(1);
  const auto sums = history_->Summarize({}, first, clock_.Now() + absl::Minutes(1), stretch);
  ASSERT_TRUE(sums.ok());
  std::map<std::pair<Principal, int>, uint64_t> summed;
  absl::Time last = absl::InfinitePast();
  for (const AccessHistory::Sum& sum : *sums) {
    EXPECT_GE(sum.start, last);
    EXPECT_EQ((sum.start - first) % stretch, absl::ZeroDuration());
    last = sum.start;
    const auto add = [&](int verb, uint64_t count) {
      if (count > 0) summed[{sum.principal, verb}] += count;
    };
    add(v1::ACCESS_VERB_READ, sum.read);
    add(v1::ACCESS_VERB_SEND, sum.sent);
    add(v1::ACCESS_VERB_REFUSED, sum.refused);
    add(v1::ACCESS_VERB_WITHHELD, sum.withheld);
  }
  EXPECT_EQ(summed, expected);
  const auto one = history_->Summarize(AppOf(1), first, clock_.Now() + absl::Minutes(1), stretch);
  ASSERT_TRUE(one.ok());
  for (const AccessHistory::Sum& sum : *one) EXPECT_EQ(sum.principal, AppOf(1));
  EXPECT_FALSE(one->empty());
}

TEST_F(AccessHistoryTest, WhatIsForgottenForItsAgeLeavesAChainThatHolds) {
  Record(20);
  clock_.Advance(kAccessAgeMax - absl::Hours(1));
  Record(10);
  ASSERT_TRUE(history_->Trim(clock_.Now()).ok());
  EXPECT_EQ(All().size(), 30u);
  clock_.Advance(absl::Hours(1) - absl::Minutes(1));
  ASSERT_TRUE(history_->Trim(clock_.Now()).ok());
  EXPECT_EQ(All().back().sequence, 21u);
  EXPECT_EQ(FirstBad(), 0u);
  clock_.Advance(2 * kAccessAgeMax);
  ASSERT_TRUE(history_->Trim(clock_.Now()).ok());
  // The last row is what the chain goes on from.
  EXPECT_EQ(All().size(), 1u);
  Open();
  EXPECT_EQ(FirstBad(), 0u);
  Record(1);
  EXPECT_EQ(All().front().sequence, 31u);
  EXPECT_EQ(FirstBad(), 0u);
}

TEST_F(AccessHistoryTest, RowsCutOffTheFrontByHandAreNamed) {
  Record(20);
  clock_.Advance(kAccessAgeMax + absl::Hours(1));
  Record(10);
  ASSERT_TRUE(history_->Trim(clock_.Now()).ok());
  Tamper("DELETE FROM access_history WHERE sequence < 25");
  EXPECT_EQ(FirstBad(), 21u);
  Tamper("DELETE FROM meta WHERE key = 'access_trimmed'");
  EXPECT_EQ(FirstBad(), 1u);
}

}  // namespace
}  // namespace postern::broker
