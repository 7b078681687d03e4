// SPDX-License-Identifier: Apache-2.0
// Every bound of the storage, with its reason.
#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>

namespace postern::broker {

// Jobs in one commit: past a thousand rows a commit gains nothing and its latency grows.
inline constexpr size_t kJobsPerCommitMax = 1000;
// Jobs waiting for the writer: callers are handler threads, each waiting for its own job.
inline constexpr size_t kQueuedJobsMax = 4096;
// Records in one Append: one adapter batch (1 MiB) of small events fits.
inline constexpr size_t kAppendRecordsMax = 16384;
// Read-only connections: each costs a page cache.
inline constexpr size_t kReaders = 2;
// Page cache of the writer and of each reader: appends touch few pages, scans none twice.
inline constexpr int kWriterCacheKib = 4096;
inline constexpr int kReaderCacheKib = 1024;
// How long a connection waits for SQLite's own short locks (checkpoint against reader).
inline constexpr int kBusyTimeoutMilliseconds = 200;

// WAL size at which the writer checkpoints when nobody waits, and when somebody does (8 KiB pages:
// 4 and 32 MiB): the copying costs milliseconds, so it is done in a pause if there is one.
inline constexpr int kCheckpointIdlePages = 512;
inline constexpr int kCheckpointBusyPages = 4096;
// The WAL is emptied at most this often after an erasure: a flood of deletes must not sync all day.
inline constexpr absl::Duration kWalTruncationInterval = absl::Minutes(1);

// The tail in memory: a second of full speed for a reader to fall behind, within the memory budget.
inline constexpr size_t kTailRecordsMax = 16384;
inline constexpr size_t kTailBytesMax = size_t{6} << 20;
// One read from the database: bounds both memory and how long a read transaction lasts.
inline constexpr int kReadRecordsMax = 2048;
inline constexpr size_t kReadBytesMax = size_t{2} << 20;
// Records whose chain is checked before the log opens; the rest is checked in the background.
inline constexpr int kCheckedAtOpen = 1000;
// Records whose content one job erases, and rows that one job removes: a few milliseconds, so that
// commits are not held up. What is erased is taken out of the search index word by word.
inline constexpr size_t kEraseSlice = 32;
inline constexpr size_t kTrimSlice = 500;

// Records that one job of the message index covers: a few milliseconds of the writer's time.
inline constexpr int kIndexSlice = 1000;
// How long the index lets records gather: an index commit for each event would double the syncs.
inline constexpr absl::Duration kIndexLinger = absl::Milliseconds(250);
// Sequences that share one part of the index by message id. Ids are random: in one big part each
// row dirties a page of its own. A part of this size has some forty pages, which a slice fills
// together; a look-up probes each part. postern_log_bench prints what both cost.
inline constexpr uint64_t kIndexPartRecords = 16384;
// What is folded into one message: of its edits the latest few count (not everybody sees each), of
// the rest so many: a thousand people may react, and a page of such messages must stay readable.
inline constexpr size_t kFoldedEditsMax = 8;
inline constexpr size_t kFoldedChangesMax = 512;

// What one job of the search index adds, in messages and in bytes of their records: small, because
// commits wait behind it; postern_search_bench prints how fast it goes all the same.
inline constexpr size_t kWordsSlice = 128;
inline constexpr size_t kWordsBytesMax = size_t{32} << 10;
// How long the search index lets messages gather; a search brings it up to date itself.
inline constexpr absl::Duration kWordsLinger = absl::Seconds(1);
// After an error the index waits this long before it tries again.
inline constexpr absl::Duration kIndexRetry = absl::Seconds(1);
// Longest single wait inside a wait without end; the waiter looks around and goes on.
inline constexpr absl::Duration kWaitMax = absl::Hours(1);

}  // namespace postern::broker
