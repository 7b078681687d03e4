// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtk/gtk.h>

#include <string>

#include "clients/settings/around.h"

namespace postern::settings {

// Opens a dialog over the window of 'pressed' in which scopes and chats can be taken out of a grant
// and its end moved nearer. Nothing can be added. Does nothing when the grant is gone.
void OpenNarrowDialog(const Around& around, GtkWidget* pressed, const std::string& grant_id);

}  // namespace postern::settings
