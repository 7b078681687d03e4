// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/notification.h"

#include <absl/cleanup/cleanup.h>
#include <gio/gio.h>

#include <string_view>

namespace postern::platform {
namespace {

constexpr const char* kService = "org.freedesktop.Notifications";
constexpr const char* kObject = "/org/freedesktop/Notifications";
// A service that starts for this takes less.
constexpr int kCallTimeoutMs = 5000;
constexpr const char* kTitle = "Postern";
constexpr const char* kIcon = "dialog-information";
// The service decides how long it stays.
constexpr gint32 kServiceDecides = -1;

GVariant* Call(GDBusConnection* bus, const char* method, GVariant* arguments, const char* type) {
  return g_dbus_connection_call_sync(bus, kService, kObject, kService, method, arguments,
                                     G_VARIANT_TYPE(type), G_DBUS_CALL_FLAGS_NONE, kCallTimeoutMs,
                                     nullptr, nullptr);
}

// Whether the service reads a body as markup: then what is text must be escaped, and else not.
bool ReadsMarkup(GVariant* capabilities) {
  GVariantIter* names = nullptr;
  g_variant_get(capabilities, "(as)", &names);
  const absl::Cleanup free_names = [&] { g_variant_iter_free(names); };
  const char* name = nullptr;
  bool markup = false;
  while (g_variant_iter_next(names, "&s", &name)) {
    markup = markup || std::string_view(name) == "body-markup";
  }
  return markup;
}

}  // namespace

absl::Status ShowNotification(const std::string& text) {
  GDBusConnection* bus = g_bus_get_sync(G_BUS_TYPE_SESSION, nullptr, nullptr);
  if (bus == nullptr) return absl::UnavailableError("there is no session bus");
  const absl::Cleanup unref_bus = [&] { g_object_unref(bus); };
  // The bus going away is one more failure, and not this program's end.
  g_dbus_connection_set_exit_on_close(bus, FALSE);

  GVariant* capabilities = Call(bus, "GetCapabilities", nullptr, "(as)");
  if (capabilities == nullptr) return absl::UnavailableError("nobody shows notifications");
  std::string body = text;
  if (ReadsMarkup(capabilities)) {
    char* escaped = g_markup_escape_text(text.c_str(), -1);
    body = escaped;
    g_free(escaped);
  }
  g_variant_unref(capabilities);

  GVariantBuilder actions;
  g_variant_builder_init(&actions, G_VARIANT_TYPE("as"));
  GVariantBuilder hints;
  g_variant_builder_init(&hints, G_VARIANT_TYPE("a{sv}"));
  GVariant* shown = Call(bus, "Notify",
                         g_variant_new("(susssasa{sv}i)", kTitle, 0u, kIcon, kTitle, body.c_str(),
                                       &actions, &hints, kServiceDecides),
                         "(u)");
  if (shown == nullptr) return absl::UnavailableError("the notification was not taken");
  g_variant_unref(shown);
  return absl::OkStatus();
}

}  // namespace postern::platform
