// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/narrow_dialog.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/settings/grant_words.h"
#include "clients/settings/time_words.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {
namespace {

constexpr int kWidth = 520;
constexpr int kHeight = 640;
// More chats than this have no row of their own here; each has its own page.
constexpr size_t kChatRowsMax = 200;

struct EarlierEnd {
  const char* text;
  absl::Duration from_now;
};
constexpr EarlierEnd kEnds[] = {
    {TrLater("in 1 hour"), absl::Hours(1)},
    {TrLater("in 1 day"), absl::Hours(24)},
    {TrLater("in 7 days"), absl::Hours(24 * 7)},
    {TrLater("in 30 days"), absl::Hours(24 * 30)},
};

// One open dialog; gone with its window.
struct Narrowing {
  const Around& around;
  std::string grant_id;
  GtkWidget* window = nullptr;
  GtkWidget* apply = nullptr;
  std::vector<std::pair<v1::Scope, GtkSwitch*>> scopes;
  std::vector<std::pair<std::string, GtkCheckButton*>> chats;
  AdwComboRow* end = nullptr;
  // What the choices of 'end' mean; the first leaves it as it is.
  std::vector<absl::Duration> ends;

  v1::NarrowGrantRequest Request() const {
    v1::NarrowGrantRequest request;
    request.set_grant_id(grant_id);
    for (const auto& [scope, toggle] : scopes) {
      if (!gtk_switch_get_active(toggle)) request.add_remove_scopes(scope);
    }
    for (const auto& [id, check] : chats) {
      if (!gtk_check_button_get_active(check)) request.add_remove_chat_ids(id);
    }
    const guint chosen = adw_combo_row_get_selected(end);
    if (chosen > 0 && chosen < ends.size()) {
      *request.mutable_expire_time() = ToTimestamp(absl::Now() + ends[chosen]);
    }
    return request;
  }

  // Something is taken out, and something is left.
  bool IsSensible() const {
    const v1::NarrowGrantRequest request = Request();
    const bool all_scopes = static_cast<size_t>(request.remove_scopes_size()) == scopes.size();
    return !all_scopes && (request.remove_scopes_size() > 0 || request.remove_chat_ids_size() > 0 ||
                           request.has_expire_time());
  }
  void Judge() { gtk_widget_set_sensitive(apply, IsSensible()); }
};

void AddScopes(Narrowing& narrowing, const v1::Grant& grant, GtkBox* column) {
  AdwPreferencesGroup* group =
      NewGroup(Tr("What it may do"), Tr("Switch off what you want to take out."));
  for (const int number : grant.scopes()) {
    const auto scope = static_cast<v1::Scope>(number);
    GtkSwitch* toggle = AddSwitchRow(group, ScopeWords(scope), "", true);
    Connect(toggle, "notify::active", [&narrowing] { narrowing.Judge(); });
    narrowing.scopes.emplace_back(scope, toggle);
  }
  gtk_box_append(column, GTK_WIDGET(group));
}

void AddChats(Narrowing& narrowing, const v1::Grant& grant, GtkBox* column) {
  const ChatPicture* chats = narrowing.around.model.chats();
  if (chats == nullptr) return;
  AdwPreferencesGroup* group =
      NewGroup(Tr("Where"), Tr("Untick the chats that you want to take out."));
  bool any = false;
  for (const v1::Chat& chat : chats->chats) {
    if (!Covers(grant.selection(), chat, chats->FindAccount(chat.account_id()))) continue;
    if (narrowing.chats.size() >= kChatRowsMax) break;
    any = true;
    GtkCheckButton* check =
        AddCheckRow(group, owner::VisibleText(chats->ChatName(chat.id())), "", true);
    Connect(check, "toggled", [&narrowing] { narrowing.Judge(); });
    narrowing.chats.emplace_back(chat.id(), check);
  }
  if (any) {
    gtk_box_append(column, GTK_WIDGET(group));
  } else {
    g_object_ref_sink(group);
    g_object_unref(group);
  }
}

void AddEnd(Narrowing& narrowing, const v1::Grant& grant, GtkBox* column) {
  const absl::Time now = absl::Now();
  const absl::Time last = grant.validity().has_expire_time()
                              ? TimeOf(grant.validity().expire_time())
                              : absl::InfiniteFuture();
  std::vector<std::string> texts = {FillIn(Tr("As now: $0"), ValidityWords(grant.validity(), now))};
  narrowing.ends = {absl::ZeroDuration()};
  for (const EarlierEnd& choice : kEnds) {
    if (now + choice.from_now >= last) continue;
    texts.push_back(Tr(choice.text));
    narrowing.ends.push_back(choice.from_now);
  }
  AdwPreferencesGroup* group = NewGroup(Tr("How long"));
  narrowing.end = AddComboRow(group, Tr("It ends"), texts, 0);
  Connect(narrowing.end, "notify::selected", [&narrowing] { narrowing.Judge(); });
  gtk_box_append(column, GTK_WIDGET(group));
}

void Apply(Narrowing& narrowing) {
  const v1::NarrowGrantRequest request = narrowing.Request();
  Act(
      narrowing.around, narrowing.apply,
      [request](owner::Owner& owner) { return owner.NarrowGrant(request); },
      Tr("The access was narrowed."));
  gtk_window_close(GTK_WINDOW(narrowing.window));
}

}  // namespace

void OpenNarrowDialog(const Around& around, GtkWidget* pressed, const std::string& grant_id) {
  const AccessPicture& access = *around.model.access();
  const auto owned =
      std::find_if(access.grants.begin(), access.grants.end(),
                   [&](const v1::OwnedGrant& one) { return one.grant().id() == grant_id; });
  if (owned == access.grants.end()) return;

  auto* narrowing = new Narrowing{.around = around, .grant_id = grant_id};
  narrowing->window = adw_window_new();
  GtkWindow* window = GTK_WINDOW(narrowing->window);
  gtk_window_set_title(window, Tr("Narrow the access"));
  gtk_window_set_default_size(window, kWidth, kHeight);
  gtk_window_set_modal(window, TRUE);
  gtk_window_set_transient_for(window, GTK_WINDOW(gtk_widget_get_root(pressed)));
  g_object_set_data_full(G_OBJECT(window), "narrowing", narrowing,
                         [](gpointer data) { delete static_cast<Narrowing*>(data); });

  GtkBox* column = nullptr;
  GtkWidget* scroller = NewScroller(&column);
  AddScopes(*narrowing, owned->grant(), column);
  AddEnd(*narrowing, owned->grant(), column);
  AddChats(*narrowing, owned->grant(), column);

  GtkWidget* header = adw_header_bar_new();
  adw_header_bar_set_show_start_title_buttons(ADW_HEADER_BAR(header), FALSE);
  adw_header_bar_set_show_end_title_buttons(ADW_HEADER_BAR(header), FALSE);
  adw_header_bar_pack_start(ADW_HEADER_BAR(header),
                            NewButton(Tr("_Cancel"), [window] { gtk_window_close(window); }));
  narrowing->apply = NewButton(
      Tr("_Apply"), [narrowing] { Apply(*narrowing); }, ButtonKind::kSuggested);
  adw_header_bar_pack_end(ADW_HEADER_BAR(header), narrowing->apply);
  narrowing->Judge();

  GtkWidget* all = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_append(GTK_BOX(all), header);
  gtk_box_append(GTK_BOX(all), scroller);
  adw_window_set_content(ADW_WINDOW(window), all);
  GtkEventController* keys = gtk_shortcut_controller_new();
  gtk_shortcut_controller_add_shortcut(
      GTK_SHORTCUT_CONTROLLER(keys),
      gtk_shortcut_new(gtk_keyval_trigger_new(GDK_KEY_Escape, static_cast<GdkModifierType>(0)),
                       gtk_named_action_new("window.close")));
  gtk_widget_add_controller(narrowing->window, keys);
  gtk_window_present(window);
}

}  // namespace postern::settings
