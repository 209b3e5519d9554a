#pragma once

#include <string>

#include "experiments/experiment.pb.h"
#include "experiments/experiment_config.h"

namespace placer::detail {

/// @throws InputError with the field
[[nodiscard]] ExperimentConfig ExperimentFrom(const proto::Experiment& message,
                                              const std::string& default_name);
/// With every default filled in.
[[nodiscard]] proto::Experiment ToMessage(const ExperimentConfig& config);
[[nodiscard]] std::string ToText(const google::protobuf::Message& message);

}  // namespace placer::detail
