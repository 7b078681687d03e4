// SPDX-License-Identifier: Apache-2.0
// The pieces that pages are made of. Every text is shown as plain text: names come from strangers,
// and libadwaita's rows read markup unless told not to. What these return is floating: the
// container it is added to owns it.
#pragma once

#include <adwaita.h>

#include <functional>
#include <string>
#include <vector>

namespace postern::settings {

// Runs 'run' whenever 'instance' emits 'signal', until the instance is gone. For signals that want
// no answer.
void Connect(gpointer instance, const char* signal, std::function<void()> run);

// A page that scrolls, with a column of readable width. 'column' is set to the box to fill.
GtkWidget* NewScroller(GtkBox** column);
void Clear(GtkBox* box);

AdwPreferencesGroup* NewGroup(const std::string& title, const std::string& description = {});
// A row that says something; screen readers read the title, then the subtitle.
AdwActionRow* NewRow(const std::string& title, const std::string& subtitle = {});
// A row that leads somewhere.
AdwActionRow* NewDoor(const std::string& title, const std::string& subtitle,
                      std::function<void()> open);
// A row with a switch. Returns the switch; it has the row's name.
GtkSwitch* AddSwitchRow(AdwPreferencesGroup* group, const std::string& title,
                        const std::string& subtitle, bool active);
// A row with a check button, which a click anywhere on it ticks. Returns the button.
GtkCheckButton* AddCheckRow(AdwPreferencesGroup* group, const std::string& title,
                            const std::string& subtitle, bool active);
// A row that offers one of 'texts'.
AdwComboRow* AddComboRow(AdwPreferencesGroup* group, const std::string& title,
                         const std::vector<std::string>& texts, guint selected);

enum class ButtonKind { kPlain, kSuggested };
// With a mnemonic where the label has an underscore.
GtkWidget* NewButton(const std::string& label, std::function<void()> press,
                     ButtonKind kind = ButtonKind::kPlain);
// A button with an icon, and 'label' for screen readers and as its tooltip.
GtkWidget* NewIconButton(const char* icon, const std::string& label, std::function<void()> press);
// A drop-down without a row, with a name for screen readers.
GtkDropDown* NewDropDown(const std::string& label, const std::vector<std::string>& texts);
// Puts other texts into a drop-down and selects one of them.
void SetTexts(GtkDropDown* drop_down, const std::vector<std::string>& texts, guint selected);

// A word in a rounded box; 'style' is "live", "quiet" or "away".
GtkWidget* NewPill(const std::string& text, const char* style);
// The initials of a name in a circle.
GtkWidget* NewAvatar(const std::string& name, int size);
GtkWidget* NewLabel(const std::string& text, const char* css_class = nullptr);
// An icon, a heading, and what to do next.
GtkWidget* NewStatusPage(const char* icon, const std::string& title, const std::string& text);
// A wheel that turns, centred, with words for screen readers.
GtkWidget* NewBusyPage();

void SetAccessibleName(gpointer widget, const std::string& name);
void SetAccessibleDescription(gpointer widget, const std::string& description);

// Asks before something that cannot be taken back. Runs 'go' when the person says 'yes'; Escape and
// Enter say no. 'over' lives until then, whatever becomes of its page.
void Confirm(GtkWidget* over, const std::string& title, const std::string& text,
             const std::string& yes, std::function<void()> go);

// Fills 'box' anew, keeping the keyboard focus on the widget of the same name
// (gtk_widget_set_name), if there is one again.
void Refill(GtkBox* box, const std::function<void()>& fill);

}  // namespace postern::settings
