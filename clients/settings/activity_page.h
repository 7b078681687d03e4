// SPDX-License-Identifier: Apache-2.0
// What apps read and sent over time, as a picture and as figures.
#pragma once

#include <gtk/gtk.h>

#include <memory>
#include <string>
#include <vector>

#include "clients/settings/access_chart.h"
#include "clients/settings/around.h"

namespace postern::settings {

// Of GTK's thread. Lives as long as its widget.
class ActivityPage {
 public:
  explicit ActivityPage(const Around& around);
  ActivityPage(const ActivityPage&) = delete;
  ActivityPage& operator=(const ActivityPage&) = delete;

  GtkWidget* widget() { return widget_; }
  // The page came into view, or what the broker says changed while it is.
  void Shown();

 private:
  void Choose(ChartSpan span);
  void Read();
  void OnSummaries(int reading, const std::vector<absl::Time>& edges,
                   absl::StatusOr<std::vector<v1::AccessSummary>> summaries);
  void FillFigures(const AccessFigures& figures);

  const Around& around_;
  ChartSpan span_ = ChartSpan::kWeek;
  int reading_ = 0;

  GtkBox* column_ = nullptr;
  GtkWidget* widget_;
  GtkWidget* summary_;
  GtkWidget* bar_words_;
  std::unique_ptr<AccessChart> chart_;
  GtkBox* figures_box_;
};

}  // namespace postern::settings
