#include "placer/placer.h"

#include <string>

#include "graphs/base/error.h"

namespace placer {

PlaceResult Placer::Place(const PlaceRequest& request) const {
  if (request.budget.samples < 1) {
    throw InputError("budget: samples is " + std::to_string(request.budget.samples) +
                     ", expected at least 1");
  }
  // Written so that a NaN is refused as well.
  if (request.budget.seconds && !(request.budget.seconds->count() >= 0)) {
    throw InputError("budget: seconds is " + std::to_string(request.budget.seconds->count()) +
                     ", expected a number of at least 0");
  }
  if (request.problem.num_groups() == 0) {
    throw InputError("graph '" + request.problem.graph().name() +
                     "': 0 ops found, expected at least 1 to place");
  }
  return DoPlace(request);
}

}  // namespace placer
