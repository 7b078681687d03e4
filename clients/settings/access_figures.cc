// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/access_figures.h"

#include <algorithm>
#include <map>
#include <utility>

#include "clients/settings/time_words.h"
#include "clients/settings/translation.h"

namespace postern::settings {
namespace {

constexpr int kHoursOfDay = 24;
constexpr int kDaysOfWeek = 7;
// A bar of the week is a quarter of a day: morning and evening are told apart.
constexpr int kBarsOfWeekDay = 4;
constexpr int kDaysOfMonth = 30;

absl::Time StartOf(absl::CivilDay day) { return absl::FromCivil(day, absl::LocalTimeZone()); }

uint64_t Activity(const AccessSeries& series) { return series.read_total + series.send_total; }

void AddTo(AccessSeries& sum, const AccessSeries& one) {
  for (size_t bar = 0; bar < sum.reads.size(); ++bar) {
    sum.reads[bar] += one.reads[bar];
    sum.sends[bar] += one.sends[bar];
  }
  sum.read_total += one.read_total;
  sum.send_total += one.send_total;
  sum.refused_total += one.refused_total;
  sum.withheld_total += one.withheld_total;
}

}  // namespace

uint64_t AccessFigures::read_total() const {
  uint64_t total = 0;
  for (const AccessSeries& one : series) total += one.read_total;
  return total;
}

uint64_t AccessFigures::send_total() const {
  uint64_t total = 0;
  for (const AccessSeries& one : series) total += one.send_total;
  return total;
}

std::vector<absl::Time> EdgesOf(ChartSpan span, absl::Time now) {
  std::vector<absl::Time> edges;
  if (span == ChartSpan::kDay) {
    const absl::CivilHour last = absl::ToCivilHour(now, absl::LocalTimeZone());
    for (int i = kHoursOfDay - 1; i >= -1; --i) {
      edges.push_back(absl::FromCivil(last - i, absl::LocalTimeZone()));
    }
    return edges;
  }
  const absl::CivilDay today = absl::ToCivilDay(now, absl::LocalTimeZone());
  const int days = span == ChartSpan::kWeek ? kDaysOfWeek : kDaysOfMonth;
  for (int i = days - 1; i >= 0; --i) {
    const absl::Time start = StartOf(today - i);
    edges.push_back(start);
    if (span == ChartSpan::kMonth) continue;
    // Days on which the clock is changed have longer or shorter quarters.
    const absl::Duration quarter = (StartOf(today - i + 1) - start) / kBarsOfWeekDay;
    for (int part = 1; part < kBarsOfWeekDay; ++part) edges.push_back(start + part * quarter);
  }
  edges.push_back(StartOf(today + 1));
  return edges;
}

v1::SummarizeAccessRequest RequestFor(ChartSpan span, const std::vector<absl::Time>& edges) {
  v1::SummarizeAccessRequest request;
  *request.mutable_start_time() = ToTimestamp(edges.front());
  *request.mutable_end_time() = ToTimestamp(edges.back());
  // Finer than the bars, so that days that have 23 hours come out right; at most 500 stretches.
  request.mutable_stretch()->set_seconds(span == ChartSpan::kMonth ? 2 * 3600 : 3600);
  return request;
}

AccessFigures FiguresOf(const std::vector<v1::AccessSummary>& summaries,
                        std::vector<absl::Time> edges,
                        const std::vector<std::pair<std::string, std::string>>& names) {
  AccessFigures figures;
  figures.edges = std::move(edges);
  const size_t bars = figures.bars();
  std::map<std::string, AccessSeries> by_app;
  for (const v1::AccessSummary& summary : summaries) {
    const absl::Time start = TimeOf(summary.start_time());
    const auto next = std::upper_bound(figures.edges.begin(), figures.edges.end(), start);
    if (next == figures.edges.begin() || next == figures.edges.end()) continue;
    const auto bar = static_cast<size_t>(next - figures.edges.begin() - 1);
    AccessSeries& series = by_app[summary.principal()];
    series.reads.resize(bars);
    series.sends.resize(bars);
    series.reads[bar] += summary.read_count();
    series.sends[bar] += summary.send_count();
    series.read_total += summary.read_count();
    series.send_total += summary.send_count();
    series.refused_total += summary.refused_count();
    series.withheld_total += summary.withheld_count();
  }
  for (auto& [principal, series] : by_app) {
    series.principal = principal;
    const auto name =
        std::find_if(names.begin(), names.end(),
                     [&, &key = principal](const auto& one) { return one.first == key; });
    series.name = name == names.end() ? Tr("An unknown app") : name->second;
    figures.series.push_back(std::move(series));
  }
  std::stable_sort(
      figures.series.begin(), figures.series.end(),
      [](const AccessSeries& a, const AccessSeries& b) { return Activity(a) > Activity(b); });
  if (figures.series.size() > AccessFigures::kSeriesMax) {
    AccessSeries& rest = figures.series[AccessFigures::kSeriesMax - 1];
    for (size_t i = AccessFigures::kSeriesMax; i < figures.series.size(); ++i) {
      AddTo(rest, figures.series[i]);
    }
    rest.principal.clear();
    rest.name = Tr("Other apps");
    figures.series.resize(AccessFigures::kSeriesMax);
  }
  return figures;
}

uint64_t RoundMaximum(uint64_t largest) {
  // Each halves to a whole number.
  for (const uint64_t small : {uint64_t{2}, uint64_t{4}, uint64_t{6}, uint64_t{8}}) {
    if (small >= largest) return small;
  }
  static constexpr uint64_t kSteps[] = {10, 12, 16, 20, 24, 30, 40, 50, 60, 80};
  for (uint64_t unit = 1;; unit *= 10) {
    for (const uint64_t step : kSteps) {
      if (step * unit >= largest) return step * unit;
    }
    // Nothing that is counted comes near; the loop must end all the same.
    if (unit > UINT64_MAX / 100) return UINT64_MAX;
  }
}

}  // namespace postern::settings
