#pragma once

#include <nlohmann/json_fwd.hpp>

#include "experiments/report/report_model.h"

namespace placer {

/// The model as the page reads it (web/src/model.ts describes the same). Numbers that the page
/// shows as they are come with their text, formatted as in the command; long lists are flat arrays
/// of integers: times in picoseconds, each as the distance to the one before.
[[nodiscard]] nlohmann::ordered_json ReportToJson(const ReportModel& model);

}  // namespace placer
