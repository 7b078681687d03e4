// SPDX-License-Identifier: Apache-2.0
#include "broker/export_book.h"

#include <absl/strings/escaping.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "broker/app_registry.h"
#include "broker/asker.h"
#include "broker/attachment_limits.h"
#include "broker/deliveries.h"
#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/history.h"
#include "broker/message_index.h"
#include "broker/proto_time.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "permissions/decide.h"
#include "platform/secret_bytes.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Principal;
using permissions::Scope;
using Json = nlohmann::ordered_json;

// Of the contract's kinds: a new message.
constexpr int kMessageCreated = v1::Event::kMessageCreated;

// What the user sees of their own: everything that no seal covers.
permissions::Grant OwnersGrant(const Directory& directory, const Principal& owner) {
  permissions::Grant grant;
  grant.principal = owner;
  for (const Scope scope :
       {Scope::kChatsRead, Scope::kMessagesMetadata, Scope::kMessagesRead, Scope::kMessagesHistory,
        Scope::kAttachmentsRead, Scope::kContactsRead, Scope::kContactsIdentify,
        Scope::kReactionsRead, Scope::kEphemeralRead, Scope::kExport}) {
    grant.scopes.Add(scope);
  }
  grant.selection.chat_choice = permissions::ChatChoice::kAllAndNew;
  for (const v1::Account& account : directory.Accounts()) {
    grant.selection.accounts.insert(IdFromText<permissions::AccountId>(account.id()));
  }
  return grant;
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

// Text that came with bad bytes has been mended on its way in; what else is wrong is replaced.
std::string Dump(const Json& line) {
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

absl::Status Changed() {
  return ReasonStatus(absl::StatusCode::kAborted, v1::ERROR_REASON_REQUEST_ID_CONFLICT,
                      "what this app may see has changed since this export began; begin a new one");
}

// What the user calls an account and a chat in it.
struct Names {
  std::string account;
  std::string chat;
};

// The line of one message. 'shown' is in the caller's pseudonyms.
Json LineOf(const v1::Message& shown, const LogRecord& record, const std::string& network,
            const std::string& account_id, const Names& names, absl::Time exported,
            const std::string& exporter) {
  Json line;
  line["network"] = network;
  line["account_id"] = account_id;
  line["account_name"] = names.account;
  line["chat_id"] = shown.chat_id();
  line["chat_name"] = names.chat;
  line["message_id"] = shown.id();
  line["sender_contact_id"] = shown.sender_contact_id();
  line["sender_name"] = shown.sender_display_name();
  line["create_time"] = TimeText(FromProto(shown.create_time()));
  line["record_time"] = TimeText(record.record_time);
  line["end_to_end_encrypted"] = shown.end_to_end_encrypted();
  line["origin_app"] = shown.origin().app_display_name();
  line["export_time"] = TimeText(exported);
  line["exported_by"] = exporter;
  // Attachments are named by id and hash in here; their bytes are not.
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  if (google::protobuf::util::MessageToJsonString(shown, &text, options).ok()) {
    line["message"] = Json::parse(text, nullptr, false);
  }
  Json files = Json::array();
  for (const v1::Attachment& attachment : shown.attachments()) {
    files.push_back({{"attachment_id", attachment.id()},
                     {"size_bytes", attachment.size_bytes()},
                     {"sha256", Hex(attachment.sha256())}});
  }
  if (!files.empty()) line["attachments"] = std::move(files);
  return line;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Export>> Export::Begin(const Parts& parts, const Caller& caller,
                                                      Request request) {
  std::unique_ptr<Export> begun(new Export(std::move(request)));
  const std::string directory = parts.store.directory() + "/" + kVaultFolder;
  RETURN_IF_ERROR(MakeVaultFolder(directory));
  begun->path_ = directory + "/" + NewVaultName();
  ASSIGN_OR_RETURN(begun->file_, VaultFile::Create(begun->path_, platform::RandomSecret(32)));
  begun->epoch_ = parts.apps.epoch();
  const Asker asker(parts, caller);
  begun->expiry_ = permissions::NextExpiry(asker.viewer.access, asker.viewer.now);
  begun->begin_time_ = parts.confirmed_clock.Now();
  begun->through_ = parts.log.last_sequence();
  begun->position_ = parts.log.oldest_sequence() - 1;
  RETURN_IF_ERROR(parts.index.CatchUp(begun->through_, kIndexWait));
  return begun;
}

Export::~Export() {
  if (!path_.empty()) RemoveVaultFile(path_);
}

absl::Status Export::WriteLine(const std::string& line) {
  digest_.Add(line);
  return file_->Append(line);
}

bool Export::HasChanged(const Parts& parts, const Caller& caller) const {
  return caller.standing != Standing::kOwner &&
         (parts.apps.epoch() != epoch_ || parts.clock.Now() >= expiry_);
}

absl::Status Export::WriteMore(const Parts& parts, const Caller& caller) {
  const bool owner = caller.standing == Standing::kOwner;
  const Asker asker(parts, caller);
  const permissions::Grant all = OwnersGrant(parts.directory, caller.principal);
  const permissions::Access access =
      owner ? permissions::Access{.grants = {&all, 1}} : asker.viewer.access;
  const Viewer viewer{*asker.app,      access,        asker.book.pseudonyms,
                      parts.directory, parts.history, parts.clock.Now()};
  const std::string exporter = owner ? "owner" : asker.app->app.display_name();
  if (position_ >= through_) {
    Json last;
    last["lines_sha256"] = Hex(digest_.Finish());
    last["messages"] = messages_;
    last["export_time"] = TimeText(begin_time_);
    last["exported_by"] = exporter;
    RETURN_IF_ERROR(file_->Append(Dump(last)));
    RETURN_IF_ERROR(file_->Finish());
    written_ = true;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records,
                   parts.log.ReadAfter(position_, kExportSlice));
  if (records.empty()) {
    position_ = through_;
    return absl::OkStatus();
  }
  std::vector<Sequence> created;
  std::vector<RecordPointer> of;
  for (const RecordPointer& record : records) {
    position_ = record->sequence;
    if (position_ > through_) break;
    if (record->kind != kMessageCreated || record->erased()) continue;
    if (!request_.chats.empty() && std::find(request_.chats.begin(), request_.chats.end(),
                                             record->chat) == request_.chats.end()) {
      continue;
    }
    if (Decide(access, Scope::kExport, FactsOf(*record, parts.directory).object, viewer.now) !=
        permissions::Verdict::kAllowed) {
      continue;
    }
    created.push_back(record->sequence);
    of.push_back(record);
  }
  ASSIGN_OR_RETURN(const auto shown, parts.history.Show(viewer, created));
  std::map<permissions::AccountId, v1::Account> accounts;
  std::map<ChatId, Names> names;
  // What the app was handed, by chat: the first and the last record, and what is folded in.
  struct Handed {
    Sequence first = 0;
    Sequence last = 0;
    std::vector<Sequence> folded;
  };
  std::map<ChatId, Handed> handed;
  for (size_t i = 0; i < shown.size(); ++i) {
    if (!shown[i].has_value()) continue;
    const v1::Message& message = shown[i]->message;
    if (message.withheld() || message.deleted()) continue;
    if (FromProto(message.create_time()) < request_.start_time) continue;
    const LogRecord& record = *of[i];
    if (!accounts.contains(record.account)) {
      accounts[record.account] =
          parts.directory.FindAccount(record.account).value_or(v1::Account());
    }
    if (!names.contains(record.chat)) {
      const std::optional<v1::Chat> chat = parts.directory.FindChat(record.chat);
      // These names belong to the chat, which an app may not be allowed to see.
      const bool named = chat.has_value() &&
                         Decide(access, Scope::kChatsRead, FactsOf(record, parts.directory).object,
                                viewer.now) == permissions::Verdict::kAllowed;
      names[record.chat] =
          named ? Names{accounts[record.account].display_name(), chat->name()} : Names{};
    }
    RETURN_IF_ERROR(WriteLine(Dump(LineOf(message, record, accounts[record.account].network(),
                                          viewer.pseudonyms.Encode(record.account),
                                          names[record.chat], begin_time_, exporter))));
    ++messages_;
    Handed& of_chat = handed[record.chat];
    if (of_chat.first == 0) of_chat.first = record.sequence;
    of_chat.last = record.sequence;
    of_chat.folded.insert(of_chat.folded.end(), shown[i]->folded.begin(), shown[i]->folded.end());
  }
  for (auto& [chat, range] : handed) {
    if (owner) break;
    parts.deliveries.Note(*asker.app, chat, range.first, range.last);
    std::erase_if(range.folded, [last = range.last](Sequence at) { return at <= last; });
    parts.deliveries.Note(*asker.app, chat, std::move(range.folded));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Export::Read(const Parts& parts, const Caller& caller, uint64_t offset,
                                         absl::FunctionRef<bool()> cancelled) {
  if (HasChanged(parts, caller)) return Changed();
  while (!written_ && file_->readable() <= offset) {
    if (cancelled()) return absl::CancelledError();
    RETURN_IF_ERROR(WriteMore(parts, caller));
    if (HasChanged(parts, caller)) return Changed();
    // Offsets lie within what was once handed out; a far one must not make the rest be written.
    if (!written_ && offset > file_->size() + kChunkWindow) break;
  }
  if (offset > file_->readable()) {
    return absl::OutOfRangeError("the export does not reach so far");
  }
  return file_->Read(offset, kChunkBytesMax);
}

std::unique_ptr<Export> ExportBook::Take(const Principal& principal,
                                         const std::string& request_id) {
  platform::MutexLock lock(mutex_);
  for (auto it = kept_.begin(); it != kept_.end(); ++it) {
    if (it->kept->request().principal != principal ||
        it->kept->request().request_id != request_id || IsTooOld(*it, clock_.Elapsed())) {
      continue;
    }
    std::unique_ptr<Export> taken = std::move(it->kept);
    kept_.erase(it);
    return taken;
  }
  return nullptr;
}

void ExportBook::Return(std::unique_ptr<Export> used) {
  std::list<Kept> gone;
  platform::MutexLock lock(mutex_);
  const Principal principal = used->request().principal;
  kept_.push_front({std::move(used), clock_.Elapsed()});
  size_t count = 0;
  for (auto it = kept_.begin(); it != kept_.end();) {
    const auto next = std::next(it);
    if (it->kept->request().principal == principal && ++count > kExportsPerCallerMax) {
      gone.splice(gone.end(), kept_, it);
    }
    it = next;
  }
}

void ExportBook::Sweep() {
  std::list<Kept> gone;
  const absl::Duration now = clock_.Elapsed();
  platform::MutexLock lock(mutex_);
  for (auto it = kept_.begin(); it != kept_.end();) {
    const auto next = std::next(it);
    if (IsTooOld(*it, now)) gone.splice(gone.end(), kept_, it);
    it = next;
  }
}

}  // namespace postern::broker
