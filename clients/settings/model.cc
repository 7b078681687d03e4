// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/model.h"

#include <string>

namespace postern::settings {
namespace {

// How late a press may be known to be over: nobody sees that.
constexpr guint kHoldLookMilliseconds = 20;

}  // namespace

Model::Model(owner::Paths paths) : link_(std::move(paths)) {}

Model::~Model() { Close(); }

void Model::Close() {
  SetVisible(false);
  open_.reset();
  held_.clear();
  if (hold_timer_ != 0) g_source_remove(std::exchange(hold_timer_, 0));
  link_.Close();
}

void Model::Deliver(std::function<void()> take) {
  // Behind those that wait already, also when nothing is pressed any more.
  if (held_.empty() && (!pressing_ || !pressing_())) return take();
  held_.push_back(std::move(take));
  if (hold_timer_ != 0) return;
  held_since_ = g_get_monotonic_time();
  hold_timer_ = g_timeout_add(
      kHoldLookMilliseconds,
      [](gpointer data) -> gboolean {
        auto* self = static_cast<Model*>(data);
        const gint64 held = g_get_monotonic_time() - self->held_since_;
        if (held < absl::ToInt64Microseconds(self->hold_max_) && self->pressing_()) {
          return G_SOURCE_CONTINUE;
        }
        self->hold_timer_ = 0;
        self->DeliverHeld();
        return G_SOURCE_REMOVE;
      },
      this);
}

void Model::DeliverHeld() {
  for (const std::function<void()>& take : std::exchange(held_, {})) {
    // One of them may have closed the window.
    if (open_ != nullptr) take();
  }
}

void Model::SetVisible(bool visible) {
  if (visible == visible_) return;
  visible_ = visible;
  if (!visible) {
    g_source_remove(access_timer_);
    g_source_remove(chat_timer_);
    return;
  }
  Refresh();
  access_timer_ = g_timeout_add(
      static_cast<guint>(absl::ToInt64Milliseconds(kAccessInterval)),
      [](gpointer self) -> gboolean {
        static_cast<Model*>(self)->LookAtAccessNow();
        return G_SOURCE_CONTINUE;
      },
      this);
  chat_timer_ = g_timeout_add(
      static_cast<guint>(absl::ToInt64Milliseconds(kChatInterval)),
      [](gpointer self) -> gboolean {
        static_cast<Model*>(self)->LookAtChatsNow();
        return G_SOURCE_CONTINUE;
      },
      this);
}

void Model::Refresh() {
  // What is under way may have looked before the change that is to be seen.
  look_again_ = looking_;
  look_at_chats_again_ = looking_at_chats_;
  LookAtAccessNow();
  LookAtChatsNow();
}

void Model::LookAtAccessNow() {
  if (looking_) return;
  looking_ = true;
  Look(LookAtAccess, [this](absl::StatusOr<AccessPicture> picture) {
    looking_ = false;
    OnAccess(std::move(picture));
    if (std::exchange(look_again_, false)) LookAtAccessNow();
  });
}

void Model::LookAtChatsNow() {
  if (looking_at_chats_) return;
  looking_at_chats_ = true;
  Look(LookAtChats, [this](absl::StatusOr<ChatPicture> picture) {
    looking_at_chats_ = false;
    OnChats(std::move(picture));
    if (std::exchange(look_at_chats_again_, false)) LookAtChatsNow();
  });
}

void Model::OnAccess(absl::StatusOr<AccessPicture> picture) {
  const absl::Status before = std::exchange(access_problem_, picture.status());
  if (!picture.ok()) {
    if (access_problem_ != before) Tell();
    return;
  }
  std::string fingerprint = picture->Fingerprint();
  // The broker is back: what was not seen meanwhile is looked at now.
  if (!before.ok() && chats_.has_value()) LookAtChatsNow();
  if (before.ok() && access_.has_value() && fingerprint == access_fingerprint_) return;
  access_ = *std::move(picture);
  access_fingerprint_ = std::move(fingerprint);
  Tell();
}

void Model::OnChats(absl::StatusOr<ChatPicture> picture) {
  const absl::Status before = std::exchange(chat_problem_, picture.status());
  if (!picture.ok()) {
    if (chat_problem_ != before) Tell();
    return;
  }
  std::string fingerprint = picture->Fingerprint();
  if (before.ok() && chats_.has_value() && fingerprint == chat_fingerprint_) return;
  chats_ = *std::move(picture);
  chat_fingerprint_ = std::move(fingerprint);
  Tell();
}

void Model::Tell() {
  for (const std::function<void()>& changed : observers_) changed();
}

}  // namespace postern::settings
