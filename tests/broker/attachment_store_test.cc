// SPDX-License-Identifier: Apache-2.0
#include "broker/attachment_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "broker/file_type.h"
#include "broker/rpc_status.h"
#include "platform/secret_bytes.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::AttachmentId;

platform::SecretBytes KeyOf(char letter) {
  platform::SecretBytes key(32);
  std::fill_n(key.data(), 32, static_cast<uint8_t>(letter));
  return key;
}

std::string Bytes(size_t count) {
  std::string bytes(count, '\0');
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 12));
  return bytes;
}

std::string ReadAll(const VaultFile& file) {
  std::string all;
  while (true) {
    const auto part = file.Read(all.size(), kVaultChunkBytes);
    EXPECT_TRUE(part.ok()) << part.status();
    if (!part.ok() || part->empty()) return all;
    all += *part;
  }
}

class FileVaultTest : public testing::Test {
 protected:
  std::string path() const { return folder_.File("vault"); }
  ScratchFolder folder_;
};

TEST_F(FileVaultTest, GivesBackWhatWasWrittenFromAnyPlace) {
  const std::string bytes = Bytes(3 * kVaultChunkBytes + 1000);
  {
    auto file = VaultFile::Create(path(), KeyOf('k'));
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Append(bytes.substr(0, 70'000)).ok());
    EXPECT_EQ((*file)->readable(), kVaultChunkBytes);
    ASSERT_TRUE((*file)->Append(bytes.substr(70'000)).ok());
    ASSERT_TRUE((*file)->Finish().ok());
    EXPECT_FALSE((*file)->Append("more").ok());
  }
  const auto file = VaultFile::Open(path(), KeyOf('k'), false);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->readable(), bytes.size());
  EXPECT_EQ(ReadAll(**file), bytes);
  EXPECT_EQ(*(*file)->Read(kVaultChunkBytes + 7, 100), bytes.substr(kVaultChunkBytes + 7, 100));
  EXPECT_EQ(*(*file)->Read(bytes.size(), 100), "");
  EXPECT_FALSE(VaultFile::Create(path(), KeyOf('k')).ok()) << "nothing is overwritten";
}

TEST_F(FileVaultTest, GoesOnBehindTheLastWholeChunk) {
  const std::string bytes = Bytes(2 * kVaultChunkBytes + 500);
  {
    auto file = VaultFile::Create(path(), KeyOf('k'));
    ASSERT_TRUE((*file)->Append(bytes).ok());
    ASSERT_TRUE((*file)->Finish().ok());
  }
  auto file = VaultFile::Open(path(), KeyOf('k'), true);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->size(), 2 * kVaultChunkBytes);
  ASSERT_TRUE((*file)->Append(bytes.substr(2 * kVaultChunkBytes)).ok());
  ASSERT_TRUE((*file)->Finish().ok());
  EXPECT_EQ(ReadAll(**file), bytes);
}

TEST_F(FileVaultTest, NoticesEveryChange) {
  {
    auto file = VaultFile::Create(path(), KeyOf('k'));
    ASSERT_TRUE((*file)->Append(Bytes(2 * kVaultChunkBytes)).ok());
    ASSERT_TRUE((*file)->Finish().ok());
  }
  std::string raw;
  {
    std::ifstream in(path(), std::ios::binary);
    raw.assign(std::istreambuf_iterator<char>(in), {});
  }
  const size_t stride = raw.size() / 2;
  const auto is_lost = [&](const std::string& changed, uint64_t offset) {
    std::ofstream(path(), std::ios::binary) << changed;
    const auto file = VaultFile::Open(path(), KeyOf('k'), false);
    return file.ok() && absl::IsDataLoss((*file)->Read(offset, 10).status());
  };
  for (const size_t at : {size_t{0}, size_t{12}, stride - 1, stride / 2}) {
    std::string changed = raw;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_TRUE(is_lost(changed, 0)) << at;
  }
  // One chunk in the place of another.
  EXPECT_TRUE(is_lost(raw.substr(stride) + raw.substr(0, stride), 0));
  std::ofstream(path(), std::ios::binary) << raw;
  const auto other_key = VaultFile::Open(path(), KeyOf('x'), false);
  ASSERT_TRUE(other_key.ok());
  EXPECT_TRUE(absl::IsDataLoss((*other_key)->Read(0, 10).status()));
}

class AttachmentStoreTest : public testing::Test {
 protected:
  AttachmentStoreTest() {
    auto store = OpenStore(folder_.path());
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  void OpenWith(AttachmentStore::Bounds bounds) {
    auto opened = AttachmentStore::Open(*store_, bounds);
    ASSERT_TRUE(opened.ok()) << opened.status();
    attachments_ = *std::move(opened);
  }
  void Name(char id) {
    ASSERT_TRUE(store_
                    ->Write([&](Database& database) {
                      return database.Run(
                          "INSERT INTO attachments VALUES(?, ?, 'remote', 0, x'', '')",
                          Blob{IdOf<AttachmentId>(static_cast<uint64_t>(id)).view()},
                          Blob{IdOf<AccountId>('a').view()});
                    })
                    .ok());
  }
  absl::Status Put(char id, char account, size_t bytes) {
    auto incoming = attachments_->Begin(IdOf<AccountId>(static_cast<uint64_t>(account)), bytes);
    if (!incoming.ok()) return incoming.status();
    EXPECT_TRUE((*incoming)->file()->Append(Bytes(bytes)).ok());
    EXPECT_TRUE((*incoming)->file()->Finish().ok());
    return attachments_->Keep(*std::move(incoming), IdOf<AttachmentId>(static_cast<uint64_t>(id)),
                              "hash");
  }
  bool Has(char id) {
    const auto found = attachments_->Find(IdOf<AttachmentId>(static_cast<uint64_t>(id)), "");
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && *found != nullptr;
  }
  size_t Files() {
    size_t count = 0;
    for ([[maybe_unused]] const auto& file :
         std::filesystem::directory_iterator(attachments_->directory())) {
      ++count;
    }
    return count;
  }

  ScratchFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AttachmentStore> attachments_;
};

TEST_F(AttachmentStoreTest, WhatWasUsedLeastGoesFirst) {
  OpenWith({.bytes_max = 10'000, .account_bytes_max = 3'000});
  for (const char id : {'1', '2', '3', '4', '5'}) Name(id);
  for (const char id : {'1', '2', '3'}) ASSERT_TRUE(Put(id, 'a', 1'000).ok());
  EXPECT_TRUE(Has('1'));  // a use
  ASSERT_TRUE(Put('4', 'a', 1'000).ok());
  EXPECT_TRUE(Has('1'));
  EXPECT_FALSE(Has('2'));
  EXPECT_TRUE(Has('3'));
  EXPECT_TRUE(Has('4'));
  // Another account has room of its own.
  ASSERT_TRUE(Put('5', 'b', 3'000).ok());
  EXPECT_TRUE(Has('1'));
  EXPECT_EQ(attachments_->kept_bytes(), 6'000u);
  EXPECT_EQ(Files(), 4u);
}

TEST_F(AttachmentStoreTest, WhatCannotFitIsRefusedAndTakesNothing) {
  OpenWith({.bytes_max = 10'000, .account_bytes_max = 3'000});
  const auto refused = attachments_->Begin(IdOf<AccountId>('a'), 3'001);
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status()));
  EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_LIMIT_EXCEEDED);
  // What is on its way cannot make room.
  {
    const auto under_way = attachments_->Begin(IdOf<AccountId>('a'), 3'000);
    ASSERT_TRUE(under_way.ok());
    EXPECT_FALSE(attachments_->Begin(IdOf<AccountId>('a'), 1).ok());
  }
  EXPECT_TRUE(attachments_->Begin(IdOf<AccountId>('a'), 3'000).ok());
  EXPECT_EQ(Files(), 0u);
}

TEST_F(AttachmentStoreTest, FilesAreCountedToo) {
  OpenWith({.files_max = 3});
  for (const char id : {'1', '2', '3', '4', '5'}) Name(id);
  ASSERT_TRUE(Put('1', 'a', 10).ok());
  ASSERT_TRUE(Put('2', 'b', 0).ok());
  ASSERT_TRUE(Put('3', 'a', 10).ok());
  EXPECT_TRUE(Has('1'));  // a use
  // Whose it is makes no difference, nor that an empty one takes no bytes.
  ASSERT_TRUE(Put('4', 'a', 0).ok());
  EXPECT_FALSE(Has('2'));
  EXPECT_TRUE(Has('1') && Has('3') && Has('4'));
  EXPECT_EQ(Files(), 3u);
  // What comes in place of one that is there needs no room, and what does not come makes none.
  ASSERT_TRUE(Put('4', 'a', 20).ok());
  EXPECT_TRUE(attachments_->Begin(IdOf<AccountId>('a'), 10).ok());
  EXPECT_TRUE(Has('1') && Has('3') && Has('4'));
  // Both were on their way when there was room for one.
  OpenWith({.files_max = 4});
  auto one = attachments_->Begin(IdOf<AccountId>('a'), 10);
  auto other = attachments_->Begin(IdOf<AccountId>('a'), 10);
  ASSERT_TRUE(one.ok() && other.ok());
  for (auto* incoming : {&one, &other}) {
    ASSERT_TRUE((**incoming)->file()->Append(Bytes(10)).ok());
    ASSERT_TRUE((**incoming)->file()->Finish().ok());
  }
  ASSERT_TRUE(attachments_->Keep(*std::move(one), IdOf<AttachmentId>('2'), "hash").ok());
  ASSERT_TRUE(attachments_->Keep(*std::move(other), IdOf<AttachmentId>('5'), "hash").ok());
  EXPECT_EQ(Files(), 4u);
  EXPECT_TRUE(Has('2') && Has('5'));
}

TEST_F(AttachmentStoreTest, FilesOutliveARestartAndLeftoversDoNot) {
  OpenWith({});
  Name('1');
  ASSERT_TRUE(Put('1', 'a', 100'000).ok());
  std::ofstream(attachments_->directory() + "/" + std::string(32, 'f')) << "left by a crash";
  OpenWith({});
  EXPECT_EQ(Files(), 1u);
  const auto found = attachments_->Find(IdOf<AttachmentId>('1'), "hash");
  ASSERT_TRUE(found.ok() && *found != nullptr);
  EXPECT_EQ(ReadAll(**found), Bytes(100'000));
  // The network said anew what it should be.
  EXPECT_EQ(*attachments_->Find(IdOf<AttachmentId>('1'), "other"), nullptr);
  EXPECT_EQ(Files(), 0u);
}

TEST_F(AttachmentStoreTest, WhatNothingNamesIsNotKeptAndItsKeyGoesWithTheLastName) {
  OpenWith({});
  EXPECT_TRUE(absl::IsNotFound(Put('9', 'a', 10)));
  EXPECT_EQ(Files(), 0u);
  Name('1');
  ASSERT_TRUE(Put('1', 'a', 10).ok());
  ASSERT_TRUE(
      store_
          ->Write([&](Database& database) { return database.Run("DELETE FROM attachment_files"); })
          .ok());
  ASSERT_TRUE(attachments_->Sweep().ok());
  EXPECT_EQ(Files(), 0u);
  EXPECT_EQ(attachments_->kept_bytes(), 0u);
}

TEST(FileType, GoesByTheFirstBytesWhereATypeHasAMark) {
  EXPECT_TRUE(FileTypeFits("image/png", "\x89PNG\r\n\x1a\n...."));
  EXPECT_TRUE(FileTypeFits("IMAGE/PNG; a=b", "\x89PNG\r\n\x1a\n...."));
  EXPECT_FALSE(FileTypeFits("image/png", "GIF89a"));
  EXPECT_FALSE(FileTypeFits("image/png", ""));
  EXPECT_TRUE(FileTypeFits("image/gif", "GIF87a"));
  EXPECT_TRUE(FileTypeFits("video/mp4", std::string("\0\0\0\x20"
                                                    "ftypisom",
                                                    12)));
  EXPECT_TRUE(FileTypeFits("text/plain", "hello"));
  EXPECT_TRUE(FileTypeFits("", "anything"));
  EXPECT_FALSE(FileTypeFits("text/plain",
                            "\x7f"
                            "ELF..."));
  EXPECT_TRUE(FileTypeFits("application/x-executable",
                           "\x7f"
                           "ELF..."));
  EXPECT_TRUE(IsMimeType("image/svg+xml"));
  EXPECT_TRUE(IsMimeType("text/plain; charset=utf-8"));
  EXPECT_FALSE(IsMimeType("png"));
  EXPECT_FALSE(IsMimeType("image/"));
  EXPECT_FALSE(IsMimeType("a b/c"));
}

}  // namespace
}  // namespace postern::broker
