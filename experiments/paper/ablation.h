#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/picture/learning_curves.h"
#include "experiments/stats.h"
#include "experiments/table.h"
#include "placer/placer.h"

namespace placer {

/// `reinforce` with one choice of the preset `default` taken back to what `paper` has.
struct AblationRow {
  std::string name, what;
  std::string preset = "default";
  std::map<std::string, std::string> options;
};
/// `default`, one row per choice, `paper`; what is left out, docs/paper.md says.
[[nodiscard]] std::vector<AblationRow> AblationRows();
/// Those whose names are in a list with commas, plain or not, in the order of AblationRows().
/// @throws InputError for an unknown name (lists the known ones)
[[nodiscard]] std::vector<AblationRow> ChosenRows(const std::string& list);
/// A row's name as the name of a file and as an argument: "reward-sqrt-time-".
[[nodiscard]] std::string PlainName(std::string name);

/// One seed: its best step time, and when it first came within 5 % of the best known.
struct AblationTrial {
  double step_seconds = 0;
  std::vector<CurvePoint> curve;
};
[[nodiscard]] AblationTrial TrialOf(const PlaceResult& result);
[[nodiscard]] nlohmann::ordered_json ToJson(const AblationTrial& trial);
/// @throws std::exception of the JSON library for anything else than what ToJson() wrote
[[nodiscard]] AblationTrial AblationTrialFrom(const nlohmann::ordered_json& json);

/// Samples or wall seconds at the first point of the curve that is at most 1.05 x best_known;
/// nothing if none is.
struct Arrival {
  double samples = 0, wall_seconds = 0;
};
[[nodiscard]] std::optional<Arrival> ArrivalOf(const AblationTrial& trial, double best_known);

struct AblationResult {
  AblationRow row;
  std::vector<AblationTrial> trials;
};
/// The least step time of all trials. @throws std::logic_error if there is none
[[nodiscard]] double BestKnown(std::span<const AblationResult> results);
/// The learning curve of every seed as far as `samples`, without seeds that found nothing feasible.
[[nodiscard]] LearningSeries CurvesOf(const AblationResult& result, const std::string& label,
                                      std::int64_t samples);

/// A row over its seeds.
struct AblationSummary {
  Sample ratio;                    ///< best step time over the best known one
  std::size_t arrived = 0;         ///< seeds that came within 5 %
  std::optional<Arrival> arrival;  ///< medians of those
};
/// @param result  of one trial at least
[[nodiscard]] AblationSummary SummaryOf(const AblationResult& result, double best_known);
/// Per row: mean, min, max of the best step time over the best known one; of the seeds that came
/// within 5 %: how many, and their median samples and seconds.
[[nodiscard]] Table AblationTable(std::span<const AblationResult> results, double best_known);
/// The same, and the options of each row. A list.
[[nodiscard]] nlohmann::ordered_json ToJson(std::span<const AblationResult> results,
                                            double best_known);

}  // namespace placer
