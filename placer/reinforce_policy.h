#pragma once

#include <memory>

#include "placer/problem.h"
#include "placer/reinforce_options.h"
#include "policy/policy.h"

namespace placer {

/// What the policy sees of a problem.
[[nodiscard]] GroupFeatures PolicyFeaturesOf(const Problem& problem);

/// An untrained policy of the problem's size; `options.micro_batches` is not its business.
[[nodiscard]] std::unique_ptr<Policy> MakePolicyFor(const Problem& problem,
                                                    const ReinforceOptions& options, Seed seed);

}  // namespace placer
