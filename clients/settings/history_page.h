// SPDX-License-Identifier: Apache-2.0
// What apps read, sent and were refused, and what the user decided: row by row, newest first, with
// filters, and a copy for a file.
#pragma once

#include <gtk/gtk.h>

#include <string>
#include <vector>

#include "clients/settings/around.h"

namespace postern::settings {

// Of GTK's thread. Lives as long as its widget.
class HistoryPage {
 public:
  explicit HistoryPage(const Around& around);
  HistoryPage(const HistoryPage&) = delete;
  HistoryPage& operator=(const HistoryPage&) = delete;

  GtkWidget* widget() { return widget_; }
  // The names of apps and chats may have changed.
  void Update();
  // The page came into view: reads the newest rows.
  void Shown();

 private:
  static constexpr int kPageSize = 100;

  v1::ListAccessHistoryRequest Request() const;
  // Reads from the newest row on, or goes on where it stopped.
  void Read(bool from_start);
  void OnPage(int reading, bool from_start, absl::StatusOr<v1::ListAccessHistoryResponse> page);
  void FillRows();
  void FillFilters();
  void AskWhereToExport();
  void Export(const std::string& path);

  const Around& around_;
  std::vector<v1::AccessEntry> entries_;
  std::string next_page_token_;
  // Which answer is waited for: an older one is about other filters.
  int reading_ = 0;
  bool busy_ = false;
  absl::Status problem_;
  // What the choices of the filters mean; the first of each is everything.
  std::vector<std::string> app_choices_;
  std::vector<std::string> chat_choices_;
  bool filling_filters_ = false;

  GtkWidget* widget_;
  GtkDropDown* app_filter_;
  GtkDropDown* chat_filter_;
  GtkDropDown* verb_filter_;
  GtkDropDown* time_filter_;
  GtkWidget* export_;
  // What became of the last export. It stays until other rows are asked for.
  GtkWidget* exported_;
  GtkBox* column_ = nullptr;
};

}  // namespace postern::settings
