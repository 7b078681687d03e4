// SPDX-License-Identifier: Apache-2.0
// Draws what apps read and sent over time: stacked bars, reads above, sends below, one colour for
// each app. A bar under the pointer, or chosen with the arrow keys, is told in words.
#pragma once

#include <gtk/gtk.h>

#include <functional>
#include <optional>
#include <string>

#include "clients/settings/access_figures.h"

namespace postern::settings {

// The colour of a series, the same in chart and legend.
GdkRGBA SeriesColour(size_t series);

// Of GTK's thread. Lives as long as its widget.
class AccessChart {
 public:
  // 'chosen' is called with the words for the bar that the pointer or the keys are on, and with
  // nothing when none is.
  explicit AccessChart(std::function<void(const std::string&)> chosen);
  AccessChart(const AccessChart&) = delete;
  AccessChart& operator=(const AccessChart&) = delete;

  GtkWidget* widget() { return area_; }
  // 'summary' is what the chart says, in words.
  void Show(AccessFigures figures, ChartSpan span, const std::string& summary);

  // The words for one bar: when, and what each app did.
  std::string BarWords(size_t bar) const;

 private:
  struct Plot;

  static void OnDraw(GtkDrawingArea* area, cairo_t* cairo, int width, int height, gpointer self);
  void Draw(cairo_t* cairo, int width, int height);
  void DrawPlot(cairo_t* cairo, const Plot& plot);
  void DrawTimes(cairo_t* cairo, double baseline);
  void Choose(std::optional<size_t> bar);
  std::optional<size_t> BarAt(double x) const;
  double BarLeft(size_t bar) const;

  GtkWidget* area_;
  const std::function<void(const std::string&)> chosen_;
  AccessFigures figures_;
  ChartSpan span_ = ChartSpan::kWeek;
  std::optional<size_t> bar_;
  // Where bars were drawn last, in pixels.
  double left_ = 0;
  double bar_width_ = 1;
  bool from_the_right_ = false;
};

}  // namespace postern::settings
