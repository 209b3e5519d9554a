#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cost_model/tf_k80.h"

namespace placer {

/// A step on one device that the fit sees.
struct CalibrationTarget {
  std::string model, device;
  double paper_seconds = 0;
  double start_seconds = 0;  ///< with the estimates that the fit starts from
  double fitted_seconds = 0;
  [[nodiscard]] double residual() const { return fitted_seconds / paper_seconds - 1; }
};

/// What the paper's table says about memory: NMT fits two GPUs and not one, the other models fit
/// one. The usable memory of a GPU lies between what must fit and what must not.
struct MemoryFacts {
  struct Need {
    std::string what;
    std::int64_t bytes = 0;
  };
  std::vector<Need> fits;  ///< on one GPU, or NMT on the fuller of two
  Need too_large;          ///< NMT on one GPU
  [[nodiscard]] std::int64_t lower() const;
};

struct Calibration {
  TfK80Constants start, fitted;  ///< `fitted` is rounded to three digits
  std::vector<CalibrationTarget> targets;
  MemoryFacts memory;
};

/// Fits the constants of `tf_k80xN` to the five step times on one device, and to nothing else: the
/// smallest change of the estimates (in the logarithm) that explains the five times to about 2 %.
/// The usable memory is the geometric middle of what the facts allow. Takes seconds.
/// @throws Error if the facts contradict each other
[[nodiscard]] Calibration FitCalibration();

}  // namespace placer
