#include "placer/registry.h"

#include "graphs/base/error.h"
#include "placer/detail/methods.h"

namespace placer {

std::vector<std::string> PlacerRegistry::Names() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    names.push_back(entry.name);
  }
  return names;
}

std::unique_ptr<Placer> PlacerRegistry::Make(const std::string& name) const {
  std::string known;
  for (const Entry& entry : entries_) {
    if (entry.name == name) {
      return entry.make();
    }
    known += (known.empty() ? "" : ", ") + entry.name;
  }
  throw InputError("method '" + name + "' is unknown, expected one of: " + known);
}

PlacerRegistry HeuristicPlacers() {
  PlacerRegistry registry;
  registry.Add(
      {"single_device", "everything on one device: the best of them", MakeSingleDevicePlacer});
  registry.Add(
      {"random", "uniform over the allowed devices, until the budget is spent", MakeRandomPlacer});
  registry.Add({"round_robin", "group after group on the next device", MakeRoundRobinPlacer});
  registry.Add({"topological",
                "contiguous parts of equal time or bytes in topological order (m-TOPO of Baechi, "
                "SoCC 2020)",
                MakeTopologicalPlacer});
  registry.Add({"heft", "heterogeneous earliest finish time (Topcuoglu et al., IEEE TPDS 2002)",
                MakeHeftPlacer});
  registry.Add({"etf",
                "earliest task first where memory allows (Hwang et al., 1989; m-ETF of Baechi, "
                "SoCC 2020)",
                MakeEtfPlacer});
  registry.Add({"scotch", "graph mapping onto all devices by libscotch (as in arXiv 1706.04972)",
                MakeScotchPlacer});
  registry.Add({"min_cut", "scotch without the CPUs (as in arXiv 1706.04972)", MakeMinCutPlacer});
  registry.Add({"expert",
                "by model family: a recurrent layer per accelerator, or contiguous parts (as in "
                "arXiv 1706.04972)",
                MakeExpertPlacer});
  registry.Add({"annealing",
                "simulated annealing with single, swap, range and cluster moves (Kirkpatrick et "
                "al., Science 1983)",
                MakeAnnealingPlacer});
  registry.Add({"cross_entropy",
                "independent distribution per group, population 100 (de Boer et al., 2005)",
                MakeCrossEntropyPlacer});
  return registry;
}

}  // namespace placer
