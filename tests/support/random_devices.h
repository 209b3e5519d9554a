#pragma once

#include <string>
#include <vector>

#include "graphs/base/rng.h"
#include "graphs/graph.h"

namespace placer::test {

/// A device for every co-location class, at random; neighbours are often alike.
inline std::vector<std::string> RandomDeviceNames(const Graph& graph, Seed seed,
                                                  int num_devices = 3) {
  Rng rng(seed);
  std::vector<std::string> of_class;
  std::string last = "/gpu:0";
  for (std::size_t c = 0; c < graph.num_colocation_classes(); ++c) {
    if (rng.Below(6) == 0) {
      last = "/gpu:" + std::to_string(rng.Below(static_cast<std::size_t>(num_devices)));
    }
    of_class.push_back(last);
  }
  std::vector<std::string> devices;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    devices.push_back(of_class[graph.colocation_class(OpId(i))]);
  }
  return devices;
}

}  // namespace placer::test
