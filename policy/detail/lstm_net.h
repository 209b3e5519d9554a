#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "policy/detail/lstm_sequence.h"
#include "policy/detail/sequence_decoder.h"
#include "policy/policy.h"

namespace placer::detail {

struct Parameter {
  std::string name;
  at::Tensor value;  ///< float, requires grad
};

/// GroupFeatures as tensors.
struct NetInputs {
  explicit NetInputs(const GroupFeatures& features, std::size_t max_groups);
  at::Tensor type_shares;          ///< [groups, kNumOpTypeIds]
  at::Tensor dense;                ///< [groups, GroupFeatures::kDense]
  at::Tensor edges_in, edges_out;  ///< [groups, min(groups, max_groups)], log-scaled bytes
  at::Tensor forbidden;            ///< bool [groups, 1, devices]
};

/// Everything the decoder needs that does not depend on the placement, so that it is computed once
/// per batch.
struct Encoding {
  at::Tensor states;                    ///< [groups, hidden]
  at::Tensor last_state, last_cell;     ///< [hidden]
  at::Tensor step_input, device_input;  ///< [groups, 4 hidden], [max_devices + 1, 4 hidden]
  at::Tensor keys;                      ///< [groups, hidden]
  at::Tensor context_logits;            ///< [groups, devices]
};

/// What teacher forcing says of given placements.
struct Decoding {
  at::Tensor log_probabilities;  ///< [groups, batch], of the given devices
  at::Tensor entropy;            ///< [groups, batch]
};

/// The network. Source: Mirhoseini et al. 2017, arXiv 1706.04972, section 3; what differs from it
/// is listed in docs/policy.md.
class LstmNet {
 public:
  explicit LstmNet(const PolicyConfig& config);

  /// In a fixed order; names are unique.
  [[nodiscard]] std::vector<Parameter>& parameters() noexcept { return parameters_; }
  [[nodiscard]] const std::vector<Parameter>& parameters() const noexcept { return parameters_; }

  [[nodiscard]] Encoding Encode(const NetInputs& inputs) const;
  /// @param devices  int32 [groups, batch]
  [[nodiscard]] Decoding Decode(const NetInputs& inputs, const Encoding& encoding,
                                const at::Tensor& devices, double sampling_temperature) const;
  /// Views of parameters and encoding for decoding without gradients; both must outlive them.
  [[nodiscard]] DecoderTables Tables(const Encoding& encoding, const GroupFeatures& features) const;

 private:
  struct Lstm {
    at::Tensor input, recurrent, bias;  ///< [4 h, inputs], [4 h, h], [4 h]
  };
  at::Tensor Add(const std::string& name, std::vector<std::int64_t> shape);
  Lstm AddLstm(const std::string& name, std::int64_t inputs, std::int64_t hidden);
  [[nodiscard]] static LstmSequenceOutputs RunEncoder(const Lstm& lstm, const at::Tensor& inputs);

  PolicyConfig config_;
  std::vector<Parameter> parameters_;
  at::Tensor type_embedding_, adjacency_embedding_, device_embedding_;
  Lstm encoder_, reverse_encoder_, decoder_;
  at::Tensor decoder_device_input_;  ///< [4 hidden, device_embedding]
  at::Tensor attention_query_, attention_key_, attention_value_;
  at::Tensor output_state_, output_context_, output_bias_;
};

}  // namespace placer::detail
