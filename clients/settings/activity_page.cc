// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/activity_page.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <adwaita.h>

#include <utility>

#include "clients/owner/visible_text.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {
namespace {

using owner::VisibleText;

struct SpanChoice {
  ChartSpan span;
  const char* text;
};
constexpr SpanChoice kSpans[] = {{ChartSpan::kDay, TrLater("24 hours")},
                                 {ChartSpan::kWeek, TrLater("7 days")},
                                 {ChartSpan::kMonth, TrLater("30 days")}};

// What the picture shows, for those who cannot see it.
std::string SummaryWords(const AccessFigures& figures, ChartSpan span) {
  const char* when = span == ChartSpan::kDay    ? Tr("In the last 24 hours")
                     : span == ChartSpan::kWeek ? Tr("In the last 7 days")
                                                : Tr("In the last 30 days");
  if (figures.empty()) return FillIn(Tr("$0 no app read or sent anything."), when);
  const uint64_t apps = figures.series.size();
  const uint64_t reads = figures.read_total();
  const uint64_t sends = figures.send_total();
  return FillIn(Tr("$0 $1 read $2 and sent $3."), when,
                FillIn(TrCount("$0 app", "$0 apps", apps), apps),
                FillIn(TrCount("$0 event", "$0 events", reads), reads),
                FillIn(TrCount("$0 message", "$0 messages", sends), sends));
}

std::string CountWords(const AccessSeries& series) {
  std::string words = FillIn(Tr("$0 read · $1 sent"), series.read_total, series.send_total);
  if (series.refused_total > 0) {
    absl::StrAppend(&words, " · ", FillIn(Tr("$0 refused"), series.refused_total));
  }
  if (series.withheld_total > 0) {
    absl::StrAppend(&words, " · ", FillIn(Tr("$0 withheld"), series.withheld_total));
  }
  return words;
}

void DrawSwatch(GtkDrawingArea*, cairo_t* cairo, int width, int height, gpointer place) {
  const GdkRGBA colour = SeriesColour(GPOINTER_TO_SIZE(place));
  gdk_cairo_set_source_rgba(cairo, &colour);
  const double radius = std::min(width, height) / 2.0;
  cairo_arc(cairo, width / 2.0, height / 2.0, radius, 0, 2 * G_PI);
  cairo_fill(cairo);
}

GtkWidget* NewSwatch(size_t series) {
  GtkWidget* swatch = gtk_drawing_area_new();
  gtk_drawing_area_set_content_width(GTK_DRAWING_AREA(swatch), 14);
  gtk_drawing_area_set_content_height(GTK_DRAWING_AREA(swatch), 14);
  gtk_widget_set_valign(swatch, GTK_ALIGN_CENTER);
  gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(swatch), DrawSwatch, GSIZE_TO_POINTER(series),
                                 nullptr);
  return swatch;
}

}  // namespace

ActivityPage::ActivityPage(const Around& around)
    : around_(around),
      widget_(NewScroller(&column_)),
      summary_(NewLabel("", "title-4")),
      bar_words_(NewLabel("", "dim-label")),
      figures_box_(GTK_BOX(gtk_box_new(GTK_ORIENTATION_VERTICAL, 0))) {
  chart_ = std::make_unique<AccessChart>([this](const std::string& words) {
    gtk_label_set_text(GTK_LABEL(bar_words_), words.c_str());
  });
  GtkWidget* spans = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 0);
  gtk_widget_add_css_class(spans, "linked");
  gtk_widget_set_halign(spans, GTK_ALIGN_START);
  GtkToggleButton* first = nullptr;
  for (const SpanChoice& choice : kSpans) {
    GtkWidget* button = gtk_toggle_button_new_with_label(Tr(choice.text));
    if (first == nullptr) {
      first = GTK_TOGGLE_BUTTON(button);
    } else {
      gtk_toggle_button_set_group(GTK_TOGGLE_BUTTON(button), first);
    }
    gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(button), choice.span == span_);
    Connect(button, "toggled", [this, button, span = choice.span] {
      if (gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(button))) Choose(span);
    });
    gtk_box_append(GTK_BOX(spans), button);
  }
  GtkWidget* card = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
  gtk_widget_add_css_class(card, "card");
  gtk_widget_add_css_class(card, "chart-card");
  gtk_box_append(GTK_BOX(card), summary_);
  gtk_box_append(GTK_BOX(card), chart_->widget());
  gtk_box_append(GTK_BOX(card), bar_words_);
  // Room for the words of a bar, so that nothing jumps under the pointer.
  gtk_label_set_lines(GTK_LABEL(bar_words_), 4);
  gtk_label_set_ellipsize(GTK_LABEL(bar_words_), PANGO_ELLIPSIZE_END);
  gtk_box_append(column_, spans);
  gtk_box_append(column_, card);
  gtk_box_append(column_, GTK_WIDGET(figures_box_));
}

void ActivityPage::Shown() { Read(); }

void ActivityPage::Choose(ChartSpan span) {
  span_ = span;
  Read();
}

void ActivityPage::Read() {
  const std::vector<absl::Time> edges = EdgesOf(span_, absl::Now());
  const int reading = ++reading_;
  around_.model.Look(
      [request = RequestFor(span_, edges)](owner::Owner& owner) {
        return owner.SummarizeAccess(request);
      },
      [this, reading, edges](absl::StatusOr<std::vector<v1::AccessSummary>> summaries) {
        OnSummaries(reading, edges, std::move(summaries));
      });
}

void ActivityPage::OnSummaries(int reading, const std::vector<absl::Time>& edges,
                               absl::StatusOr<std::vector<v1::AccessSummary>> summaries) {
  if (reading != reading_) return;
  if (!summaries.ok()) {
    gtk_label_set_text(GTK_LABEL(summary_), WhyNotDone(summaries.status()).c_str());
    return;
  }
  std::vector<std::pair<std::string, std::string>> names;
  const AccessPicture& access = *around_.model.access();
  for (const v1::AccessSummary& summary : *summaries) {
    names.emplace_back(summary.principal(), access.AppName(summary.principal()));
  }
  AccessFigures figures = FiguresOf(*summaries, edges, names);
  const std::string words = SummaryWords(figures, span_);
  gtk_label_set_text(GTK_LABEL(summary_), words.c_str());
  FillFigures(figures);
  chart_->Show(std::move(figures), span_, words);
}

void ActivityPage::FillFigures(const AccessFigures& figures) {
  Refill(figures_box_, [&] {
    if (figures.empty()) return;
    AdwPreferencesGroup* group = NewGroup(Tr("By app"));
    for (size_t i = 0; i < figures.series.size(); ++i) {
      const AccessSeries& series = figures.series[i];
      AdwActionRow* row = NewRow(VisibleText(series.name), CountWords(series));
      adw_action_row_add_prefix(row, NewSwatch(i));
      const std::string& principal = series.principal;
      gtk_widget_set_name(GTK_WIDGET(row), absl::StrCat("figures ", principal).c_str());
      if (around_.model.access()->FindApp(principal) != nullptr) {
        adw_action_row_add_suffix(row, gtk_image_new_from_icon_name("go-next-symbolic"));
        gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), TRUE);
        Connect(row, "activated", [this, principal] { around_.open_app(principal); });
      }
      adw_preferences_group_add(group, GTK_WIDGET(row));
    }
    gtk_box_append(figures_box_, GTK_WIDGET(group));
  });
}

}  // namespace postern::settings
