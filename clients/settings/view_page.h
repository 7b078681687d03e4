// SPDX-License-Identifier: Apache-2.0
// What an app sees, as it sees it, and what it already saw.
#pragma once

#include <gtk/gtk.h>

#include <map>
#include <string>
#include <vector>

#include "clients/settings/around.h"

namespace postern::settings {

// Of GTK's thread. Lives as long as its widget.
class ViewPage {
 public:
  explicit ViewPage(const Around& around);
  ~ViewPage();
  ViewPage(const ViewPage&) = delete;
  ViewPage& operator=(const ViewPage&) = delete;

  GtkWidget* widget() { return widget_; }
  void Show(const std::string& principal, bool already_seen);
  std::string title() const;

 private:
  static constexpr int kPageSize = 50;
  // Longer than a broker looks, so that who said yes lately sees no word of a question.
  static constexpr guint kSlowMilliseconds = 500;

  void FillFilter();
  void Read(bool from_start);
  void OnPage(int reading, bool from_start, absl::StatusOr<v1::ViewAsAppResponse> page);
  // Nothing has come for a while: the person is being asked.
  void OnSlow();
  void Fill();
  void FillProblem();
  GtkWidget* NewCard(const v1::Event& event) const;

  const Around& around_;
  std::string principal_;
  std::vector<v1::Event> events_;
  // What the app's pseudonyms stand for.
  std::map<std::string, std::string> names_;
  std::string next_page_token_;
  std::vector<std::string> chat_choices_ = {""};
  int reading_ = 0;
  bool busy_ = false;
  bool asked_ = false;
  guint slow_timer_ = 0;
  // Controls are being set by us, not by the person.
  bool filling_ = false;
  absl::Status problem_;

  GtkWidget* widget_;
  GtkWidget* now_;
  GtkWidget* seen_;
  GtkDropDown* chat_filter_;
  GtkBox* column_ = nullptr;
};

}  // namespace postern::settings
