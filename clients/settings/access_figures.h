// SPDX-License-Identifier: Apache-2.0
// The numbers behind the chart: what each app read and sent in each stretch of time.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <vector>

#include "postern/v1/owner_service.pb.h"

namespace postern::settings {

// How far back the chart looks.
enum class ChartSpan { kDay = 0, kWeek = 1, kMonth = 2 };

// One app's part.
struct AccessSeries {
  // Empty for the one that stands for all apps beyond kSeriesMax.
  std::string principal;
  std::string name;
  // One count for each bar.
  std::vector<uint64_t> reads;
  std::vector<uint64_t> sends;
  uint64_t read_total = 0;
  uint64_t send_total = 0;
  uint64_t refused_total = 0;
  uint64_t withheld_total = 0;
};

struct AccessFigures {
  // More colours than this nobody tells apart; the apps that did least share one series.
  static constexpr size_t kSeriesMax = 8;

  // Where bars begin, and at last where the last one ends: one more than there are bars.
  std::vector<absl::Time> edges;
  // Those that did most first.
  std::vector<AccessSeries> series;

  size_t bars() const { return edges.empty() ? 0 : edges.size() - 1; }
  uint64_t read_total() const;
  uint64_t send_total() const;
  bool empty() const { return series.empty(); }
};

// Returns the edges of the bars of a span that ends with the hour or the day that 'now' is in.
std::vector<absl::Time> EdgesOf(ChartSpan span, absl::Time now);
// What to ask the broker for, so that the answer can be put into these bars.
v1::SummarizeAccessRequest RequestFor(ChartSpan span, const std::vector<absl::Time>& edges);

// What the broker counted, put into bars. 'name_of' gives the name of a principal.
AccessFigures FiguresOf(const std::vector<v1::AccessSummary>& summaries,
                        std::vector<absl::Time> edges,
                        const std::vector<std::pair<std::string, std::string>>& names);

// The end of an axis that must hold 'largest': a round number, never zero.
uint64_t RoundMaximum(uint64_t largest);

}  // namespace postern::settings
