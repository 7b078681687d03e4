// SPDX-License-Identifier: Apache-2.0
// The bounds of files and exports, each with its reason.
#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>

namespace postern::broker {

// The contract's own numbers (attachment_service.proto, gatekeeper_service.proto).
inline constexpr size_t kChunkBytesMax = 64 * 1024;
inline constexpr uint64_t kChunkWindow = 1024 * 1024;

// Larger than any messenger carries but for a few that split files themselves.
inline constexpr uint64_t kAttachmentSizeMax = uint64_t{2} << 30;
// What is kept of files that can be fetched again: of one account, and in all. The oldest used
// goes.
inline constexpr uint64_t kAttachmentAccountBytesMax = uint64_t{2} << 30;
inline constexpr uint64_t kAttachmentBytesMax = uint64_t{4} << 30;
// Stored files: each has an entry in memory.
inline constexpr size_t kAttachmentFilesMax = 16'384;

// Uploads of one app that are not finished, and what they take; a fresh one takes its room at once.
inline constexpr size_t kUploadsPerAppMax = 16;
inline constexpr uint64_t kUploadBytesPerAppMax = uint64_t{2} << 30;
// Streams of uploads of one app that are open at once: one of each upload that may be unfinished.
inline constexpr int kUploadStreamsPerAppMax = 16;
// An upload whose app sends nothing for so long is ended. What has come stays for the next stream.
inline constexpr absl::Duration kUploadSilenceMax = absl::Seconds(60);
// An upload that nobody goes on with.
inline constexpr absl::Duration kUploadAgeMax = absl::Hours(24);
// A new stream of an upload waits so long for its old one to leave: the connection broke, and the
// broker may notice later than the app. Also for the gatekeeper, which may take the bytes just now.
inline constexpr absl::Duration kUploadTakeover = absl::Seconds(10);

// Files that one adapter is asked for at once: a network serves few at a time anyway, and each may
// have a window of bytes under way.
inline constexpr size_t kFetchesPerAccountMax = 8;
// Uploads that go to one adapter at once.
inline constexpr size_t kPushesPerAccountMax = 4;
// Downloads of one app at once.
inline constexpr int kDownloadsPerAppMax = 8;
// A transfer without progress for so long has failed. A network may need a while to begin.
inline constexpr absl::Duration kTransferStallMax = absl::Seconds(60);
// A stream that ends too soon was most likely cut: gRPC says so a moment later than it says that
// nothing more comes.
inline constexpr absl::Duration kCutNotice = absl::Milliseconds(250);
// How often a download that waits for the network looks whether its app is still there.
inline constexpr absl::Duration kTransferPoll = absl::Milliseconds(100);
// An adapter that restarts within a download is asked anew, so often.
inline constexpr int kTransferRestartsMax = 8;
// Between two looks whether a file that is being read is still to be kept.
inline constexpr uint64_t kKeptLookBytes = 1024 * 1024;
// Events that name one attachment and are looked at for one that the app may see: a sticker has
// thousands, and the newest are the likely ones.
inline constexpr int kAttachmentEventsMax = 256;

// Exports of one principal that can be gone on with: a person has one or two.
inline constexpr size_t kExportsPerCallerMax = 4;
inline constexpr absl::Duration kExportAgeMax = absl::Hours(24);
// Chats that one export may name.
inline constexpr int kExportChatsMax = 1000;
// Records looked at for one read of an export.
inline constexpr int kExportSlice = 256;

}  // namespace postern::broker
