#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/detail/experiment_field.h"
#include "experiments/experiment.pb.h"

namespace placer::detail {

/// Fields that move together, and the values they go through.
struct SweepAxis {
  std::vector<ExperimentField> fields;           ///< at least one
  std::vector<std::vector<std::string>> values;  ///< [num_steps][num_fields]
};

/// The axes with ranges made values. @throws InputError with `axes[i]...` for an unknown field, one
/// that is set twice, no values or unequal numbers of them, or a value of the wrong type
[[nodiscard]] std::vector<SweepAxis> ReadAxes(const proto::Sweep& sweep);

/// Every combination, as a value for every field; the first axis varies slowest.
/// @throws InputError for more than a million
[[nodiscard]] std::vector<std::vector<std::string>> Combinations(
    const std::vector<SweepAxis>& axes);

}  // namespace placer::detail
