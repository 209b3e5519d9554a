#pragma once

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "graphs/detail/zoo_builder.h"

namespace placer {

/// A long short-term memory layer (Hochreiter and Schmidhuber 1997) unrolled over time: every step
/// is made of ops of its own that read the layer's one weight and one bias. All four gates come
/// from one product: [x, h] times a weight of [inputs + hidden, 4 hidden].
class ZooLstm {
 public:
  /// Its parameters and its first state, which are inputs of the graph, are `scope/...`.
  ZooLstm(ZooBuilder& builder, std::string scope, std::int64_t batch, std::int64_t inputs,
          std::int64_t hidden);
  /// One step, its ops are `scope/t<step>/...`; x [batch, inputs]. @return the new output h
  TensorId Step(std::size_t step, const std::vector<TensorId>& x);
  /// The states carried to the next step.
  [[nodiscard]] std::pair<TensorId, TensorId> state() const { return {h_, c_}; }
  /// Goes on from the state of another layer of this size.
  void set_state(std::pair<TensorId, TensorId> state) { std::tie(h_, c_) = state; }

 private:
  ZooBuilder& builder_;
  std::string scope_;
  TensorId weight_, bias_, h_, c_;
};

}  // namespace placer
