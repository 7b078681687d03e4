// SPDX-License-Identifier: Apache-2.0
// Files, whole, whatever becomes of the connection meanwhile: both ways go on where they were cut,
// also by a stop of posternd. An export does not outlive posternd: it is ABORTED, and begun anew
// the person is asked anew.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "clients/sdk/backoff.h"
#include "postern/v1/export_service.pb.h"
#include "postern/v1/message.pb.h"

namespace postern::sdk {

struct Stubs;

struct TransferOptions {
  // Told how many bytes are there, and of how many (0: not known yet). May be empty.
  std::function<void(uint64_t done, uint64_t total)> on_progress{};
  // How long to try without progress.
  absl::Duration reach_timeout = absl::Seconds(30);
  BackoffOptions backoff{};
  // For Upload: names it in the broker; the same id goes on with what an earlier call began. Empty:
  // a new one.
  std::string request_id{};
};

// Fetches an attachment: 'take' gets its bytes in order, each once, and stops it with an error.
// NOT_FOUND when the app may not have it; FAILED_PRECONDITION ATTACHMENT_MISMATCH when what the
// gatekeeper brought is not what was said of it: then what was taken is worth nothing.
absl::Status DownloadFile(Stubs& stubs, const std::string& attachment_id,
                          absl::FunctionRef<absl::Status(std::string_view)> take,
                          const TransferOptions& options = {});

// Uploads a file for 'chat_id' and returns its id for SendMessage. 'description' needs file name,
// media type, size and SHA-256. 'read' gives up to 64 KiB from an offset on.
absl::StatusOr<std::string> UploadFile(
    Stubs& stubs, const std::string& chat_id, const v1::Attachment& description,
    absl::FunctionRef<absl::StatusOr<std::string>(uint64_t offset, size_t most)> read,
    const TransferOptions& options = {});

// The same for a file on the disk; its type goes by its name. NOT_FOUND, INVALID_ARGUMENT when it
// is not a file, FAILED_PRECONDITION when it cannot be read.
absl::StatusOr<std::string> UploadPath(Stubs& stubs, const std::string& chat_id,
                                       const std::string& path,
                                       const TransferOptions& options = {});

// Takes an export out: 'take' gets its bytes in order, each once. The person is asked first, which
// can take minutes. Errors as ExportService.Export; PERMISSION_DENIED CONSENT_REFUSED for a no;
// ABORTED when it cannot go on: then what was taken is worth nothing.
absl::Status TakeExport(Stubs& stubs, v1::ExportRequest request,
                        absl::FunctionRef<absl::Status(std::string_view)> take,
                        const TransferOptions& options = {});

}  // namespace postern::sdk
