// SPDX-License-Identifier: Apache-2.0
// Keeps the preview in step with what the person chooses: one draft at a time is on its way to the
// broker, and none for a while after each choice.
#pragma once

#include <absl/status/status.h>
#include <glib.h>

#include <functional>

#include "platform/linux/consent_face.h"

namespace postern::platform {

// One thread, GTK's.
class DraftFeed {
 public:
  // 'choices' is asked for what is chosen when a draft goes out; 'show' gets each reply, 'waiting'
  // is called when too little is chosen for one. 'input' outlives this.
  DraftFeed(const FaceInput& input, std::function<Choices()> choices,
            std::function<void(const permissions::ConsentPreview&)> show,
            std::function<void()> waiting);
  ~DraftFeed();
  DraftFeed(const DraftFeed&) = delete;
  DraftFeed& operator=(const DraftFeed&) = delete;

  // Something was chosen.
  void Changed();
  // The channel can be read. An error, when the question is withdrawn.
  absl::Status Receive();

 private:
  void Send();
  static gboolean OnDue(gpointer self);

  const FaceInput& input_;
  const std::function<Choices()> choices_;
  const std::function<void(const permissions::ConsentPreview&)> show_;
  const std::function<void()> waiting_;
  guint due_source_ = 0;
  int sent_ = 0;
  // A reply is due.
  bool on_its_way_ = false;
  // Something was chosen since the draft that is on its way.
  bool changed_ = false;
};

}  // namespace postern::platform
