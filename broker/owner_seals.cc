// SPDX-License-Identifier: Apache-2.0
// The owner's calls that close chats and people to apps, and open them again.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <string>

#include "broker/access_history.h"
#include "broker/consent_desk.h"
#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/event_intake.h"
#include "broker/method_gate.h"
#include "broker/notice_text.h"
#include "broker/owner_service.h"
#include "broker/page.h"
#include "broker/proto_time.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "broker/seal_book.h"
#include "broker/shutdown.h"
#include "permissions/display_text.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::ContactId;

// The chat or person that a request names. Request is SealRequest or UnsealRequest.
template <typename Request>
absl::StatusOr<SealTarget> TargetOf(const Request& request,
                                    const permissions::Pseudonyms& pseudonyms) {
  SealTarget target;
  switch (request.target_case()) {
    case Request::kChatId: {
      ASSIGN_OR_RETURN(target.chat, CheckedId("chat_id", pseudonyms.DecodeChat(request.chat_id())));
      return target;
    }
    case Request::kContactId: {
      ASSIGN_OR_RETURN(target.person,
                       CheckedId("contact_id", pseudonyms.DecodeContact(request.contact_id())));
      return target;
    }
    default:
      return InvalidField("target", "must name a chat or a person");
  }
}

absl::Status CheckKnown(const Directory& directory, const SealTarget& target) {
  if (!target.chat.empty()) {
    return directory.FindChat(target.chat).has_value() ? absl::OkStatus() : NotFound("chat_id");
  }
  const std::optional<v1::Contact> contact = directory.FindContact(target.person);
  if (!contact.has_value()) return NotFound("contact_id");
  if (directory.IsSelf(IdFromText<AccountId>(contact->account_id()), target.person)) {
    return InvalidField("contact_id", "is you; seal a chat instead");
  }
  return absl::OkStatus();
}

std::string NameOf(const Directory& directory, const SealTarget& target) {
  if (!target.chat.empty()) {
    const std::optional<v1::Chat> chat = directory.FindChat(target.chat);
    return permissions::CleanName(chat.has_value() ? chat->name() : "");
  }
  const std::optional<v1::Contact> contact = directory.FindContact(target.person);
  return permissions::CleanName(contact.has_value() ? contact->display_name() : "");
}

absl::Status Record(const Parts& parts, v1::AccessVerb verb, ChatId chat, const char* means) {
  AccessRow row;
  row.verb = verb;
  row.chat = chat;
  row.reason = means;
  return parts.accesses.Record(std::move(row));
}

// Where the person of 'seal' is told: where they objected, else the 1:1 chat with them.
std::optional<v1::Chat> ChatToTell(const Directory& directory, const Seal& seal) {
  if (!seal.objection_chat.empty()) {
    std::optional<v1::Chat> chat = directory.FindChat(seal.objection_chat);
    if (chat.has_value()) return chat;
  }
  for (v1::Chat& chat : directory.Chats()) {
    if (chat.kind() != v1::CHAT_KIND_GROUP &&
        IdFromText<ContactId>(chat.peer_contact_id()) == seal.target.person) {
      return std::move(chat);
    }
  }
  return std::nullopt;
}

v1::SealedObject ToWire(const Seal& seal, const Directory& directory,
                        const permissions::Pseudonyms& pseudonyms) {
  v1::SealedObject object;
  if (!seal.target.chat.empty()) {
    object.set_chat_id(pseudonyms.Encode(seal.target.chat));
  } else {
    object.set_contact_id(pseudonyms.Encode(seal.target.person));
  }
  object.set_reach(std::max(seal.sealed, seal.objection) == SealReach::kAllApps
                       ? v1::SEAL_REACH_ALL_APPS
                       : v1::SEAL_REACH_OFF_DEVICE);
  object.set_objected(seal.objection != SealReach::kNone);
  *object.mutable_seal_time() = ToProto(seal.seal_time);
  object.set_name(NameOf(directory, seal.target));
  return object;
}

}  // namespace

grpc::Status OwnerService::Seal(grpc::ServerContext* context, const v1::SealRequest* request,
                                v1::SealResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/Seal", request, [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(const SealTarget target,
                         TargetOf(*request, parts_.pseudonyms.Of(caller.principal).pseudonyms));
        if (!v1::SealReach_IsValid(request->reach())) {
          return InvalidField("reach", "has a value this broker does not know");
        }
        RETURN_IF_ERROR(CheckKnown(parts_.directory, target));
        const SealReach reach = request->reach() == v1::SEAL_REACH_OFF_DEVICE
                                    ? SealReach::kOffDevice
                                    : SealReach::kAllApps;
        return parts_.requests.Once(
            caller.principal, "Seal", request->request_id(), *request, *response,
            [&]() -> absl::Status {
              RETURN_IF_ERROR(Record(parts_, v1::ACCESS_VERB_SEALED, target.chat, "postern"));
              return parts_.seals.Close(target, reach, parts_.confirmed_clock.Now());
            });
      });
}

grpc::Status OwnerService::Unseal(grpc::ServerContext* context, const v1::UnsealRequest* request,
                                  v1::UnsealResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/Unseal", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(const SealTarget target,
                         TargetOf(*request, parts_.pseudonyms.Of(caller.principal).pseudonyms));
        return parts_.requests.Once(
            caller.principal, "Unseal", request->request_id(), *request, *response,
            [&]() -> absl::Status {
              const std::optional<broker::Seal> seal = parts_.seals.Find(target);
              if (!seal.has_value()) return NotFound("target");
              const bool objected = seal->objection != SealReach::kNone;
              RETURN_IF_ERROR(parts_.consent.AskToConfirm(
                  permissions::QuestionKind::kUnseal, NameOf(parts_.directory, target), caller,
                  [&] { return context->IsCancelled() || parts_.shutdown.begun(); },
                  objected ? ConsentDesk::SubjectObjected::kYes
                           : ConsentDesk::SubjectObjected::kNo));
              RETURN_IF_ERROR(Record(parts_, v1::ACCESS_VERB_UNSEALED, target.chat, "dialog"));
              // First the word to who objected, durably: nobody is overruled in silence.
              if (objected) {
                const std::optional<v1::Chat> chat = ChatToTell(parts_.directory, *seal);
                if (chat.has_value()) {
                  RETURN_IF_ERROR(parts_.disclosures.Say(
                      IdFromText<AccountId>(chat->account_id()), IdFromText<ChatId>(chat->id()),
                      ObjectionOverruled(), DisclosureBook::Manner::kAlways));
                }
              }
              return parts_.seals.Open(*seal);
            });
      });
}

grpc::Status OwnerService::ListSeals(grpc::ServerContext* context,
                                     const v1::ListSealsRequest* request,
                                     v1::ListSealsResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ListSeals", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& book = parts_.pseudonyms.Of(caller.principal);
        ASSIGN_OR_RETURN(PageReader page,
                         PageReader::Open(book.tokens, "ListSeals", "", request->page_size(),
                                          request->page_token()));
        for (const broker::Seal& seal : parts_.seals.All()) {
          const std::string key =
              absl::StrCat(IdText(seal.target.chat), IdText(seal.target.person));
          if (!page.Takes(key)) continue;
          *response->add_seals() = ToWire(seal, parts_.directory, book.pseudonyms);
        }
        response->set_next_page_token(page.NextToken());
        return absl::OkStatus();
      });
}

}  // namespace postern::broker
