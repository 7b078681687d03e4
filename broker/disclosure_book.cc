// SPDX-License-Identifier: Apache-2.0
#include "broker/disclosure_book.h"

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "broker/limits.h"
#include "broker/notice_text.h"
#include "broker/proto_time.h"
#include "broker/storage_limits.h"
#include "platform/digest.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::ContactId;
using storage::v1::Disclosure;

// What a notice is about, as bytes that are equal exactly when it says the same.
std::string KeyOf(const Audience& named) {
  if (named.empty()) return {};
  std::string text;
  for (const AudienceApp& app : named) {
    absl::StrAppend(&text, app.principal.ToHex(), "\n", app.name, "\n", app.service, "\n",
                    app.metadata_only ? "m" : "t", app.leaves_device ? "l" : "s", "\n");
  }
  return platform::Sha256(text);
}

// The people of a chat, without the user.
std::vector<ContactId> PeopleOf(const Directory& directory, AccountId account, ChatId chat) {
  std::vector<ContactId> people;
  const std::optional<v1::Chat> known = directory.FindChat(chat);
  if (!known.has_value()) return people;
  for (const v1::Participant& participant : known->participants()) {
    const ContactId person = IdFromText<ContactId>(participant.contact_id());
    if (!person.empty() && !directory.IsSelf(account, person)) people.push_back(person);
  }
  return people;
}

bool Contains(const std::string& ids, const ContactId& person) {
  for (size_t at = 0; at + person.bytes.size() <= ids.size(); at += person.bytes.size()) {
    if (ids.compare(at, person.bytes.size(), person.view()) == 0) return true;
  }
  return false;
}

// Adds 'people' to who was told. Where too many came and went, those who are gone are forgotten.
void AddTold(const std::vector<ContactId>& people, std::string& told) {
  if (told.size() / sizeof(ContactId) + people.size() > kToldPeopleMax) told.clear();
  for (const ContactId& person : people) {
    if (!Contains(told, person)) told += person.view();
  }
}

LogRecord ChangedEvent(AccountId account, ChatId chat, const Disclosure& row, absl::Time now) {
  storage::v1::StoredEvent stored;
  v1::Event& event = *stored.mutable_event();
  event.set_account_id(IdText(account));
  event.set_chat_id(IdText(chat));
  *event.mutable_event_time() = ToProto(now);
  *event.mutable_record_time() = event.event_time();
  event.mutable_disclosure_changed()->set_app_count(row.app_count());
  event.mutable_disclosure_changed()->set_leaves_device(row.leaves_device());
  LogRecord record;
  record.account = account;
  record.chat = chat;
  record.kind = v1::Event::kDisclosureChanged;
  record.record_time = now;
  record.body = stored.SerializeAsString();
  return record;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DisclosureBook>> DisclosureBook::Open(const World& world) {
  std::unique_ptr<DisclosureBook> book(new DisclosureBook(world));
  RETURN_IF_ERROR(book->Load());
  world.apps.SetChangeHook([raw = book.get()] { raw->Wake(); });
  return book;
}

absl::Status DisclosureBook::Load() {
  platform::MutexLock pass(pass_mutex_);
  ASSIGN_OR_RETURN(
      notices_, ChatNotices::Open(world_.store, world_.adapters, world_.directory, world_.clock));
  noted_ = notices_.get();
  decltype(rows_) told;
  decltype(policies_) chosen;
  RETURN_IF_ERROR(world_.store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows, database.Prepare("SELECT chat, record FROM disclosures"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) break;
      if (!told[ChatId::FromRaw(rows.Bytes(0))].ParseFromString(std::string(rows.Bytes(1)))) {
        return absl::DataLossError("a stored disclosure is unreadable");
      }
    }
    ASSIGN_OR_RETURN(Statement policies,
                     database.Prepare("SELECT account, policy FROM notice_policies"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, policies.Step());
      if (!row) return absl::OkStatus();
      const int policy = static_cast<int>(policies.Integer(1));
      if (!v1::NoticePolicy_IsValid(policy)) continue;
      chosen[AccountId::FromRaw(policies.Bytes(0))] = static_cast<v1::NoticePolicy>(policy);
    }
  }));
  platform::MutexLock lock(mutex_);
  rows_ = std::move(told);
  policies_ = std::move(chosen);
  return absl::OkStatus();
}

DisclosureBook::~DisclosureBook() {
  world_.apps.SetChangeHook({});
  Stop();
}

void DisclosureBook::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void DisclosureBook::Stop() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void DisclosureBook::Wake() {
  platform::MutexLock lock(mutex_);
  news_ = true;
  changed_.NotifyAll();
}

void DisclosureBook::Loop() {
  while (true) {
    absl::Duration wait = kDisclosureRetry;
    {
      platform::MutexLock pass(pass_mutex_);
      const absl::StatusOr<absl::Duration> until = Pass();
      if (until.ok()) {
        wait = *until;
      } else {
        spdlog::error("event=disclosure_failed code={}", static_cast<int>(until.status().code()));
      }
    }
    if (world_.looked) world_.looked();
    platform::MutexLock lock(mutex_);
    // Changes gather for a moment: an import of thousands of chats is not looked at thousandfold.
    if (!stopping_) changed_.WaitFor(mutex_, kDisclosurePace);
    while (!stopping_ && !news_ && wait > absl::ZeroDuration()) {
      const absl::Duration slice = std::min(wait, kWaitMax);
      if (!changed_.WaitFor(mutex_, slice)) wait -= slice;
    }
    if (stopping_) return;
  }
}

DisclosureBook::Chats DisclosureBook::Look(absl::Time now) const {
  Chats chats;
  const std::vector<GrantHolder> holders = GrantHolders(world_.apps);
  for (const auto& [account, chat] : world_.directory.ChatIds()) {
    const permissions::ObjectFacts object = world_.directory.FactsOf(account, chat);
    Chat& found = chats[chat];
    found.account = account;
    found.audience = AudienceOf(holders, object, now);
    found.is_heard = std::any_of(holders.begin(), holders.end(), [&](const GrantHolder& holder) {
      return Decide(holder.access, permissions::Scope::kChatsRead, object, now) ==
             permissions::Verdict::kAllowed;
    });
  }
  return chats;
}

absl::StatusOr<absl::Duration> DisclosureBook::Pass() {
  std::vector<AccountId> attached;
  {
    platform::MutexLock lock(mutex_);
    news_ = false;
    attached.swap(attached_);
  }
  for (const AccountId& account : attached) told_.erase(account);
  const absl::Time now = world_.clock.Now();
  const Chats chats = Look(now);
  {
    platform::MutexLock lock(mutex_);
    known_chats_.clear();
    for (const auto& [id, chat] : chats) known_chats_.insert(id);
  }
  RETURN_IF_ERROR(ForgetGone(chats));
  RETURN_IF_ERROR(TellApps(chats, world_.dates.Now()));
  absl::Duration wait = TellAdapters(chats) ? absl::InfiniteDuration() : kDisclosurePace;
  ASSIGN_OR_RETURN(const absl::Duration until_notice, TellPeople(chats));
  ASSIGN_OR_RETURN(const absl::Duration until_hand_over, notices_->Work());
  return std::min({wait, until_notice, until_hand_over, UntilExpiry(now)});
}

absl::Status DisclosureBook::ForgetGone(const Chats& chats) {
  std::vector<ChatId> gone;
  {
    platform::MutexLock lock(mutex_);
    for (const auto& [chat, row] : rows_) {
      if (!chats.contains(chat)) gone.push_back(chat);
    }
  }
  for (const ChatId& chat : gone) {
    RETURN_IF_ERROR(notices_->Forget(chat));
    RETURN_IF_ERROR(world_.store.Write([&](Database& database) {
      return database.Run("DELETE FROM disclosures WHERE chat = ?", Blob{chat.view()});
    }));
    due_.erase(chat);
    said_.erase(chat);
    platform::MutexLock lock(mutex_);
    rows_.erase(chat);
  }
  return absl::OkStatus();
}

absl::Status DisclosureBook::TellApps(const Chats& chats, absl::Time now) {
  std::map<AccountId, EventLog::Batch> batches;
  std::vector<std::pair<ChatId, Disclosure>> changed;
  for (const auto& [id, chat] : chats) {
    if (!chat.is_heard) continue;
    Disclosure row = RowOf(id);
    const bool leaves = LeavesDevice(chat.audience);
    if (row.app_count() == chat.audience.size() && row.leaves_device() == leaves) continue;
    row.set_app_count(static_cast<uint32_t>(chat.audience.size()));
    row.set_leaves_device(leaves);
    EventLog::Batch& batch = batches[chat.account];
    batch.account = chat.account;
    batch.records.push_back(ChangedEvent(chat.account, id, row, now));
    changed.emplace_back(id, std::move(row));
    // The rest follows in the next pass, which the rest makes due.
    if (changed.size() >= kDisclosuresPerPass) {
      platform::MutexLock lock(mutex_);
      news_ = true;
      break;
    }
  }
  if (changed.empty()) return absl::OkStatus();
  // Told before it is noted: what a crash cuts is told again, which a state may be.
  for (auto& [account, batch] : batches) {
    RETURN_IF_ERROR(world_.log.Append(std::move(batch)).status());
  }
  RETURN_IF_ERROR(world_.store.Write([&](Database& database) -> absl::Status {
    for (const auto& [chat, row] : changed) {
      const std::string record = row.SerializeAsString();
      RETURN_IF_ERROR(database.Run("INSERT OR REPLACE INTO disclosures(chat, record) VALUES(?, ?)",
                                   Blob{chat.view()}, Blob{record}));
    }
    return absl::OkStatus();
  }));
  platform::MutexLock lock(mutex_);
  for (auto& [chat, row] : changed) rows_[chat] = std::move(row);
  return absl::OkStatus();
}

bool DisclosureBook::TellAdapters(const Chats& chats) {
  size_t told = 0;
  for (const auto& [id, chat] : chats) {
    if (!world_.adapters.IsAttached(chat.account)) {
      told_.erase(chat.account);
      continue;
    }
    v1::Disclosure disclosure;
    for (const AudienceApp& app : chat.audience) *disclosure.add_apps() = ToWire(app);
    const std::string state = disclosure.SerializeAsString();
    auto& of_account = told_[chat.account];
    const auto last = of_account.find(id);
    // An adapter begins with no chat that any app can see.
    if (last == of_account.end() ? chat.audience.empty() : last->second == state) continue;
    const std::optional<std::string> remote_id = world_.directory.RemoteChatId(id);
    if (!remote_id.has_value()) continue;
    v1::AttachResponse response;
    *response.mutable_disclosure() = std::move(disclosure);
    response.mutable_disclosure()->set_chat_id(*remote_id);
    if (told >= kDisclosuresPerPass || !world_.adapters.Tell(chat.account, std::move(response))) {
      return false;
    }
    ++told;
    of_account[id] = state;
  }
  return true;
}

Audience DisclosureBook::Named(const Audience& audience, v1::NoticePolicy policy) {
  if (policy == v1::NOTICE_POLICY_ALWAYS) return audience;
  Audience named;
  if (policy == v1::NOTICE_POLICY_OFF) return named;
  std::copy_if(audience.begin(), audience.end(), std::back_inserter(named),
               [](const AudienceApp& app) { return app.leaves_device; });
  return named;
}

absl::StatusOr<absl::Duration> DisclosureBook::TellPeople(const Chats& chats) {
  absl::Duration wait = absl::InfiniteDuration();
  const absl::Duration now = world_.clock.Elapsed();
  for (const auto& [id, chat] : chats) {
    const v1::NoticePolicy policy = PolicyOf(chat.account);
    if (policy == v1::NOTICE_POLICY_OFF) {
      due_.erase(id);
      continue;
    }
    const Audience named = Named(chat.audience, policy);
    const Disclosure row = RowOf(id);
    absl::Duration delay = kNoticeDelay;
    if (KeyOf(named) == row.notice_key()) {
      if (named.empty()) {
        due_.erase(id);
        continue;
      }
      const std::vector<ContactId> people = PeopleOf(world_.directory, chat.account, id);
      const bool has_newcomer = std::any_of(
          people.begin(), people.end(),
          [&](const ContactId& person) { return !Contains(row.told_people(), person); });
      if (!has_newcomer) {
        due_.erase(id);
        continue;
      }
      // However many come: one notice, and then none for a while.
      delay = std::max(delay,
                       FromProto(row.notice_time()) + kNewcomerNoticeSpacing - world_.dates.Now());
      delay = std::min(delay, kNewcomerNoticeSpacing);
    }
    const absl::Duration due = due_.try_emplace(id, now + delay).first->second;
    // A client that is away is told what holds when it is back.
    if (!world_.adapters.IsAttached(chat.account)) continue;
    if (due > now) {
      wait = std::min(wait, due - now);
      continue;
    }
    due_.erase(id);
    RETURN_IF_ERROR(MakeNotice(id, chat, named));
  }
  return wait;
}

absl::Status DisclosureBook::MakeNotice(ChatId id, const Chat& chat, const Audience& named) {
  Disclosure row = RowOf(id);
  const uint64_t number = row.notice_count() + 1;
  // First the notice, which is the same one when a crash has it made again.
  RETURN_IF_ERROR(notices_->Add(
      chat.account, id, number, named.empty() ? NoticeOfEnd(chat.audience) : NoticeOf(named),
      named.empty() ? std::string_view() : std::string_view(kObjectionWord)));
  row.set_notice_key(KeyOf(named));
  row.set_notice_count(number);
  if (!named.empty()) row.set_names_word(true);
  *row.mutable_notice_time() = ToProto(world_.dates.Now());
  AddTold(PeopleOf(world_.directory, chat.account, id), *row.mutable_told_people());
  return PutRow(id, std::move(row));
}

absl::Duration DisclosureBook::UntilExpiry(absl::Time now) const {
  absl::Time next = absl::InfiniteFuture();
  for (const GrantHolder& holder : GrantHolders(world_.apps)) {
    next = std::min(next, permissions::NextExpiry(holder.access, now));
  }
  return next - now;
}

Disclosure DisclosureBook::RowOf(ChatId chat) const {
  platform::MutexLock lock(mutex_);
  const auto it = rows_.find(chat);
  return it == rows_.end() ? Disclosure() : it->second;
}

absl::Status DisclosureBook::PutRow(ChatId chat, Disclosure row) {
  const std::string record = row.SerializeAsString();
  RETURN_IF_ERROR(world_.store.Write([&](Database& database) {
    return database.Run("INSERT OR REPLACE INTO disclosures(chat, record) VALUES(?, ?)",
                        Blob{chat.view()}, Blob{record});
  }));
  platform::MutexLock lock(mutex_);
  rows_[chat] = std::move(row);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DisclosureBook::Shown>> DisclosureBook::List() {
  platform::MutexLock pass(pass_mutex_);
  RETURN_IF_ERROR(Pass().status());
  std::vector<Shown> all;
  for (auto& [id, chat] : Look(world_.clock.Now())) {
    const Disclosure row = RowOf(id);
    const std::string key = KeyOf(Named(chat.audience, PolicyOf(chat.account)));
    if (chat.audience.empty() && row.notice_key().empty()) continue;
    const bool posted =
        !key.empty() && key == row.notice_key() && notices_->IsPosted(id, row.notice_count());
    all.push_back({chat.account, id, chat.audience, posted});
  }
  return all;
}

v1::NoticePolicy DisclosureBook::PolicyOf(AccountId account) const {
  platform::MutexLock lock(mutex_);
  const auto it = policies_.find(account);
  return it == policies_.end() || it->second == v1::NOTICE_POLICY_UNSPECIFIED
             ? v1::NOTICE_POLICY_WHEN_LEAVING
             : it->second;
}

absl::Status DisclosureBook::SetPolicy(AccountId account, v1::NoticePolicy policy) {
  {
    platform::MutexLock pass(pass_mutex_);
    RETURN_IF_ERROR(world_.store.Write([&](Database& database) {
      return database.Run("INSERT OR REPLACE INTO notice_policies(account, policy) VALUES(?, ?)",
                          Blob{account.view()}, static_cast<int>(policy));
    }));
    const v1::NoticePolicy before = PolicyOf(account);
    {
      platform::MutexLock lock(mutex_);
      policies_[account] = policy;
    }
    // People were told of apps that need no longer be told of: nothing changed for them.
    const bool quieter =
        before == v1::NOTICE_POLICY_ALWAYS && PolicyOf(account) == v1::NOTICE_POLICY_WHEN_LEAVING;
    if (quieter) {
      for (const auto& [id, chat] : Look(world_.clock.Now())) {
        if (chat.account != account) continue;
        Disclosure row = RowOf(id);
        if (row.notice_key() != KeyOf(Named(chat.audience, before))) continue;
        row.set_notice_key(KeyOf(Named(chat.audience, PolicyOf(account))));
        if (row.notice_key() != RowOf(id).notice_key()) RETURN_IF_ERROR(PutRow(id, row));
      }
    }
  }
  Wake();
  return absl::OkStatus();
}

std::string DisclosureBook::AttributionFor(AccountId account,
                                           const permissions::Principal& app) const {
  const v1::NoticePolicy policy = PolicyOf(account);
  if (policy == v1::NOTICE_POLICY_OFF) return {};
  const AudienceApp described = DescribeApp(*world_.apps.Find(app));
  if (policy != v1::NOTICE_POLICY_ALWAYS && !described.leaves_device) return {};
  return AttributionOf(described);
}

bool DisclosureBook::NamesWord(ChatId chat) const {
  platform::MutexLock lock(mutex_);
  const auto it = rows_.find(chat);
  return it != rows_.end() && it->second.names_word();
}

absl::Status DisclosureBook::Say(AccountId account, ChatId chat, const std::string& text,
                                 Manner manner) {
  {
    platform::MutexLock pass(pass_mutex_);
    const absl::Duration now = world_.clock.Elapsed();
    const auto last = said_.find(chat);
    const bool lately = last != said_.end() && now < last->second + kAnswerSpacing;
    if (manner == Manner::kSparing && lately) return absl::OkStatus();
    RETURN_IF_ERROR(notices_->AddAnswer(account, chat, text));
    said_[chat] = now;
  }
  Wake();
  return absl::OkStatus();
}

void DisclosureBook::Took(std::span<const TakenEvent> events) {
  bool news = false;
  platform::MutexLock lock(mutex_);
  for (const TakenEvent& taken : events) {
    switch (taken.event.kind_case()) {
      case v1::Event::kChatCreated:
      case v1::Event::kChatChanged:
      case v1::Event::kChatRemoved:
      case v1::Event::kParticipantJoined:
      case v1::Event::kParticipantLeft:
      case v1::Event::kContactChanged:
        news = true;
        break;
      default:
        // A chat begins with whatever comes first from it.
        news = news || (!taken.record.chat.empty() && !known_chats_.contains(taken.record.chat));
        break;
    }
    if (news) break;
  }
  if (!news) return;
  news_ = true;
  changed_.NotifyAll();
}

void DisclosureBook::Attached(AccountId account) {
  noted_->Attached(account);
  {
    platform::MutexLock lock(mutex_);
    if (std::find(attached_.begin(), attached_.end(), account) == attached_.end()) {
      attached_.push_back(account);
    }
  }
  Wake();
}

bool DisclosureBook::Completed(AccountId account, const v1::CommandResult& result) {
  if (!noted_->Completed(account, result)) return false;
  Wake();
  return true;
}

}  // namespace postern::broker
