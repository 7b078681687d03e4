// SPDX-License-Identifier: Apache-2.0
#include "permissions/method_access.h"

namespace postern::permissions {
namespace {

constexpr std::nullopt_t kNone = std::nullopt;

constexpr MethodAccess kMethods[] = {
    {"/postern.v1.EnrollmentService/Enroll", kAnyKey, kNone},

    {"/postern.v1.GrantService/GetSelf", kApps, kNone},
    {"/postern.v1.GrantService/RequestGrant", kApps, kNone},
    {"/postern.v1.GrantService/GetGrantRequest", kApps, kNone},
    {"/postern.v1.GrantService/WatchGrants", kApps, kNone},
    {"/postern.v1.GrantService/ReleaseGrant", kApps, kNone},

    {"/postern.v1.ChatService/ListAccounts", kApps, Scope::kChatsRead},
    {"/postern.v1.ChatService/ListChats", kApps, Scope::kChatsRead},
    {"/postern.v1.ChatService/GetChat", kApps, Scope::kChatsRead},
    {"/postern.v1.ChatService/CreateChat", kApps, Scope::kChatsCreate},
    {"/postern.v1.ChatService/UpdateChat", kApps, Scope::kChatsWrite},
    {"/postern.v1.ChatService/ListParticipants", kApps, Scope::kChatsRead},
    {"/postern.v1.ChatService/ListContacts", kApps, Scope::kContactsRead},
    {"/postern.v1.ChatService/ResolveContact", kApps, Scope::kContactsIdentify},
    {"/postern.v1.ChatService/RequestBackfill", kApps, Scope::kMessagesHistory},

    // Each event is looked at when it is written (ViewOf).
    {"/postern.v1.EventService/Subscribe", kApps, kNone},
    {"/postern.v1.EventService/Acknowledge", kApps, kNone},
    // Whose access was taken back is thereby asked to erase, and says here that it has.
    {"/postern.v1.EventService/ConfirmErased", kApps | kRevokedKey, kNone},

    {"/postern.v1.MessageService/ListMessages", kApps, Scope::kMessagesHistory},
    {"/postern.v1.MessageService/GetMessage", kApps, Scope::kMessagesHistory},
    {"/postern.v1.MessageService/GetMessageContext", kApps, Scope::kMessagesHistory},
    {"/postern.v1.MessageService/SearchMessages", kApps, Scope::kMessagesSearch},
    // The least of the scopes that send; DecideSend says what each opens in which chat.
    {"/postern.v1.MessageService/SendMessage", kApps, Scope::kMessagesSendAsk},
    {"/postern.v1.MessageService/EditMessage", kApps, Scope::kMessagesEditOwn},
    {"/postern.v1.MessageService/DeleteMessage", kApps, Scope::kMessagesDeleteOwn},
    {"/postern.v1.MessageService/SetReaction", kApps, Scope::kReactionsWrite},
    {"/postern.v1.MessageService/VotePoll", kApps, Scope::kReactionsWrite},
    {"/postern.v1.MessageService/MarkRead", kApps, Scope::kReceiptsWrite},
    {"/postern.v1.MessageService/SetTyping", kApps, Scope::kTypingWrite},
    {"/postern.v1.MessageService/CreateDraft", kApps, Scope::kMessagesDraft},

    {"/postern.v1.AttachmentService/Download", kApps, Scope::kAttachmentsRead},
    {"/postern.v1.AttachmentService/Upload", kApps, Scope::kAttachmentsWrite},
    {"/postern.v1.AttachmentService/GetUpload", kApps, Scope::kAttachmentsWrite},

    {"/postern.v1.ForwardService/AcquireLease", kApps, Scope::kForward},
    // What an app holds it may always give back.
    {"/postern.v1.ForwardService/ReleaseLease", kApps, kNone},
    {"/postern.v1.ForwardService/WatchLeases", kApps, Scope::kChatsRead},

    {"/postern.v1.ExportService/Export", kApps | kOwner, Scope::kExport},

    {"/postern.v1.GatekeeperService/Attach", kGatekeepers, kNone},

    {"/postern.v1.OwnerService/GetStatus", kOwner, kNone},
    {"/postern.v1.OwnerService/ListApps", kOwner, kNone},
    {"/postern.v1.OwnerService/ListGrants", kOwner, kNone},
    {"/postern.v1.OwnerService/NarrowGrant", kOwner, kNone},
    {"/postern.v1.OwnerService/RevokeGrant", kOwner, kNone},
    {"/postern.v1.OwnerService/RevokeApp", kOwner, kNone},
    {"/postern.v1.OwnerService/SuspendGrant", kOwner, kNone},
    {"/postern.v1.OwnerService/ResumeGrant", kOwner, kNone},
    {"/postern.v1.OwnerService/ExtendGrant", kOwner, kNone},
    {"/postern.v1.OwnerService/Pause", kOwner, kNone},
    {"/postern.v1.OwnerService/Resume", kOwner, kNone},
    {"/postern.v1.OwnerService/ListOwnedAccounts", kOwner, kNone},
    {"/postern.v1.OwnerService/ListOwnedChats", kOwner, kNone},
    {"/postern.v1.OwnerService/Seal", kOwner, kNone},
    {"/postern.v1.OwnerService/Unseal", kOwner, kNone},
    {"/postern.v1.OwnerService/ListSeals", kOwner, kNone},
    {"/postern.v1.OwnerService/ListAccessHistory", kOwner, kNone},
    {"/postern.v1.OwnerService/SummarizeAccess", kOwner, kNone},
    {"/postern.v1.OwnerService/ViewAsApp", kOwner, kNone},
    {"/postern.v1.OwnerService/Verify", kOwner, kNone},
    {"/postern.v1.OwnerService/ListDisclosures", kOwner, kNone},
    {"/postern.v1.OwnerService/SetNoticePolicy", kOwner, kNone},
    {"/postern.v1.OwnerService/DismissNotices", kOwner, kNone},
    {"/postern.v1.OwnerService/Purge", kOwner, kNone},
    {"/postern.v1.OwnerService/ListOwnedContacts", kOwner, kNone},
    {"/postern.v1.OwnerService/LinkContacts", kOwner, kNone},
    {"/postern.v1.OwnerService/UnlinkContact", kOwner, kNone},
    {"/postern.v1.OwnerService/ListErasures", kOwner, kNone},

    // Not of this contract. Reflection is off unless configured; then it is for enrolled keys too.
    {"/grpc.health.v1.Health/Check", kEnrolled, kNone},
    {"/grpc.health.v1.Health/Watch", kEnrolled, kNone},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kEnrolled, kNone},
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
