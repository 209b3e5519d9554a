#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "graphs/base/rng.h"
#include "policy/detail/kernels.h"
#include "policy/policy.h"

namespace placer::detail {

/// What decoding needs of the network for one graph, all of it independent of the placement: plain
/// row-major arrays, with everything that can be computed once per batch already computed.
struct DecoderTables {
  std::size_t hidden = 0, groups = 0, devices = 0;
  std::span<const float> step_input;      ///< [groups, 4 hidden]
  std::span<const float> device_input;    ///< [max_devices + 1, 4 hidden]; the last row starts
  std::span<const float> recurrent;       ///< [4 hidden, hidden]
  std::span<const float> first_state;     ///< [hidden]
  std::span<const float> first_cell;      ///< [hidden]
  std::span<const float> output_state;    ///< [devices, hidden]
  std::span<const float> output_bias;     ///< [devices]
  std::span<const float> context_logits;  ///< [groups, devices]: what attending to a group adds
  std::span<const float> keys;            ///< [groups, hidden]
  std::span<const float> query;           ///< [hidden, hidden], Bahdanau only
  std::span<const float> value;           ///< [hidden], Bahdanau only
  std::span<const std::uint8_t> allowed;  ///< [groups, devices]
  double tanh_constant = 0, temperature = 0;
};

/// Decodes placements group by group, without gradients. Source: arXiv 1706.04972, section 3.
class SequenceDecoder {
 public:
  /// Borrows the tables.
  explicit SequenceDecoder(const DecoderTables& tables);

  /// Sample i draws one uniform number per group from Rng(DeriveSeed(seed, i)).
  [[nodiscard]] std::vector<Proposal> Sample(std::size_t count, Seed seed,
                                             double sampling_temperature) const;
  /// The same, but sample i keeps the devices of given[i] that are not kAnyDevice, and draws from
  /// Rng(DeriveSeed(seed, first_sample + i)).
  [[nodiscard]] std::vector<Proposal> Complete(std::span<const std::vector<std::uint8_t>> given,
                                               Seed seed, double sampling_temperature,
                                               std::size_t first_sample) const;
  [[nodiscard]] Proposal Greedy() const;

 private:
  /// Picks a sample's device of a group given its row of probabilities.
  using Choose =
      std::function<std::size_t(std::size_t sample, std::size_t group, std::span<const float>)>;
  struct Buffers;
  [[nodiscard]] std::vector<Proposal> Decode(std::size_t count, double sampling_temperature,
                                             const Choose& choose) const;
  void Step(std::size_t group, std::size_t count, Buffers& buffers) const;
  void Attend(std::size_t count, Buffers& buffers) const;
  /// Fills `probabilities` [devices] of one sample. @return the entropy
  float Distribution(std::size_t group, std::span<const float> raw, double sampling_temperature,
                     std::span<float> log_probabilities, std::span<float> probabilities) const;

  const DecoderTables& tables_;
  bool additive_;
  PackedMatrix recurrent_;
  PackedMatrix readout_;         ///< [hidden, groups + devices]: scores, then logits of the state;
                                 ///< additive: [hidden, hidden + devices]: query, then logits
  PackedMatrix context_logits_;  ///< [groups, devices]
};

}  // namespace placer::detail
