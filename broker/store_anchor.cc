// SPDX-License-Identifier: Apache-2.0
#include "broker/store_anchor.h"

#include <openssl/crypto.h>
#include <spdlog/spdlog.h>

#include <cstring>
#include <utility>

#include "broker/limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

constexpr std::string_view kSecretName = "database-anchor";
// In the database: that it was remembered once.
constexpr std::string_view kNotedKey = "anchored";
// In the database: that it was found to be an older one, and apps may not be kept out yet.
constexpr std::string_view kOlderKey = "older";

// What is stored, in little-endian order, which every platform we build for has.
struct Slot {
  char magic[8];
  uint64_t generation;
  uint64_t sequence;
  uint64_t access_sequence;
  uint8_t access_chain[16];
  uint8_t mac[32];
};
static_assert(sizeof(Slot) == 80);
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
constexpr char kMagic[8] = {'P', 'O', 'S', 'T', 'A', 'N', '0', '1'};

std::string_view Covered(const Slot& slot) {
  return {reinterpret_cast<const char*>(&slot), sizeof(Slot) - sizeof(slot.mac)};
}

}  // namespace

std::string_view FindingText(StoreAnchor::Finding finding) {
  switch (finding) {
    case StoreAnchor::Finding::kCurrent:
    case StoreAnchor::Finding::kNew:
      return {};
    case StoreAnchor::Finding::kOlder:
      return "Postern's database is older than it was: somebody put a copy back, so all access is "
             "suspended. What you took back since then may be there again: look at `postern grants "
             "list`, revoke what should not be there, then `postern grants resume --all`. "
             "Messaging "
             "clients ask you anew";
    case StoreAnchor::Finding::kLost:
      return "the keyring does not remember how far Postern's database had come, so it may be an "
             "older copy, and all access is suspended: look at `postern grants list`, revoke what "
             "should not be there, then `postern grants resume --all`. Messaging clients ask you "
             "anew";
  }
  return {};
}

absl::StatusOr<platform::SecretBytes> StoreAnchor::Read(platform::SecretStore& secrets) {
  return secrets.Lookup(kSecretName);
}

StoreAnchor::StoreAnchor(platform::SecretStore& secrets, Store& store, EventLog& log,
                         AccessHistory& accesses)
    : secrets_(secrets),
      store_(store),
      log_(log),
      accesses_(accesses),
      hash_(store.DeriveKey("postern database anchor")),
      thread_([this] { Loop(); }) {}

StoreAnchor::~StoreAnchor() { Retire(); }

void StoreAnchor::Retire() {
  std::thread thread;
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
    std::swap(thread, thread_);
  }
  if (thread.joinable()) thread.join();
}

std::string StoreAnchor::Pack(const Place& place) const {
  Slot slot{};
  std::memcpy(slot.magic, kMagic, sizeof(kMagic));
  slot.generation = place.generation;
  slot.sequence = place.sequence;
  slot.access_sequence = place.access.sequence;
  std::memcpy(slot.access_chain, place.access.chain.data(), place.access.chain.size());
  const auto mac = hash_.Of(Covered(slot));
  std::memcpy(slot.mac, mac.data(), mac.size());
  return {reinterpret_cast<const char*>(&slot), sizeof(slot)};
}

std::optional<StoreAnchor::Place> StoreAnchor::Unpack(std::string_view packed) const {
  Slot slot{};
  if (packed.size() != sizeof(slot)) return std::nullopt;
  std::memcpy(&slot, packed.data(), sizeof(slot));
  const auto mac = hash_.Of(Covered(slot));
  if (CRYPTO_memcmp(mac.data(), slot.mac, mac.size()) != 0) return std::nullopt;
  Place place{.generation = slot.generation, .sequence = slot.sequence};
  place.access.sequence = slot.access_sequence;
  std::memcpy(place.access.chain.data(), slot.access_chain, place.access.chain.size());
  return place;
}

// What changes later is read first: taken together they are never further than the database is.
StoreAnchor::Place StoreAnchor::Now() const {
  Place place;
  place.access = accesses_.head();
  const HighWaterMark mark = store_.high_water();
  place.generation = mark.generation;
  place.sequence = mark.sequence;
  return place;
}

absl::StatusOr<StoreAnchor::Finding> StoreAnchor::Check(
    const absl::StatusOr<platform::SecretBytes>& remembered) {
  bool noted = false;
  bool known_older = false;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row, database.Prepare("SELECT 1 FROM meta WHERE key = ?"));
    row.BindAll(kNotedKey);
    ASSIGN_OR_RETURN(noted, row.Step());
    ASSIGN_OR_RETURN(Statement mark, database.Prepare("SELECT 1 FROM meta WHERE key = ?"));
    mark.BindAll(kOlderKey);
    ASSIGN_OR_RETURN(known_older, mark.Step());
    return absl::OkStatus();
  }));
  Finding finding = Finding::kCurrent;
  if (remembered.ok()) {
    const std::optional<Place> place =
        Unpack({reinterpret_cast<const char*>(remembered->data()), remembered->size()});
    if (!place.has_value()) {
      finding = Finding::kLost;
    } else {
      // As it was opened: other parts may have written meanwhile, and a copy that is some commits
      // old must not pass for that. Not the high-water mark, which may lag after a power cut.
      if (store_.opened_generation() < place->generation ||
          log_.last_sequence() < place->sequence) {
        finding = Finding::kOlder;
        // First the note: every commit from here on makes this database look newer.
        RETURN_IF_ERROR(store_.Write([](Database& database) {
          return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, 1)", kOlderKey);
        }));
        RETURN_IF_ERROR(store_.RaiseGeneration(place->generation));
      }
      RETURN_IF_ERROR(accesses_.Expect(place->access));
    }
  } else if (absl::IsNotFound(remembered.status())) {
    finding = noted ? Finding::kLost : Finding::kNew;
  } else if (absl::IsDataLoss(remembered.status())) {
    finding = Finding::kLost;
  } else {
    return remembered.status();
  }
  // The program ended before apps were kept out.
  if (known_older && finding == Finding::kCurrent) finding = Finding::kOlder;
  platform::MutexLock lock(mutex_);
  finding_ = finding;
  noted_ = noted;
  return finding;
}

absl::Status StoreAnchor::Settle() {
  return store_.Write(
      [](Database& database) { return database.Run("DELETE FROM meta WHERE key = ?", kOlderKey); });
}

StoreAnchor::Finding StoreAnchor::finding() const {
  platform::MutexLock lock(mutex_);
  return finding_;
}

void StoreAnchor::Save() {
  platform::MutexLock lock(mutex_);
  ++asked_;
  changed_.NotifyAll();
}

bool StoreAnchor::SaveNow() {
  platform::MutexLock lock(mutex_);
  const uint64_t number = ++asked_;
  changed_.NotifyAll();
  // Wakes twice at most: for the write that was under way, and for ours.
  while (done_ < number && !stopping_) {
    if (!changed_.WaitFor(mutex_, kAnchorWait)) break;
  }
  return done_ >= number && !failing_;
}

absl::Status StoreAnchor::Write(const Place& place) {
  const std::string packed = Pack(place);
  return secrets_.Store(kSecretName,
                        {reinterpret_cast<const uint8_t*>(packed.data()), packed.size()});
}

void StoreAnchor::Loop() {
  while (true) {
    uint64_t number = 0;
    std::optional<Place> saved;
    bool noted = false;
    {
      platform::MutexLock lock(mutex_);
      while (asked_ == done_ && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      number = asked_;
      saved = saved_;
      noted = noted_;
    }
    const Place place = Now();
    absl::Status status;
    if (saved != place) {
      status = Write(place);
      if (status.ok() && !noted) {
        // Only after the secret store has it: the note must never be there without.
        status = store_.Write([](Database& database) {
          return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, 1)", kNotedKey);
        });
        noted = status.ok();
      }
    }
    platform::MutexLock lock(mutex_);
    if (!status.ok() && !failing_) {
      // A keyring that is locked is an ordinary thing; said once.
      spdlog::warn("event=anchor_not_written code={}", static_cast<int>(status.code()));
    }
    failing_ = !status.ok();
    if (status.ok()) saved_ = place;
    noted_ = noted;
    done_ = number;
    changed_.NotifyAll();
  }
}

}  // namespace postern::broker
