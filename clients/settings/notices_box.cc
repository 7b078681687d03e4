// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/notices_box.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <string>
#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/settings/access_words.h"
#include "clients/settings/time_words.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {

using owner::VisibleText;

NoticesBox::NoticesBox(const Around& around)
    : around_(around), box_(GTK_BOX(gtk_box_new(GTK_ORIENTATION_VERTICAL, 0))) {}

void NoticesBox::Update() {
  Refill(box_, [this] { Fill(); });
}

void NoticesBox::AddBar(const char* icon, const std::string& title, const std::string& text,
                        GtkWidget* button) {
  GtkWidget* bar = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
  gtk_widget_add_css_class(bar, "notice");
  gtk_box_append(GTK_BOX(bar), gtk_image_new_from_icon_name(icon));
  GtkWidget* words = gtk_box_new(GTK_ORIENTATION_VERTICAL, 2);
  gtk_widget_set_hexpand(words, TRUE);
  gtk_widget_set_valign(words, GTK_ALIGN_CENTER);
  gtk_box_append(GTK_BOX(words), NewLabel(title, "heading"));
  if (!text.empty()) gtk_box_append(GTK_BOX(words), NewLabel(text));
  gtk_box_append(GTK_BOX(bar), words);
  if (button != nullptr) gtk_box_append(GTK_BOX(bar), button);
  gtk_box_append(box_, bar);
}

GtkWidget* NoticesBox::NewDismiss(const v1::OwnerNotice& notice) {
  GtkWidget* button = NewButton(Tr("Dismiss"), [] {});
  SetAccessibleName(button, FillIn(Tr("Dismiss: $0"), NoticeTitle(notice.kind())));
  gtk_widget_set_name(button, absl::StrCat("dismiss ", notice.id()).c_str());
  Connect(button, "clicked", [this, button, id = notice.id()] {
    Act(
        around_, button, [id](owner::Owner& owner) { return owner.DismissNotices({id}); },
        Tr("Dismissed."));
  });
  return button;
}

void NoticesBox::Fill() {
  const v1::GetStatusResponse& status = around_.model.access()->status;
  if (status.paused()) {
    GtkWidget* resume = NewButton(Tr("Resume"), [] {});
    SetAccessibleName(resume, Tr("Resume all apps"));
    Connect(resume, "clicked", [this, resume] {
      Act(
          around_, resume, [](owner::Owner& owner) { return owner.Resume(); },
          Tr("Apps work again."));
    });
    AddBar("media-playback-pause-symbolic", Tr("All apps are paused"), "", resume);
  }
  for (const std::string& warning : status.warnings()) {
    AddBar("dialog-warning-symbolic", Tr("Postern warns"), VisibleText(warning), nullptr);
  }
  int shown = 0;
  for (const v1::OwnerNotice& notice : status.notices()) {
    if (shown++ == kShownMax) break;
    std::string text = FillIn(Tr("$0 · $1"), MomentWords(TimeOf(notice.notice_time()), absl::Now()),
                              VisibleText(notice.text()));
    if (notice.count() > 1) {
      const uint64_t times = notice.count();
      text = FillIn(TrCount("$0 ($1 time)", "$0 ($1 times)", times), text, times);
    }
    AddBar("dialog-information-symbolic", NoticeTitle(notice.kind()), text, NewDismiss(notice));
  }
  if (status.notices_size() <= kShownMax) return;
  const auto more = static_cast<uint64_t>(status.notices_size() - kShownMax);
  GtkWidget* all = NewButton(Tr("Dismiss all"), [] {});
  gtk_widget_set_name(all, "dismiss all");
  Connect(all, "clicked", [this, all] {
    Act(
        around_, all, [](owner::Owner& owner) { return owner.DismissNotices({}); },
        Tr("Dismissed."));
  });
  AddBar("view-more-horizontal-symbolic",
         FillIn(TrCount("$0 more notice", "$0 more notices", more), more), "", all);
}

}  // namespace postern::settings
