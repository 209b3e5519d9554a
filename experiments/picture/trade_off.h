#pragma once

#include <string>
#include <vector>

namespace placer {

/// A plan by what it costs; less is better everywhere.
struct TradeOffPoint {
  std::string label;  ///< "gpu=2 links.bandwidth=1x"
  std::string work;   ///< what the step computes; step times of other work do not compare
  double devices = 0;
  double step_seconds = 0;
  double peak_bytes = 0;
  bool on_front = false;  ///< no other of the work is better in one and no worse in the others
};
/// Step time against devices, coloured by memory, with the front's points ringed and labelled and,
/// for each work, those that no other beats in step time at that number of devices or fewer joined
/// by a line.
/// @return an SVG document
[[nodiscard]] std::string DrawTradeOff(const std::string& title,
                                       const std::vector<TradeOffPoint>& points);

}  // namespace placer
