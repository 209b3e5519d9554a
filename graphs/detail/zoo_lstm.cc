#include "graphs/detail/zoo_lstm.h"

namespace placer {

ZooLstm::ZooLstm(ZooBuilder& builder, std::string scope, std::int64_t batch, std::int64_t inputs,
                 std::int64_t hidden)
    : builder_(builder), scope_(std::move(scope)) {
  weight_ = builder_.Parameter(scope_ + "/weight", {inputs + hidden, 4 * hidden});
  bias_ = builder_.Parameter(scope_ + "/bias", {4 * hidden});
  h_ = builder_.Input(scope_ + "/h0", {batch, hidden});
  c_ = builder_.Input(scope_ + "/c0", {batch, hidden});
}

TensorId ZooLstm::Step(std::size_t step, const std::vector<TensorId>& x) {
  ZooBuilder& b = builder_;
  const std::string s = scope_ + "/t" + std::to_string(step);
  std::vector<TensorId> parts = x;
  parts.push_back(h_);
  const TensorId product = b.MatMul(s + "/matmul", b.Concat(s + "/concat", parts, 1), weight_);
  const auto gates = b.Split(s + "/split", b.Like(s + "/add_bias", "Add", {product, bias_}), 4);
  const TensorId in = b.Like(s + "/input_gate", "Sigmoid", {gates[0]});
  const TensorId forget = b.Like(s + "/forget_gate", "Sigmoid", {gates[1]});
  const TensorId candidate = b.Like(s + "/candidate", "Tanh", {gates[2]});
  const TensorId out = b.Like(s + "/output_gate", "Sigmoid", {gates[3]});
  const TensorId kept = b.Like(s + "/keep", "Mul", {forget, c_});
  const TensorId written = b.Like(s + "/write", "Mul", {in, candidate});
  c_ = b.Like(s + "/cell", "Add", {kept, written});
  h_ = b.Like(s + "/hidden", "Mul", {out, b.Like(s + "/cell_tanh", "Tanh", {c_})});
  return h_;
}

}  // namespace placer
