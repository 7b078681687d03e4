// SPDX-License-Identifier: Apache-2.0
#include "broker/attachment_view.h"

#include <optional>
#include <utility>
#include <vector>

#include "broker/directory.h"
#include "broker/event_ids.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/open_chat.h"
#include "broker/request_check.h"
#include "permissions/account_access.h"
#include "permissions/decide.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AttachmentId;
using permissions::Scope;
using permissions::Verdict;

// Whether the event, in the app's own ids, names the attachment.
bool Names(v1::Event& event, const std::string& id) {
  bool names = false;
  VisitIds(event, [&](IdKind kind, std::string* named) {
    names = names || (kind == IdKind::kAttachment && *named == id);
  });
  return names;
}

}  // namespace

absl::StatusOr<OpenAttachment> FindOpenAttachment(const Parts& parts, const Asker& asker,
                                                  const std::string& id) {
  ASSIGN_OR_RETURN(const AttachmentId attachment,
                   CheckedId("attachment_id", asker.book.pseudonyms.DecodeAttachment(id)));
  const Viewer& viewer = asker.viewer;
  RETURN_IF_ERROR(RequireScope(viewer, Scope::kAttachmentsRead));
  OpenAttachment open;
  ASSIGN_OR_RETURN(open.known, parts.files.Find(attachment));
  for (const Sequence sequence : open.known.named_by) {
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, parts.log.Read({sequence}));
    const RecordPointer& record = records.front();
    if (record == nullptr || record->erased()) continue;
    const permissions::EventFacts facts = FactsOf(*record, parts.directory);
    // A person's picture that no chat shows is for whom every chat is open to.
    const auto decide = facts.object.chat.empty() ? permissions::DecidePerson : permissions::Decide;
    if (decide(viewer.access, Scope::kAttachmentsRead, facts.object, viewer.now) !=
        Verdict::kAllowed) {
      continue;
    }
    ASSIGN_OR_RETURN(std::optional<v1::Event> event, ViewEvent(*record, viewer));
    if (!event.has_value() || event->view() != v1::EVENT_VIEW_WHOLE || !Names(*event, id)) continue;
    open.chat = record->chat;
    return open;
  }
  return NotFound("attachment_id");
}

}  // namespace postern::broker
