#include "placer/reinforce_policy.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace placer {

GroupFeatures PolicyFeaturesOf(const Problem& problem) {
  std::vector<std::uint8_t> allowed(problem.num_groups() * problem.num_devices(), 0);
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    for (const DeviceId device : problem.allowed_devices(GroupId(g))) {
      allowed[g * problem.num_devices() + device.index()] = 1;
    }
  }
  return MakeGroupFeatures(problem.graph(), problem.grouping(), problem.num_devices(), allowed);
}

std::unique_ptr<Policy> MakePolicyFor(const Problem& problem, const ReinforceOptions& options,
                                      Seed seed) {
  PolicyConfig config = options.policy;
  config.seed = seed;
  config.max_devices = problem.num_devices();
  config.max_groups = std::max<std::size_t>(problem.num_groups(), 1);
  return MakeLstmPolicy(config);
}

}  // namespace placer
