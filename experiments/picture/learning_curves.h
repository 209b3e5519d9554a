#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "graphs/base/units.h"
#include "placer/placer.h"

namespace placer {

/// Best feasible step time so far after so many samples.
struct LearningPoint {
  std::int64_t samples = 0;
  Seconds best{0};
};
/// One seed: samples ascend; nothing before the first feasible placement.
using LearningCurve = std::vector<LearningPoint>;

struct LearningSeries {
  std::string label;  ///< the method
  std::vector<LearningCurve> seeds;
};
struct Baseline {
  std::string label;
  Seconds step_time{0};
};

[[nodiscard]] LearningCurve CurveOf(const PlaceResult& result);
/// The curve in a metrics.jsonl of `train`; lines that are damaged (a process that was killed) or
/// know of no feasible placement are left out. @throws InputError if the file cannot be read
[[nodiscard]] LearningCurve ReadLearningCurve(const std::filesystem::path& metrics);

/// Mean over seeds of the best step time against samples, with the range of the seeds; baselines as
/// lines. A series starts where every seed has something. Samples are on a logarithmic axis, since
/// most happens early; so are step times where they differ by more than a factor of four.
/// @return an SVG document
[[nodiscard]] std::string DrawLearningCurves(const std::string& title,
                                             const std::vector<LearningSeries>& series,
                                             const std::vector<Baseline>& baselines);

}  // namespace placer
