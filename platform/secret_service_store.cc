// SPDX-License-Identifier: Apache-2.0
// The Secret Service through libsecret.
//
// What looks wrong and is not: a lookup asks for the collection too, before and after. libsecret
// answers NULL with no error both for "there is no such item" and for "the collection is locked", and
// a caller that takes the second for the first makes a new key and loses the user's history. So
// NOT_FOUND is said only when the collection was seen open on both sides of the lookup: an unlock
// that comes in between must not turn "locked" into "absent".
#include <absl/strings/escaping.h>
#include <glib.h>
#include <libsecret/secret.h>
#include <openssl/crypto.h>

#include <chrono>
#include <thread>

#include "platform/mutex.h"
#include "platform/secret_store.h"
#include "platform/status_macros.h"

namespace postern::platform {
namespace {

const SecretSchema* Schema() {
  static const SecretSchema schema = {"org.postern.Secret",
                                      SECRET_SCHEMA_NONE,
                                      {{"name", SECRET_SCHEMA_ATTRIBUTE_STRING},
                                       {"profile", SECRET_SCHEMA_ATTRIBUTE_STRING},
                                       {nullptr, SECRET_SCHEMA_ATTRIBUTE_STRING}},
                                      0, nullptr, nullptr, nullptr, nullptr,
                                      nullptr, nullptr, nullptr};
  return &schema;
}

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using UniqueObject = std::unique_ptr<void, Deleter<g_object_unref>>;
using UniquePassword = std::unique_ptr<gchar, Deleter<secret_password_free>>;

struct ErrorSlot {
  GError* error = nullptr;
  ~ErrorSlot() { g_clear_error(&error); }
};

// Cancels a D-Bus call when its time is over. One thread for the length of one call: calls are few
// (start-up, enrolment, an anchor a minute).
class Deadline {
 public:
  explicit Deadline(absl::Duration timeout)
      : cancellable_(g_cancellable_new()), thread_([this, timeout] { Watch(timeout); }) {}
  ~Deadline() {
    {
      MutexLock lock(mutex_);
      done_ = true;
    }
    changed_.NotifyAll();
    thread_.join();
    g_object_unref(cancellable_);
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  GCancellable* get() const { return cancellable_; }

 private:
  void Watch(absl::Duration timeout) {
    const auto end = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
    MutexLock lock(mutex_);
    while (!done_) {
      const auto left = end - std::chrono::steady_clock::now();
      if (left <= left.zero()) {
        g_cancellable_cancel(cancellable_);
        return;
      }
      changed_.WaitFor(mutex_, absl::FromChrono(left));
    }
  }

  GCancellable* cancellable_;
  Mutex mutex_;
  ConditionVariable changed_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

absl::Status Unavailable(SecretStoreState state) {
  switch (state) {
    case SecretStoreState::kLocked:
      return absl::UnavailableError("the keyring is locked; unlock it");
    case SecretStoreState::kNoSessionBus:
      return absl::UnavailableError(
          "there is no session bus to reach the Secret Service on; start one, or choose another "
          "secret store in the configuration");
    case SecretStoreState::kNoService:
      return absl::UnavailableError(
          "no Secret Service answers on the session bus; start gnome-keyring or KeePassXC, or "
          "choose another secret store in the configuration");
    case SecretStoreState::kReady:
      break;
  }
  return absl::UnavailableError("the Secret Service failed; try again");
}

class SecretServiceStore final : public SecretStore {
 public:
  SecretServiceStore(std::string profile, absl::Duration timeout)
      : profile_(std::move(profile)), timeout_(timeout) {}

  SecretStoreState State() override {
    const Deadline deadline(timeout_);
    return StateWithin(deadline.get());
  }

  absl::StatusOr<SecretBytes> Lookup(std::string_view name) override {
    RETURN_IF_ERROR(CheckSecretName(name));
    const Deadline deadline(timeout_);
    const SecretStoreState before = StateWithin(deadline.get());
    if (before != SecretStoreState::kReady) return Unavailable(before);
    ErrorSlot slot;
    const UniquePassword stored(secret_password_lookup_nonpageable_sync(
        Schema(), deadline.get(), &slot.error, "name", std::string(name).c_str(), "profile",
        profile_.c_str(), nullptr));
    if (slot.error != nullptr || stored == nullptr) {
      const SecretStoreState state = StateWithin(deadline.get());
      if (slot.error == nullptr && state == SecretStoreState::kReady) {
        return absl::NotFoundError("there is no such secret");
      }
      return Unavailable(state);
    }
    // Base64, because the Secret Service's passwords are text and ours are bytes.
    std::string bytes;
    if (!absl::Base64Unescape(stored.get(), &bytes) || bytes.empty()) {
      return absl::DataLossError("the stored secret is damaged");
    }
    SecretBytes secret(std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return secret;
  }

  absl::Status Store(std::string_view name, std::span<const uint8_t> secret) override {
    RETURN_IF_ERROR(CheckSecretName(name));
    RETURN_IF_ERROR(CheckSecret(secret));
    const Deadline deadline(timeout_);
    // Asked first: storing into a locked collection opens the keyring's own prompt, and a daemon
    // that makes windows appear at log-in teaches people to type passwords into them.
    const SecretStoreState before = StateWithin(deadline.get());
    if (before != SecretStoreState::kReady) return Unavailable(before);
    std::string text = absl::Base64Escape(
        absl::string_view(reinterpret_cast<const char*>(secret.data()), secret.size()));
    const std::string label = "Postern " + std::string(name);
    ErrorSlot slot;
    const gboolean stored = secret_password_store_sync(
        Schema(), SECRET_COLLECTION_DEFAULT, label.c_str(), text.c_str(), deadline.get(),
        &slot.error, "name", std::string(name).c_str(), "profile", profile_.c_str(), nullptr);
    OPENSSL_cleanse(text.data(), text.size());
    if (!stored || slot.error != nullptr) return Unavailable(StateWithin(deadline.get()));
    return absl::OkStatus();
  }

  absl::Status Erase(std::string_view name) override {
    RETURN_IF_ERROR(CheckSecretName(name));
    const Deadline deadline(timeout_);
    const SecretStoreState before = StateWithin(deadline.get());
    if (before != SecretStoreState::kReady) return Unavailable(before);
    ErrorSlot slot;
    secret_password_clear_sync(Schema(), deadline.get(), &slot.error, "name",
                               std::string(name).c_str(), "profile", profile_.c_str(), nullptr);
    if (slot.error != nullptr) return Unavailable(StateWithin(deadline.get()));
    return absl::OkStatus();
  }

  std::string Describe() const override { return "Secret Service"; }

 private:
  // libsecret keeps one connection for the process, and GDBus would end the process when the bus
  // goes; the bus is asked for first, so that "no bus" is told apart from "no provider".
  SecretStoreState BusWithin(GCancellable* cancellable) {
    // A bus that went away is remembered by libsecret's service alone; let go of it first.
    secret_service_disconnect();
    ErrorSlot slot;
    GDBusConnection* const bus = g_bus_get_sync(G_BUS_TYPE_SESSION, cancellable, &slot.error);
    if (bus == nullptr) return SecretStoreState::kNoSessionBus;
    const UniqueObject own(bus);
    g_dbus_connection_set_exit_on_close(bus, FALSE);
    return g_dbus_connection_is_closed(bus) ? SecretStoreState::kNoSessionBus
                                            : SecretStoreState::kReady;
  }

  SecretStoreState StateWithin(GCancellable* cancellable) {
    if (BusWithin(cancellable) != SecretStoreState::kReady) return SecretStoreState::kNoSessionBus;
    // Made anew after the disconnect above: a provider that restarted has new sessions.
    ErrorSlot slot;
    SecretService* const service =
        secret_service_get_sync(SECRET_SERVICE_OPEN_SESSION, cancellable, &slot.error);
    if (service == nullptr) return SecretStoreState::kNoService;
    const UniqueObject own_service(service);
    SecretCollection* const collection = secret_collection_for_alias_sync(
        service, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE, cancellable, &slot.error);
    if (slot.error != nullptr) return SecretStoreState::kNoService;
    // No default collection yet: a keyring that nobody has set up. It cannot be read or written
    // without the user, which is what locked means to a caller.
    if (collection == nullptr) return SecretStoreState::kLocked;
    const UniqueObject own_collection(collection);
    return secret_collection_get_locked(collection) ? SecretStoreState::kLocked
                                                    : SecretStoreState::kReady;
  }

  const std::string profile_;
  const absl::Duration timeout_;
};

}  // namespace

std::unique_ptr<SecretStore> MakeSecretServiceStore(std::string profile, absl::Duration timeout) {
  return std::make_unique<SecretServiceStore>(std::move(profile), timeout);
}

}  // namespace postern::platform
