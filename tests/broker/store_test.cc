// SPDX-License-Identifier: Apache-2.0
#include "broker/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/schema.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(Store, MakesNothingWhenItMayNot) {
  const ScratchFolder folder;
  EXPECT_FALSE(Store::Exists(folder.path()));
  EXPECT_TRUE(absl::IsNotFound(OpenStore(folder.path(), Create::kNever).status()));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Store, RefusesAnotherKeyAndChangesNothing) {
  const ScratchFolder folder;
  ASSERT_TRUE(OpenStore(folder.path()).ok());
  const std::string before = ReadWholeFile(folder.File("events.db"));
  const absl::Status status = OpenStore(folder.path(), Create::kIfMissing, 0x11).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(ReadWholeFile(folder.File("events.db")), before);
  EXPECT_TRUE(OpenStore(folder.path(), Create::kNever).ok());
}

TEST(Store, RefusesAFileThatIsNoDatabase) {
  const ScratchFolder folder;
  WriteWholeFile(folder.File("events.db"), "these are my holiday notes");
  EXPECT_TRUE(absl::IsDataLoss(OpenStore(folder.path()).status()));
  EXPECT_EQ(ReadWholeFile(folder.File("events.db")), "these are my holiday notes");
}

TEST(Store, RefusesADamagedFirstPageAsDamageAndNotAsAWrongKey) {
  const ScratchFolder folder;
  ASSERT_TRUE(OpenStore(folder.path()).ok());
  std::string content = ReadWholeFile(folder.File("events.db"));
  content[100] = static_cast<char>(content[100] ^ 1);
  WriteWholeFile(folder.File("events.db"), content);
  EXPECT_TRUE(absl::IsDataLoss(OpenStore(folder.path()).status()));
}

TEST(Store, RefusesAnUnencryptedDatabase) {
  const ScratchFolder folder;
  std::string plain("SQLite format 3\0", 16);
  plain.resize(8192);
  WriteWholeFile(folder.File("events.db"), plain);
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenStore(folder.path()).status()));
}

TEST(Store, RefusesANewerSchemaAndLeavesItAlone) {
  const ScratchFolder folder;
  {
    auto store = OpenStore(folder.path());
    ASSERT_TRUE(store.ok());
  }
  {
    auto database = Database::Open(folder.File("events.db"), Database::Mode::kReadWrite, TestKey());
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE((*database)
                    ->Execute(absl::StrCat("PRAGMA user_version = ", NewestSchema() + 1).c_str())
                    .ok());
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenStore(folder.path()).status()));
}

TEST(Store, BringsAnOlderDatabaseForwardStepByStepAndKeepsItsRows) {
  const ScratchFolder folder;
  WriteWholeFile(folder.File("old.db"), "");
  auto opened = Database::Open(folder.File("old.db"), Database::Mode::kReadWrite, TestKey());
  ASSERT_TRUE(opened.ok()) << opened.status();
  Database& database = **opened;
  const char* const steps[] = {"CREATE TABLE people(name TEXT PRIMARY KEY);",
                               "ALTER TABLE people ADD COLUMN age INTEGER NOT NULL DEFAULT 7;",
                               "UPDATE people SET age = 8; INSERT INTO nobody VALUES(1);"};
  const auto version = [&] { return *database.QueryInteger("PRAGMA user_version"); };
  const std::span<const char* const> all(steps);
  ASSERT_TRUE(Migrate(database, all.first(1)).ok());
  ASSERT_TRUE(database.Run("INSERT INTO people VALUES('alice')").ok());
  EXPECT_EQ(version(), 1);
  ASSERT_TRUE(Migrate(database, all.first(2)).ok());
  EXPECT_EQ(version(), 2);
  EXPECT_EQ(*database.QueryInteger("SELECT age FROM people WHERE name = 'alice'"), 7);
  // Again is nothing; a step that fails half way changed nothing.
  ASSERT_TRUE(Migrate(database, all.first(2)).ok());
  EXPECT_FALSE(Migrate(database, all).ok());
  EXPECT_EQ(version(), 2);
  EXPECT_EQ(*database.QueryInteger("SELECT age FROM people WHERE name = 'alice'"), 7);
  EXPECT_TRUE(absl::IsFailedPrecondition(Migrate(database, all.first(1))));
}

TEST(Store, RefusesToStartAnewWhereADatabaseWas) {
  const ScratchFolder folder;
  ASSERT_TRUE(OpenStore(folder.path()).ok());
  ASSERT_EQ(::unlink(folder.File("events.db").c_str()), 0);
  EXPECT_TRUE(absl::IsDataLoss(OpenStore(folder.path()).status()));
  EXPECT_FALSE(std::filesystem::exists(folder.File("events.db")));
}

TEST(Store, RefusesAnOlderCopyThatLacksAChange) {
  const ScratchFolder folder;
  const auto set = [](int value) {
    return [value](Database& database) {
      return database.Run("INSERT OR REPLACE INTO meta VALUES('x', ?)", value);
    };
  };
  {
    auto store = OpenStore(folder.path());
    ASSERT_TRUE((*store)->Write(set(1)).ok());
  }
  const std::string older = ReadWholeFile(folder.File("events.db"));
  {
    auto store = OpenStore(folder.path());
    ASSERT_TRUE((*store)->Write(set(2)).ok());
  }
  WriteWholeFile(folder.File("events.db"), older);
  EXPECT_TRUE(absl::IsDataLoss(OpenStore(folder.path()).status()));
}

TEST(Store, RefusesAMissingHighWaterFileOnceSomethingWasStored) {
  const ScratchFolder folder;
  {
    auto store = OpenStore(folder.path());
    ASSERT_TRUE((*store)
                    ->Write([](Database& database) {
                      return database.Run("INSERT INTO meta VALUES('x', 1)");
                    })
                    .ok());
  }
  ASSERT_EQ(::unlink(folder.File("high-water").c_str()), 0);
  EXPECT_TRUE(absl::IsDataLoss(OpenStore(folder.path()).status()));
}

TEST(Store, AFailedJobLeavesNothing) {
  const ScratchFolder folder;
  auto store = OpenStore(folder.path());
  ASSERT_TRUE(store.ok());
  EXPECT_TRUE(absl::IsAborted((*store)->Write([](Database& database) -> absl::Status {
    EXPECT_TRUE(database.Run("INSERT INTO meta VALUES('x', 1)").ok());
    return absl::AbortedError("on purpose");
  })));
  EXPECT_TRUE((*store)
                  ->Read([](Database& database) -> absl::Status {
                    EXPECT_TRUE(absl::IsNotFound(
                        database.QueryInteger("SELECT 1 FROM meta WHERE key = 'x'").status()));
                    return absl::OkStatus();
                  })
                  .ok());
}

TEST(Store, ReadersCannotWrite) {
  const ScratchFolder folder;
  auto store = OpenStore(folder.path());
  EXPECT_FALSE(
      (*store)
          ->Read([](Database& database) { return database.Run("INSERT INTO meta VALUES('x', 1)"); })
          .ok());
}

TEST(Store, KeepsItsFilesPrivateUnderAnyUmask) {
  const ScratchFolder folder;
  const mode_t before = ::umask(0);
  auto store = OpenStore(folder.path());
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)
                  ->Write([](Database& database) {
                    return database.Run("INSERT INTO meta VALUES('x', 1)");
                  })
                  .ok());
  ::umask(before);
  for (const char* name : {"events.db", "events.db-wal", "events.db-shm", "high-water"}) {
    EXPECT_EQ(ModeOf(folder.File(name)), 0600u) << name;
  }
  EXPECT_TRUE(Store::Exists(folder.path()));
  EXPECT_TRUE((*store)->created());
  EXPECT_GT((*store)->SizeBytes(), 0u);
}

TEST(Store, TextIsInNoFile) {
  const ScratchFolder folder;
  const std::string canary = "the canary sings at noon";
  const auto count_in_files = [&] {
    int hits = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      hits += ReadWholeFile(entry.path()).find(canary) != std::string::npos ? 1 : 0;
    }
    return hits;
  };
  {
    auto opened = OpenLog(folder.path());
    ASSERT_TRUE(opened.ok());
    ASSERT_TRUE(opened->log->Append(BatchOf({MessageRecord(1, canary)})).ok());
    EXPECT_EQ((*opened->log->ReadAfter(0, 1)).front()->body, canary);
    EXPECT_EQ(count_in_files(), 0);
  }
  EXPECT_EQ(count_in_files(), 0);
  // The same search finds it where it is.
  WriteWholeFile(folder.File("control"), canary);
  EXPECT_EQ(count_in_files(), 1);
}

TEST(Store, DerivedKeysDifferByPurposeAndStay) {
  const ScratchFolder folder;
  auto store = OpenStore(folder.path());
  const auto text = [](const platform::SecretBytes& key) {
    return std::string(key.span().begin(), key.span().end());
  };
  const std::string grants = text((*store)->DeriveKey("grants"));
  EXPECT_EQ(grants.size(), 32u);
  EXPECT_NE(grants, text((*store)->DeriveKey("pseudonyms")));
  store->reset();
  store = OpenStore(folder.path());
  EXPECT_EQ(grants, text((*store)->DeriveKey("grants")));
}

}  // namespace
}  // namespace postern::broker
