#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cost_model/cluster.h"

namespace placer {

/// What the machine of arXiv 1706.04972 does under TensorFlow r0.12 and no data sheet says. Fitted
/// by `placer reproduce calibration` to the step times on one CPU and on one GPU alone, and to what
/// fits in memory; see docs/paper.md.
struct TfK80Constants {
  struct Kind {
    double matmul = 0;       ///< share of the peak flop/s that matrix products reach
    double convolution = 0;  ///< that convolutions reach
    double memory = 1;       ///< factor on every share of the bandwidth, and on the other classes
    double overhead_s = 0;   ///< starting one op
    bool operator==(const Kind&) const = default;
  };
  Kind cpu, gpu;
  std::int64_t gpu_usable_bytes = 0;  ///< of 12 GB
  bool operator==(const TfK80Constants&) const = default;
};

/// Where the fit starts: the estimates of cost_model/efficiency.cc, 30 us per op (one op here
/// stands for about three of TensorFlow's, each taken to cost its executor 10 us), all of the
/// memory.
[[nodiscard]] TfK80Constants EstimatedTfK80();
/// The committed result of the fit.
[[nodiscard]] TfK80Constants FittedTfK80();

/// The Haswell host with K80 GPUs of the zoo's `k80xN`, with these constants and with copies that
/// go through TensorFlow's rendezvous.
/// @param num_gpus  2 or 4
[[nodiscard]] ClusterSpec TfK80(std::string name, std::size_t num_gpus,
                                const TfK80Constants& constants);

}  // namespace placer
