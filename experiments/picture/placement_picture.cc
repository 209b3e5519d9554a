#include "experiments/picture/placement_picture.h"

#include "experiments/picture/unrolled_layout.h"

namespace placer {

std::string DrawPlacement(const PlacedModel& model, const std::string& title) {
  return IsUnrolled(LayOutUnrolled(model.graph)) ? DrawUnrolled(model, title)
                                                 : DrawNetwork(model, title);
}

}  // namespace placer
