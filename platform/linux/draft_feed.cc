// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/draft_feed.h"

#include <utility>

#include "platform/status_macros.h"

namespace postern::platform {
namespace {

// Between the last of some quick ticks and the draft: people do not notice it.
constexpr guint kQuietMs = 250;

}  // namespace

DraftFeed::DraftFeed(const FaceInput& input, std::function<Choices()> choices,
                     std::function<void(const permissions::ConsentPreview&)> show,
                     std::function<void()> waiting)
    : input_(input),
      choices_(std::move(choices)),
      show_(std::move(show)),
      waiting_(std::move(waiting)) {}

DraftFeed::~DraftFeed() {
  if (due_source_ != 0) g_source_remove(due_source_);
}

void DraftFeed::Changed() {
  changed_ = true;
  if (due_source_ != 0) g_source_remove(due_source_);
  due_source_ = g_timeout_add(kQuietMs, OnDue, this);
}

void DraftFeed::Send() {
  if (on_its_way_ || !changed_ || sent_ >= kDraftsMax) return;
  changed_ = false;
  Choices choices = choices_();
  // What it will be called does not change what it sees.
  if (NameFrom(input_.question, choices.name).empty()) choices.name = "-";
  if (WhatIsMissing(input_.question, choices) != Missing::kNothing) {
    waiting_();
    return;
  }
  ++sent_;
  // When it cannot be sent, the broker is gone; the channel says so too, and ends the question.
  on_its_way_ = SendDraft(input_, choices).ok();
}

absl::Status DraftFeed::Receive() {
  ASSIGN_OR_RETURN(const permissions::ConsentPreview preview, ReceivePreview(input_));
  on_its_way_ = false;
  // Older than what is chosen by now: the next one is shown.
  if (!changed_) show_(preview);
  if (due_source_ == 0) Send();
  return absl::OkStatus();
}

gboolean DraftFeed::OnDue(gpointer data) {
  auto* self = static_cast<DraftFeed*>(data);
  self->due_source_ = 0;
  self->Send();
  return G_SOURCE_REMOVE;
}

}  // namespace postern::platform
