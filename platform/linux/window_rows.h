// SPDX-License-Identifier: Apache-2.0
// Small pieces of the consent window. Every text given to them is shown as plain text: names come
// from strangers, and libadwaita's rows read markup unless told not to.
#pragma once

#include <adwaita.h>

#include <memory>
#include <string>
#include <vector>

namespace postern::platform {

// Owns one reference of a GObject.
struct GObjectUnref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using GObjectPtr = std::unique_ptr<T, GObjectUnref>;

// The widgets these return are floating: the container they are added to owns them.

AdwPreferencesGroup* NewGroup(const std::string& title);
// A row that only says something.
AdwActionRow* NewTextRow(const std::string& title, const std::string& subtitle);
// A line of text of its own, wrapped; css_class may be null.
GtkLabel* NewNote(const std::string& text, const char* css_class);
// A row with a switch, off. Returns the switch.
GtkSwitch* AddSwitchRow(AdwPreferencesGroup* group, const std::string& title,
                        const std::string& subtitle);
// A row with a check button, not ticked. Returns the button.
GtkCheckButton* AddCheckRow(AdwPreferencesGroup* group, const std::string& title);
// A row that offers one of 'texts'. Returns the row.
AdwComboRow* AddComboRow(AdwPreferencesGroup* group, const std::string& title,
                         const std::vector<std::string>& texts, size_t selected);
size_t SelectedOf(AdwComboRow* row);
// What a screen reader says of a widget that has no text of its own.
void SetAccessibleLabel(GtkWidget* widget, const std::string& label);

}  // namespace postern::platform
