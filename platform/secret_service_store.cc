// SPDX-License-Identifier: Apache-2.0
// The Secret Service through libsecret.
//
// What looks wrong and is not: a lookup asks for the collection's state too, before and after.
// libsecret answers NULL with no error both for "there is no such item" and for "the collection is
// locked", and a caller that takes the second for the first makes a new key and loses the user's
// history. So NOT_FOUND is said only when the collection was seen open on both sides of the lookup:
// an unlock that comes in between must not turn "locked" into "absent".
#include <absl/strings/escaping.h>
#include <gio/gio.h>
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

// Secret Service API (freedesktop.org), "D-Bus names" and "Collection".
constexpr char kServiceName[] = "org.freedesktop.secrets";
constexpr char kServicePath[] = "/org/freedesktop/secrets";
constexpr char kDescription[] = "Secret Service";

const SecretSchema* Schema() {
  static const SecretSchema schema = {"org.postern.Secret",
                                      SECRET_SCHEMA_NONE,
                                      {{"name", SECRET_SCHEMA_ATTRIBUTE_STRING},
                                       {"profile", SECRET_SCHEMA_ATTRIBUTE_STRING},
                                       {nullptr, SECRET_SCHEMA_ATTRIBUTE_STRING}},
                                      0,
                                      nullptr,
                                      nullptr,
                                      nullptr,
                                      nullptr,
                                      nullptr,
                                      nullptr,
                                      nullptr};
  return &schema;
}

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using UniqueVariant = std::unique_ptr<GVariant, Deleter<g_variant_unref>>;
using UniqueTable = std::unique_ptr<GHashTable, Deleter<g_hash_table_unref>>;
// Zeroes what it held.
struct FreeValue {
  void operator()(SecretValue* value) const { secret_value_unref(value); }
};
using UniqueValue = std::unique_ptr<SecretValue, FreeValue>;

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

// A session with the provider, by a libsecret service of its own: the one that libsecret would
// share in the process is kept after the provider or the bus was restarted. A session is not kept,
// so it is never stale. The bus connection is GIO's, and goes with the last session that holds it.
//
// GLib clears up behind its proxies in the main context of the thread they were made in, and a
// daemon without a main loop never runs that: so each session has a context of its own and runs it
// out.
class SecretServiceSession final : public SecretStore {
 public:
  SecretServiceSession(std::string profile, absl::Duration timeout)
      : profile_(std::move(profile)), timeout_(timeout), context_(g_main_context_new()) {
    g_main_context_push_thread_default(context_);
  }
  ~SecretServiceSession() override {
    if (service_ != nullptr) g_object_unref(service_);
    if (bus_ != nullptr) g_object_unref(bus_);
    while (g_main_context_iteration(context_, FALSE)) {
    }
    g_main_context_pop_thread_default(context_);
    g_main_context_unref(context_);
  }

  SecretStoreState State() override {
    const Deadline deadline(timeout_);
    return Ask(deadline);
  }

  absl::StatusOr<SecretBytes> Lookup(std::string_view name) override {
    RETURN_IF_ERROR(CheckSecretName(name));
    const Deadline deadline(timeout_);
    RETURN_IF_ERROR(Begin(deadline));
    ErrorSlot slot;
    const UniqueTable attributes = Attributes(name);
    const UniqueValue stored(secret_service_lookup_sync(service_, Schema(), attributes.get(),
                                                        deadline.get(), &slot.error));
    if (stored == nullptr) {
      const SecretStoreState after = Ask(deadline);
      if (slot.error == nullptr && after == SecretStoreState::kReady) {
        return absl::NotFoundError("there is no such secret");
      }
      return Unavailable(after);
    }
    gsize size = 0;
    const gchar* const text = secret_value_get(stored.get(), &size);
    // Base64, because the Secret Service's passwords are text and ours are bytes.
    std::string bytes;
    if (!absl::Base64Unescape(absl::string_view(text, size), &bytes) || bytes.empty()) {
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
    // Not while it is locked: storing then opens the keyring's own prompt, and a daemon that makes
    // windows appear at log-in teaches people to type passwords into them.
    RETURN_IF_ERROR(Begin(deadline));
    std::string text = absl::Base64Escape(
        absl::string_view(reinterpret_cast<const char*>(secret.data()), secret.size()));
    const UniqueValue value(
        secret_value_new(text.data(), static_cast<gssize>(text.size()), "text/plain"));
    OPENSSL_cleanse(text.data(), text.size());
    const std::string label = "Postern " + std::string(name);
    const UniqueTable attributes = Attributes(name);
    ErrorSlot slot;
    const gboolean stored =
        secret_service_store_sync(service_, Schema(), attributes.get(), SECRET_COLLECTION_DEFAULT,
                                  label.c_str(), value.get(), deadline.get(), &slot.error);
    return stored ? absl::OkStatus() : Unavailable(Ask(deadline));
  }

  absl::Status Erase(std::string_view name) override {
    RETURN_IF_ERROR(CheckSecretName(name));
    const Deadline deadline(timeout_);
    RETURN_IF_ERROR(Begin(deadline));
    const UniqueTable attributes = Attributes(name);
    ErrorSlot slot;
    secret_service_clear_sync(service_, Schema(), attributes.get(), deadline.get(), &slot.error);
    return slot.error == nullptr ? absl::OkStatus() : Unavailable(Ask(deadline));
  }

  std::string Describe() const override { return kDescription; }

 private:
  // OK once secrets can be asked for by service_; UNAVAILABLE says why not.
  absl::Status Begin(const Deadline& deadline) {
    const SecretStoreState state = Ask(deadline);
    if (state != SecretStoreState::kReady) return Unavailable(state);
    if (service_ != nullptr) return absl::OkStatus();
    ErrorSlot slot;
    service_ = secret_service_open_sync(SECRET_TYPE_SERVICE, nullptr, SECRET_SERVICE_OPEN_SESSION,
                                        deadline.get(), &slot.error);
    return service_ != nullptr ? absl::OkStatus() : Unavailable(SecretStoreState::kNoService);
  }

  // What the provider can do now. Asked on the bus itself: libsecret's collection is a proxy that
  // takes many more messages than these two.
  SecretStoreState Ask(const Deadline& deadline) {
    if (!IsOnBus(deadline)) return SecretStoreState::kNoSessionBus;
    // A bus that went is noticed when it is asked at the latest.
    const auto no_answer = [this] {
      return g_dbus_connection_is_closed(bus_) ? SecretStoreState::kNoSessionBus
                                               : SecretStoreState::kNoService;
    };
    const UniqueVariant alias(Call(deadline, kServicePath, "org.freedesktop.Secret.Service",
                                   "ReadAlias", g_variant_new("(s)", SECRET_COLLECTION_DEFAULT),
                                   "(o)"));
    if (alias == nullptr) return no_answer();
    const gchar* collection = nullptr;
    g_variant_get(alias.get(), "(&o)", &collection);
    // No default collection yet: a keyring that nobody has set up. It cannot be read or written
    // without the user, which is what locked means to a caller.
    if (std::string_view(collection) == "/") return SecretStoreState::kLocked;
    const UniqueVariant answer(
        Call(deadline, collection, "org.freedesktop.DBus.Properties", "Get",
             g_variant_new("(ss)", "org.freedesktop.Secret.Collection", "Locked"), "(v)"));
    if (answer == nullptr) return no_answer();
    GVariant* inner = nullptr;
    g_variant_get(answer.get(), "(v)", &inner);
    const UniqueVariant locked(inner);
    if (!g_variant_is_of_type(locked.get(), G_VARIANT_TYPE_BOOLEAN)) {
      return SecretStoreState::kNoService;
    }
    return g_variant_get_boolean(locked.get()) ? SecretStoreState::kLocked
                                               : SecretStoreState::kReady;
  }

  bool IsOnBus(const Deadline& deadline) {
    if (bus_ == nullptr) {
      ErrorSlot slot;
      bus_ = g_bus_get_sync(G_BUS_TYPE_SESSION, deadline.get(), &slot.error);
      if (bus_ == nullptr) return false;
      // GIO would end the process when the session does.
      g_dbus_connection_set_exit_on_close(bus_, FALSE);
    }
    return !g_dbus_connection_is_closed(bus_);
  }

  // The provider's answer, of type 'answer'; null when there is none. Takes over 'arguments'.
  GVariant* Call(const Deadline& deadline, const char* path, const char* interface,
                 const char* method, GVariant* arguments, const char* answer) {
    ErrorSlot slot;
    return g_dbus_connection_call_sync(bus_, kServiceName, path, interface, method, arguments,
                                       G_VARIANT_TYPE(answer), G_DBUS_CALL_FLAGS_NONE, -1,
                                       deadline.get(), &slot.error);
  }

  UniqueTable Attributes(std::string_view name) const {
    return UniqueTable(secret_attributes_build(Schema(), "name", std::string(name).c_str(),
                                               "profile", profile_.c_str(), nullptr));
  }

  const std::string profile_;
  const absl::Duration timeout_;
  GMainContext* const context_;
  GDBusConnection* bus_ = nullptr;
  SecretService* service_ = nullptr;
};

// A session for each call: calls are few.
class SecretServiceStore final : public SecretStore {
 public:
  SecretServiceStore(std::string profile, absl::Duration timeout)
      : profile_(std::move(profile)), timeout_(timeout) {}

  SecretStoreState State() override { return SecretServiceSession(profile_, timeout_).State(); }
  absl::StatusOr<SecretBytes> Lookup(std::string_view name) override {
    return SecretServiceSession(profile_, timeout_).Lookup(name);
  }
  absl::Status Store(std::string_view name, std::span<const uint8_t> secret) override {
    return SecretServiceSession(profile_, timeout_).Store(name, secret);
  }
  absl::Status Erase(std::string_view name) override {
    return SecretServiceSession(profile_, timeout_).Erase(name);
  }
  std::string Describe() const override { return kDescription; }
  std::unique_ptr<SecretStore> OpenSession() override {
    return std::make_unique<SecretServiceSession>(profile_, timeout_);
  }

 private:
  const std::string profile_;
  const absl::Duration timeout_;
};

}  // namespace

std::unique_ptr<SecretStore> MakeSecretServiceStore(std::string profile, absl::Duration timeout) {
  return std::make_unique<SecretServiceStore>(std::move(profile), timeout);
}

}  // namespace postern::platform
