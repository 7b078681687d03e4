// SPDX-License-Identifier: Apache-2.0
#include "broker/attachment_rows.h"

#include <string>
#include <vector>

#include "platform/status_macros.h"

namespace postern::broker {

absl::Status ForgetAttachmentsOf(Database& database, Sequence sequence) {
  std::vector<std::string> ids;
  {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT id FROM attachment_refs WHERE sequence = ?"));
    rows.BindAll(sequence);
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) break;
      ids.emplace_back(rows.Bytes(0));
    }
  }
  for (const std::string& id : ids) {
    RETURN_IF_ERROR(database.Run("DELETE FROM attachment_refs WHERE id = ? AND sequence = ?",
                                 Blob{id}, sequence));
    RETURN_IF_ERROR(
        database.Run("DELETE FROM attachments WHERE id = ?1 AND NOT EXISTS "
                     "(SELECT 1 FROM attachment_refs WHERE id = ?1)",
                     Blob{id}));
    RETURN_IF_ERROR(
        database.Run("DELETE FROM attachment_files WHERE attachment = ?1 AND NOT EXISTS "
                     "(SELECT 1 FROM attachments WHERE id = ?1)",
                     Blob{id}));
  }
  return absl::OkStatus();
}

}  // namespace postern::broker
