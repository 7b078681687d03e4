// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/access_chart.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/settings/time_words.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {
namespace {

constexpr int kHeight = 320;
constexpr double kTitleHeight = 26;
constexpr double kTimesHeight = 24;
constexpr double kBetween = 16;
// Of the height of both plots; sends are few and need less.
constexpr double kReadShare = 0.64;
constexpr double kBarShare = 0.72;
constexpr double kRadius = 4;
// Labels closer than this run into each other.
constexpr double kLabelRoom = 12;

// Told apart by people who do not see red and green, in light and dark.
constexpr std::array<std::array<double, 3>, AccessFigures::kSeriesMax> kColours = {{
    {0.21, 0.52, 0.89},
    {1.00, 0.62, 0.16},
    {0.16, 0.70, 0.55},
    {0.65, 0.36, 0.78},
    {0.93, 0.42, 0.55},
    {0.52, 0.72, 0.95},
    {0.72, 0.58, 0.36},
    {0.60, 0.60, 0.60},
}};

struct Ink {
  GdkRGBA colour;
  void Use(cairo_t* cairo, double share) const {
    cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, colour.alpha * share);
  }
};

Ink InkOf(GtkWidget* widget) {
  Ink ink;
  gtk_style_context_get_color(gtk_widget_get_style_context(widget), &ink.colour);
  return ink;
}

// Text at a point; 'align' is the share of its width that lies left of the point. Returns its
// width.
double DrawText(cairo_t* cairo, GtkWidget* widget, const std::string& text, double x, double y,
                double align) {
  PangoLayout* layout = gtk_widget_create_pango_layout(widget, text.c_str());
  PangoAttrList* attributes = pango_attr_list_new();
  pango_attr_list_insert(attributes, pango_attr_scale_new(PANGO_SCALE_SMALL));
  pango_layout_set_attributes(layout, attributes);
  pango_attr_list_unref(attributes);
  int width = 0;
  int height = 0;
  pango_layout_get_pixel_size(layout, &width, &height);
  cairo_move_to(cairo, x - width * align, y - height / 2.0);
  pango_cairo_show_layout(cairo, layout);
  g_object_unref(layout);
  return width;
}

double TextWidth(GtkWidget* widget, const std::string& text) {
  PangoLayout* layout = gtk_widget_create_pango_layout(widget, text.c_str());
  int width = 0;
  pango_layout_get_pixel_size(layout, &width, nullptr);
  g_object_unref(layout);
  return width;
}

void RoundedTop(cairo_t* cairo, double x, double y, double width, double height) {
  const double radius = std::min({kRadius, width / 2, height});
  cairo_new_path(cairo);
  cairo_move_to(cairo, x, y + height);
  cairo_line_to(cairo, x, y + radius);
  cairo_arc(cairo, x + radius, y + radius, radius, M_PI, 1.5 * M_PI);
  cairo_arc(cairo, x + width - radius, y + radius, radius, 1.5 * M_PI, 2 * M_PI);
  cairo_line_to(cairo, x + width, y + height);
  cairo_close_path(cairo);
}

}  // namespace

// One of the two charts above each other.
struct AccessChart::Plot {
  std::string title;
  const std::vector<uint64_t> AccessSeries::*counts;
  double top;
  double height;
  double width;
  uint64_t maximum;
};

GdkRGBA SeriesColour(size_t series) {
  const auto& colour = kColours[std::min(series, kColours.size() - 1)];
  return {static_cast<float>(colour[0]), static_cast<float>(colour[1]),
          static_cast<float>(colour[2]), 1};
}

AccessChart::AccessChart(std::function<void(const std::string&)> chosen)
    : area_(GTK_WIDGET(g_object_new(GTK_TYPE_DRAWING_AREA, "accessible-role",
                                    GTK_ACCESSIBLE_ROLE_IMG, nullptr))),
      chosen_(std::move(chosen)) {
  gtk_drawing_area_set_content_height(GTK_DRAWING_AREA(area_), kHeight);
  gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(area_), OnDraw, this, nullptr);
  gtk_widget_set_hexpand(area_, TRUE);
  gtk_widget_set_focusable(area_, TRUE);
  gtk_widget_add_css_class(area_, "access-chart");
  SetAccessibleName(area_, Tr("What apps read and sent"));

  GtkEventController* pointer = gtk_event_controller_motion_new();
  g_signal_connect(pointer, "motion",
                   G_CALLBACK(+[](GtkEventControllerMotion*, double x, double, gpointer self) {
                     auto* chart = static_cast<AccessChart*>(self);
                     chart->Choose(chart->BarAt(x));
                   }),
                   this);
  g_signal_connect_swapped(pointer, "leave", G_CALLBACK(+[](gpointer self) {
                             static_cast<AccessChart*>(self)->Choose(std::nullopt);
                           }),
                           this);
  gtk_widget_add_controller(area_, pointer);

  GtkEventController* keys = gtk_event_controller_key_new();
  g_signal_connect(keys, "key-pressed",
                   G_CALLBACK(+[](GtkEventControllerKey*, guint key, guint, GdkModifierType,
                                  gpointer data) -> gboolean {
                     auto* self = static_cast<AccessChart*>(data);
                     const size_t bars = self->figures_.bars();
                     if (bars == 0 || (key != GDK_KEY_Left && key != GDK_KEY_Right)) return FALSE;
                     const bool forward = (key == GDK_KEY_Right) != self->from_the_right_;
                     // The first press goes to the newest bar.
                     size_t bar = bars - 1;
                     if (self->bar_.has_value()) {
                       bar = forward ? std::min(*self->bar_ + 1, bars - 1)
                                     : (*self->bar_ > 0 ? *self->bar_ - 1 : 0);
                     }
                     self->Choose(bar);
                     return TRUE;
                   }),
                   this);
  gtk_widget_add_controller(area_, keys);
}

void AccessChart::Show(AccessFigures figures, ChartSpan span, const std::string& summary) {
  figures_ = std::move(figures);
  span_ = span;
  SetAccessibleDescription(area_, summary);
  Choose(std::nullopt);
  gtk_widget_queue_draw(area_);
}

std::string AccessChart::BarWords(size_t bar) const {
  const absl::Time start = figures_.edges[bar];
  const absl::Time end = figures_.edges[bar + 1];
  std::string words = span_ == ChartSpan::kMonth ? DayWords(start)
                                                 : FillIn(Tr("$0, $1 to $2"), DayWords(start),
                                                          ClockWords(start), ClockWords(end));
  bool any = false;
  for (const AccessSeries& series : figures_.series) {
    if (series.reads[bar] == 0 && series.sends[bar] == 0) continue;
    any = true;
    absl::StrAppend(&words, "\n",
                    FillIn(Tr("$0: $1 read, $2 sent"), owner::VisibleText(series.name),
                           series.reads[bar], series.sends[bar]));
  }
  return any ? words : absl::StrCat(words, "\n", Tr("Nothing"));
}

void AccessChart::Choose(std::optional<size_t> bar) {
  if (bar == bar_) return;
  bar_ = bar;
  gtk_widget_set_tooltip_text(area_, bar.has_value() ? BarWords(*bar).c_str() : nullptr);
  chosen_(bar.has_value() ? BarWords(*bar) : "");
  gtk_widget_queue_draw(area_);
}

std::optional<size_t> AccessChart::BarAt(double x) const {
  const size_t bars = figures_.bars();
  if (bars == 0 || x < left_) return std::nullopt;
  const auto place = static_cast<size_t>((x - left_) / bar_width_);
  if (place >= bars) return std::nullopt;
  return from_the_right_ ? bars - 1 - place : place;
}

double AccessChart::BarLeft(size_t bar) const {
  const size_t place = from_the_right_ ? figures_.bars() - 1 - bar : bar;
  return left_ + bar_width_ * static_cast<double>(place);
}

void AccessChart::OnDraw(GtkDrawingArea*, cairo_t* cairo, int width, int height, gpointer self) {
  static_cast<AccessChart*>(self)->Draw(cairo, width, height);
}

void AccessChart::Draw(cairo_t* cairo, int width, int height) {
  if (figures_.bars() == 0) return;
  const auto largest = [&](const std::vector<uint64_t> AccessSeries::*counts) {
    uint64_t most = 0;
    for (size_t bar = 0; bar < figures_.bars(); ++bar) {
      uint64_t sum = 0;
      for (const AccessSeries& series : figures_.series) sum += (series.*counts)[bar];
      most = std::max(most, sum);
    }
    return RoundMaximum(most);
  };
  const uint64_t read_maximum = largest(&AccessSeries::reads);
  const uint64_t send_maximum = largest(&AccessSeries::sends);
  const double labels = kLabelRoom + std::max(TextWidth(area_, absl::StrCat(read_maximum)),
                                              TextWidth(area_, absl::StrCat(send_maximum)));
  // Time runs the way one reads; the scale stands where it begins.
  from_the_right_ = gtk_widget_get_direction(area_) == GTK_TEXT_DIR_RTL;
  left_ = from_the_right_ ? 0 : labels;
  bar_width_ = (width - labels) / static_cast<double>(figures_.bars());

  const double plots = height - 2 * kTitleHeight - kBetween - kTimesHeight;
  const Plot reads{Tr("Read"),         &AccessSeries::reads, kTitleHeight,
                   plots * kReadShare, width - labels,       read_maximum};
  const double below = reads.top + reads.height + kBetween + kTitleHeight;
  const Plot sends{Tr("Sent"),     &AccessSeries::sends, below, plots * (1 - kReadShare),
                   width - labels, send_maximum};
  if (bar_.has_value()) {
    InkOf(area_).Use(cairo, 0.08);
    cairo_rectangle(cairo, BarLeft(*bar_), reads.top, bar_width_, below + sends.height - reads.top);
    cairo_fill(cairo);
  }
  DrawPlot(cairo, reads);
  DrawPlot(cairo, sends);
  DrawTimes(cairo, height - kTimesHeight / 2);
}

void AccessChart::DrawPlot(cairo_t* cairo, const Plot& plot) {
  const Ink ink = InkOf(area_);
  const double edge = from_the_right_ ? left_ + plot.width : left_;
  ink.Use(cairo, 0.8);
  DrawText(cairo, area_, plot.title, edge, plot.top - kTitleHeight / 2, from_the_right_ ? 1 : 0);
  for (const double share : {0.0, 0.5, 1.0}) {
    const double y = std::round(plot.top + plot.height * (1 - share)) - 0.5;
    ink.Use(cairo, share == 0.0 ? 0.35 : 0.12);
    cairo_set_line_width(cairo, 1);
    cairo_move_to(cairo, left_, y);
    cairo_line_to(cairo, left_ + plot.width, y);
    cairo_stroke(cairo);
    ink.Use(cairo, 0.6);
    const auto value = static_cast<uint64_t>(static_cast<double>(plot.maximum) * share);
    DrawText(cairo, area_, absl::StrCat(value),
             from_the_right_ ? edge + kLabelRoom / 2 : edge - kLabelRoom / 2, y,
             from_the_right_ ? 0 : 1);
  }
  for (size_t bar = 0; bar < figures_.bars(); ++bar) {
    const double width = std::max(1.0, bar_width_ * kBarShare);
    const double x = BarLeft(bar) + (bar_width_ - width) / 2;
    uint64_t total = 0;
    for (const AccessSeries& series : figures_.series) total += (series.*(plot.counts))[bar];
    if (total == 0) continue;
    const double scale = plot.height / static_cast<double>(plot.maximum);
    // What happened at all is to be seen, however little it was.
    const double whole = std::max(2.0, static_cast<double>(total) * scale);
    cairo_save(cairo);
    RoundedTop(cairo, x, plot.top + plot.height - whole, width, whole);
    cairo_clip(cairo);
    double top = plot.top + plot.height;
    for (size_t i = 0; i < figures_.series.size(); ++i) {
      const uint64_t count = (figures_.series[i].*(plot.counts))[bar];
      if (count == 0) continue;
      const double part = whole * static_cast<double>(count) / static_cast<double>(total);
      const GdkRGBA colour = SeriesColour(i);
      cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, 1);
      cairo_rectangle(cairo, x, top - part, width, part);
      cairo_fill(cairo);
      top -= part;
    }
    cairo_restore(cairo);
  }
}

void AccessChart::DrawTimes(cairo_t* cairo, double baseline) {
  InkOf(area_).Use(cairo, 0.6);
  const absl::TimeZone zone = absl::LocalTimeZone();
  double free_from = -1e9;
  double free_to = 1e9;
  for (size_t bar = 0; bar < figures_.bars(); ++bar) {
    const absl::Time start = figures_.edges[bar];
    std::string text;
    double bars = 1;
    if (span_ == ChartSpan::kDay) {
      if (absl::ToCivilHour(start, zone).hour() % 3 != 0) continue;
      text = ClockWords(start);
    } else {
      // Under the middle of its day.
      if (absl::ToCivilHour(start, zone).hour() != 0) continue;
      text = ShortDayWords(start);
      bars = span_ == ChartSpan::kWeek ? 4 : 1;
    }
    const double middle =
        BarLeft(bar) + (from_the_right_ ? bar_width_ * (1 - bars / 2) : bar_width_ * bars / 2);
    const double half = TextWidth(area_, text) / 2 + kLabelRoom / 2;
    if (middle - half < free_from && !from_the_right_) continue;
    if (middle + half > free_to && from_the_right_) continue;
    DrawText(cairo, area_, text, middle, baseline, 0.5);
    free_from = middle + half;
    free_to = middle - half;
  }
}

}  // namespace postern::settings
