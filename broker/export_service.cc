// SPDX-License-Identifier: Apache-2.0
#include "broker/export_service.h"

#include <absl/strings/str_cat.h>

#include <memory>
#include <string>
#include <utility>

#include "broker/access_history.h"
#include "broker/app_registry.h"
#include "broker/asker.h"
#include "broker/attachment_limits.h"
#include "broker/consent_desk.h"
#include "broker/directory.h"
#include "broker/live_streams.h"
#include "broker/method_gate.h"
#include "broker/open_chat.h"
#include "broker/proto_time.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/send_limits.h"
#include "broker/shutdown.h"
#include "permissions/decide.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Scope;

// OK while the caller may export at all.
absl::Status CheckStanding(const Parts& parts, const Caller& caller) {
  if (caller.standing == Standing::kOwner) return absl::OkStatus();
  const Asker asker(parts, caller);
  return RequireScope(asker.viewer, Scope::kExport);
}

absl::StatusOr<Export::Request> Asked(const Parts& parts, const Caller& caller,
                                      const v1::ExportRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (request.chat_ids_size() > kExportChatsMax) {
    return InvalidField("chat_ids", absl::StrCat("must name at most ", kExportChatsMax, " chats"));
  }
  Export::Request asked;
  asked.principal = caller.principal;
  asked.request_id = request.request_id();
  const Asker asker(parts, caller);
  for (const std::string& id : request.chat_ids()) {
    ASSIGN_OR_RETURN(const ChatId chat,
                     CheckedId("chat_ids", asker.book.pseudonyms.DecodeChat(id)));
    asked.chats.push_back(chat);
  }
  RETURN_IF_ERROR(CheckStanding(parts, caller));
  for (const ChatId chat : asked.chats) {
    if (caller.standing == Standing::kOwner) {
      RETURN_IF_ERROR(FindChat(parts, chat, "chat_ids").status());
    } else {
      RETURN_IF_ERROR(FindOpenChat(parts, asker, chat, Scope::kExport, "chat_ids").status());
    }
  }
  if (request.has_start_time()) {
    asked.start_time = FromProto(request.start_time());
  }
  v1::ExportRequest same = request;
  same.clear_offset();
  FileDigest digest;
  digest.Add(same.SerializeAsString());
  asked.digest = digest.Finish();
  return asked;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Export>> ExportService::Begin(const Caller& caller,
                                                             grpc::ServerContext* context,
                                                             Export::Request asked) {
  const bool owner = caller.standing == Standing::kOwner;
  std::string subject;
  if (!owner) {
    subject = absl::StrCat("what “", parts_.apps.Find(caller.principal)->app.display_name(),
                           "” may see, to that app");
  } else if (asked.chats.size() == 1) {
    subject = parts_.directory.FindChat(asked.chats.front()).value_or(v1::Chat()).name();
  } else if (!asked.chats.empty()) {
    subject = absl::StrCat(asked.chats.size(), " chats");
  }
  RETURN_IF_ERROR(parts_.consent.AskToConfirm(
      permissions::QuestionKind::kExport, subject, caller,
      [&] { return context->IsCancelled() || parts_.shutdown.begun(); }));
  // A yes does not outlive the grant it was asked under.
  RETURN_IF_ERROR(CheckStanding(parts_, caller));
  RETURN_IF_ERROR(
      parts_.accesses.Record({.verb = v1::ACCESS_VERB_EXPORTED,
                              .principal = owner ? permissions::Principal() : caller.principal,
                              .chat = asked.chats.size() == 1 ? asked.chats.front() : ChatId(),
                              .reason = owner ? "owner" : "dialog"}));
  return Export::Begin(parts_, caller, std::move(asked));
}

absl::Status ExportService::Stream(const Caller& caller, grpc::ServerContext* context,
                                   const v1::ExportRequest& request,
                                   grpc::ServerWriter<v1::ExportResponse>& writer) {
  ASSIGN_OR_RETURN(Export::Request asked, Asked(parts_, caller, request));
  const bool owner = caller.standing == Standing::kOwner;
  std::unique_ptr<broker::Export> found = book_.Take(caller.principal, request.request_id());
  if (found != nullptr && found->request().digest != asked.digest) {
    book_.Return(std::move(found));
    return ReasonStatus(absl::StatusCode::kAborted, v1::ERROR_REASON_REQUEST_ID_CONFLICT,
                        "this request_id was used for another export; take a new one");
  }
  if (found == nullptr) {
    if (request.offset() != 0) {
      return InvalidField("offset", "must be 0: there is no export of this id to go on with");
    }
    ASSIGN_OR_RETURN(found, Begin(caller, context, std::move(asked)));
  }
  ExportBook::Use used(book_, std::move(found));
  ASSIGN_OR_RETURN(const auto stream,
                   parts_.streams.Add(caller.principal, {}, context, LiveStreams::Kind::kDownload));
  uint64_t offset = request.offset();
  while (true) {
    if (parts_.shutdown.begun()) return Shutdown::Refusal();
    if (context->IsCancelled()) {
      // A revocation's cancel looks like a closed connection; the reason is what counts.
      RETURN_IF_ERROR(CheckStanding(parts_, caller));
      return absl::CancelledError();
    }
    RETURN_IF_ERROR(CheckStanding(parts_, caller));
    if (!owner) {
      const Asker asker(parts_, caller);
      RETURN_IF_ERROR(parts_.limits.MayRead(caller.principal,
                                            ReadAllowance(asker.viewer.access, asker.viewer.now)));
    }
    const uint64_t before = used->messages();
    absl::StatusOr<std::string> data = used->Read(
        parts_, caller, offset, [&] { return context->IsCancelled() || parts_.shutdown.begun(); });
    if (absl::IsCancelled(data.status())) continue;
    if (absl::IsOutOfRange(data.status())) {
      return InvalidField("offset", "lies behind what was sent");
    }
    if (absl::IsAborted(data.status())) used.Discard();
    RETURN_IF_ERROR(data.status());
    if (data->empty()) return absl::OkStatus();
    v1::ExportResponse response;
    response.set_offset(offset);
    offset += data->size();
    response.set_data(*std::move(data));
    if (!stream->BeginWrite(owner ? parts_.apps.epoch() : used->epoch(), 0, {})) continue;
    const bool connected = writer.Write(response);
    stream->EndWrite();
    if (!owner) {
      parts_.limits.CountRead(caller.principal, response.data().size());
      parts_.accesses.Count(caller.principal, v1::ACCESS_VERB_READ, {}, "export",
                            used->messages() - before);
    }
    if (!connected) {
      RETURN_IF_ERROR(CheckStanding(parts_, caller));
      return absl::CancelledError();
    }
  }
}

grpc::Status ExportService::Export(grpc::ServerContext* context, const v1::ExportRequest* request,
                                   grpc::ServerWriter<v1::ExportResponse>* writer) {
  return parts_.gate.Handle(
      context, "/postern.v1.ExportService/Export", request,
      [&](const Caller& caller) { return Stream(caller, context, *request, *writer); });
}

}  // namespace postern::broker
