#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/table.h"
#include "placer/placer.h"

namespace placer {

/// `reinforce` with one choice of the preset `default` taken back to what `paper` has.
struct AblationRow {
  std::string name, what;
  std::string preset = "default";
  std::map<std::string, std::string> options;
};
/// `default`, one row per choice, `paper`; in the order of docs/policy.md.
[[nodiscard]] std::vector<AblationRow> AblationRows();

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
/// Per row: mean, min, max of the best step time over the best known one; of the seeds that came
/// within 5 %: how many, and their median samples and seconds.
[[nodiscard]] Table AblationTable(std::span<const AblationResult> results, double best_known);

}  // namespace placer
