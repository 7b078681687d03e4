// SPDX-License-Identifier: Apache-2.0
// The parts of the window that say who asks, and, for questions that are not for access, about
// what.
#pragma once

#include <adwaita.h>

#include "platform/linux/consent_choices.h"
#include "platform/linux/consent_face.h"

namespace postern::platform {

// One thread, GTK's. Outlives its widgets.
class WindowSubject {
 public:
  explicit WindowSubject(const FaceInput& input) : input_(input), question_(input.question) {}
  WindowSubject(const WindowSubject&) = delete;
  WindowSubject& operator=(const WindowSubject&) = delete;

  // Adds the heading, who asks, and what the question is about; once.
  void AppendTo(GtkBox* content);
  // Writes what is chosen here.
  void Fill(Choices& choices) const;
  // Where the person names the program; null when the question does not ask for it.
  GtkEditable* name() const { return name_; }

 private:
  bool AsksForName() const;
  void AddWho(GtkBox* content);
  GtkWidget* NewEvidence();
  void AddNetworks(GtkBox* content);
  void AddExtension(GtkBox* content);
  void AddMessage(GtkBox* content);
  void AddThing(GtkBox* content);

  const FaceInput& input_;
  const permissions::ConsentQuestion& question_;
  // Owned by the window.
  GtkEditable* name_ = nullptr;
  AdwComboRow* extension_ = nullptr;
};

}  // namespace postern::platform
