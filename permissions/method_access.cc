// SPDX-License-Identifier: Apache-2.0
#include "permissions/method_access.h"

namespace postern::permissions {
namespace {

constexpr std::nullopt_t kNone = std::nullopt;
constexpr bool kYes = true;

constexpr MethodAccess kMethods[] = {
    {"/postern.v1.EnrollmentService/Enroll", kAnyKey, kNone, kYes, ""},

    {"/postern.v1.GrantService/GetSelf", kApps, kNone, kYes, ""},
    {"/postern.v1.GrantService/RequestGrant", kApps, kNone, kYes, ""},
    {"/postern.v1.GrantService/GetGrantRequest", kApps, kNone, kYes, ""},
    {"/postern.v1.GrantService/WatchGrants", kApps, kNone, kYes, ""},
    {"/postern.v1.GrantService/ReleaseGrant", kApps, kNone, kYes, ""},

    {"/postern.v1.ChatService/ListAccounts", kApps, Scope::kChatsRead, kYes, ""},
    {"/postern.v1.ChatService/ListChats", kApps, Scope::kChatsRead, kYes, ""},
    {"/postern.v1.ChatService/GetChat", kApps, Scope::kChatsRead, kYes, ""},
    {"/postern.v1.ChatService/CreateChat", kApps, Scope::kChatsCreate, kYes, ""},
    {"/postern.v1.ChatService/UpdateChat", kApps, Scope::kChatsWrite, kYes, ""},
    {"/postern.v1.ChatService/ListParticipants", kApps, Scope::kChatsRead, kYes, ""},
    {"/postern.v1.ChatService/ListContacts", kApps, Scope::kContactsRead, kYes, ""},
    {"/postern.v1.ChatService/ResolveContact", kApps, Scope::kContactsIdentify, kYes, ""},
    {"/postern.v1.ChatService/RequestBackfill", kApps, Scope::kMessagesHistory, kYes, ""},

    // Each event is looked at when it is written (ViewOf).
    {"/postern.v1.EventService/Subscribe", kApps, kNone, kYes, ""},
    {"/postern.v1.EventService/Acknowledge", kApps, kNone, kYes, ""},
    // Whose access was taken back is thereby asked to erase, and says here that it has.
    {"/postern.v1.EventService/ConfirmErased", kApps | kRevokedKey, kNone, kYes, ""},

    {"/postern.v1.MessageService/ListMessages", kApps, Scope::kMessagesHistory, kYes, ""},
    {"/postern.v1.MessageService/GetMessage", kApps, Scope::kMessagesHistory, kYes, ""},
    {"/postern.v1.MessageService/GetMessageContext", kApps, Scope::kMessagesHistory, kYes, ""},
    {"/postern.v1.MessageService/SearchMessages", kApps, Scope::kMessagesSearch, kYes, ""},
    // The least of the scopes that send; DecideSend says what each opens in which chat.
    {"/postern.v1.MessageService/SendMessage", kApps, Scope::kMessagesSendAsk, kYes, ""},
    {"/postern.v1.MessageService/EditMessage", kApps, Scope::kMessagesEditOwn, kYes, ""},
    {"/postern.v1.MessageService/DeleteMessage", kApps, Scope::kMessagesDeleteOwn, kYes, ""},
    {"/postern.v1.MessageService/SetReaction", kApps, Scope::kReactionsWrite, kYes, ""},
    {"/postern.v1.MessageService/VotePoll", kApps, Scope::kReactionsWrite, kYes, ""},
    {"/postern.v1.MessageService/MarkRead", kApps, Scope::kReceiptsWrite, kYes, ""},
    {"/postern.v1.MessageService/SetTyping", kApps, Scope::kTypingWrite, kYes, ""},
    {"/postern.v1.MessageService/CreateDraft", kApps, Scope::kMessagesDraft, kYes, ""},

    {"/postern.v1.AttachmentService/Download", kApps, Scope::kAttachmentsRead, kYes, ""},
    {"/postern.v1.AttachmentService/Upload", kApps, Scope::kAttachmentsWrite, kYes, ""},
    {"/postern.v1.AttachmentService/GetUpload", kApps, Scope::kAttachmentsWrite, kYes, ""},

    {"/postern.v1.ForwardService/AcquireLease", kApps, Scope::kForward, kYes, ""},
    // What an app holds it may always give back.
    {"/postern.v1.ForwardService/ReleaseLease", kApps, kNone, kYes, ""},
    {"/postern.v1.ForwardService/WatchLeases", kApps, Scope::kChatsRead, kYes, ""},

    {"/postern.v1.ExportService/Export", kApps | kOwner, Scope::kExport, kYes, ""},

    {"/postern.v1.GatekeeperService/Attach", kGatekeepers, kNone, kYes, ""},

    {"/postern.v1.OwnerService/GetStatus", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ListApps", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ListGrants", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/NarrowGrant", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/RevokeGrant", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/RevokeApp", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/SuspendGrant", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ResumeGrant", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ExtendGrant", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/Pause", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/Resume", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ListOwnedAccounts", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ListOwnedChats", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/Seal", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/Unseal", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ListSeals", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ListAccessHistory", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/SummarizeAccess", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ViewAsApp", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/Verify", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ListDisclosures", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/SetNoticePolicy", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/DismissNotices", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/Purge", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ListOwnedContacts", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/LinkContacts", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/UnlinkContact", kOwner, kNone, kYes, ""},
    {"/postern.v1.OwnerService/ListErasures", kOwner, kNone, kYes, ""},

    // Not of this contract. Reflection is off unless configured; then it is for enrolled keys too.
    {"/grpc.health.v1.Health/Check", kEnrolled, kNone, kYes, ""},
    {"/grpc.health.v1.Health/Watch", kEnrolled, kNone, kYes, ""},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kEnrolled, kNone, kYes, ""},
};

}  // namespace

std::span<const MethodAccess> AllMethodAccess() { return kMethods; }

const MethodAccess* FindMethodAccess(std::string_view full_method) {
  // Some fifty rows, once a call: a walk through them costs less than the call's first allocation.
  for (const MethodAccess& row : kMethods) {
    if (row.full_method == full_method) return &row;
  }
  return nullptr;
}

}  // namespace postern::permissions
