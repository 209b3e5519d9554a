#include "policy/detail/lstm_net.h"

#include <algorithm>
#include <utility>

namespace placer::detail {
namespace {

std::int64_t Signed(std::size_t n) { return static_cast<std::int64_t>(n); }

std::span<const float> View(const at::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

// Anything below every real logit: exp() of it is 0, and 0 times it is still 0.
constexpr double kForbiddenLogit = -1e9;

}  // namespace

NetInputs::NetInputs(const GroupFeatures& features, std::size_t max_groups) {
  const std::int64_t groups = Signed(features.num_groups), devices = Signed(features.num_devices);
  const std::int64_t rows = std::min(groups, Signed(max_groups));
  type_shares = at::zeros({groups, Signed(kNumOpTypeIds)});
  edges_in = at::zeros({groups, rows});
  edges_out = at::zeros({groups, rows});
  float* shares = type_shares.data_ptr<float>();
  for (std::size_t group = 0; group < features.num_groups; ++group) {
    for (std::size_t i = features.type_begin[group]; i < features.type_begin[group + 1]; ++i) {
      shares[group * kNumOpTypeIds + features.type_ids[i]] += features.type_weights[i];
    }
  }
  const auto columns = static_cast<std::size_t>(rows);
  for (const GroupFeatures::Edge& edge : features.edges) {
    edges_in.data_ptr<float>()[edge.to * columns + edge.from % columns] += edge.weight;
    edges_out.data_ptr<float>()[edge.from * columns + edge.to % columns] += edge.weight;
  }
  dense = at::empty({groups, Signed(GroupFeatures::kDense)});
  std::ranges::copy(features.dense, dense.data_ptr<float>());
  forbidden = at::empty({groups, 1, devices}, at::kBool);
  std::ranges::transform(features.allowed, forbidden.data_ptr<bool>(),
                         [](std::uint8_t allowed) { return allowed == 0; });
}

LstmNet::LstmNet(const PolicyConfig& config) : config_(config) {
  const std::int64_t hidden = Signed(config.hidden), devices = Signed(config.max_devices);
  const std::int64_t inputs =
      Signed(config.type_embedding + GroupFeatures::kDense + 2 * config.adjacency_embedding);
  type_embedding_ = Add("type_embedding", {Signed(kNumOpTypeIds), Signed(config.type_embedding)});
  adjacency_embedding_ =
      Add("adjacency_embedding", {Signed(config.max_groups), Signed(config.adjacency_embedding)});
  device_embedding_ = Add("device_embedding", {devices + 1, Signed(config.device_embedding)});
  const std::int64_t encoder_hidden = config.bidirectional ? hidden / 2 : hidden;
  encoder_ = AddLstm("encoder", inputs, encoder_hidden);
  if (config.bidirectional) {
    reverse_encoder_ = AddLstm("reverse_encoder", inputs, encoder_hidden);
  }
  decoder_ = AddLstm("decoder", hidden, hidden);
  decoder_device_input_ =
      Add("decoder.device_input", {4 * hidden, Signed(config.device_embedding)});
  if (config.attention == Attention::kBahdanau) {
    attention_query_ = Add("attention.query", {hidden, hidden});
    attention_key_ = Add("attention.key", {hidden, hidden});
    attention_value_ = Add("attention.value", {hidden});
  }
  output_state_ = Add("output.state", {devices, hidden});
  output_context_ = Add("output.context", {devices, hidden});
  output_bias_ = Add("output.bias", {devices});
}

at::Tensor LstmNet::Add(const std::string& name, std::vector<std::int64_t> shape) {
  at::Tensor value = at::empty(shape);
  Rng rng(DeriveSeed(config_.seed, parameters_.size()));
  std::generate_n(value.data_ptr<float>(), value.numel(), [&] {
    return static_cast<float>((2 * rng.Uniform() - 1) * config_.initial_range);
  });
  value.set_requires_grad(true);
  parameters_.push_back({name, value});
  return value;
}

LstmNet::Lstm LstmNet::AddLstm(const std::string& name, std::int64_t inputs, std::int64_t hidden) {
  Lstm lstm{Add(name + ".input", {4 * hidden, inputs}),
            Add(name + ".recurrent", {4 * hidden, hidden}), Add(name + ".bias", {4 * hidden})};
  // The forget gate starts open (Jozefowicz, Zaremba, Sutskever, ICML 2015).
  std::fill_n(lstm.bias.data_ptr<float>() + hidden, hidden, 1.0F);
  return lstm;
}

LstmSequenceOutputs LstmNet::RunEncoder(const Lstm& lstm, const at::Tensor& inputs) {
  LstmSequenceInputs sequence;
  sequence.step_input = at::addmm(lstm.bias, inputs, lstm.input.t());
  sequence.recurrent = lstm.recurrent;
  sequence.first_state = sequence.first_cell = at::zeros({lstm.recurrent.size(1)});
  LstmSequenceOutputs outputs = RunLstm(sequence);
  return {outputs.states.squeeze(1), outputs.last_cell.squeeze(0)};
}

Encoding LstmNet::Encode(const NetInputs& inputs) const {
  const at::Tensor adjacency = adjacency_embedding_.slice(0, 0, inputs.edges_in.size(1));
  const at::Tensor groups =
      at::cat({at::mm(inputs.type_shares, type_embedding_), inputs.dense,
               at::mm(inputs.edges_in, adjacency), at::mm(inputs.edges_out, adjacency)},
              1);
  Encoding encoding;
  const LstmSequenceOutputs forward = RunEncoder(encoder_, groups);
  encoding.states = forward.states;
  encoding.last_state = forward.states[-1];
  encoding.last_cell = forward.last_cell;
  if (config_.bidirectional) {
    const LstmSequenceOutputs reverse = RunEncoder(reverse_encoder_, groups.flip(0));
    encoding.states = at::cat({forward.states, reverse.states.flip(0)}, 1);
    encoding.last_state = at::cat({encoding.last_state, reverse.states[-1]});
    encoding.last_cell = at::cat({encoding.last_cell, reverse.last_cell});
  }
  const std::int64_t devices = inputs.forbidden.size(2);
  encoding.step_input = at::addmm(decoder_.bias, encoding.states, decoder_.input.t());
  encoding.device_input = at::mm(device_embedding_, decoder_device_input_.t());
  encoding.keys = config_.attention == Attention::kBahdanau
                      ? at::mm(encoding.states, attention_key_.t())
                      : encoding.states;
  encoding.context_logits = at::mm(encoding.states, output_context_.slice(0, 0, devices).t());
  return encoding;
}

Decoding LstmNet::Decode(const NetInputs& inputs, const Encoding& encoding,
                         const at::Tensor& devices, double sampling_temperature) const {
  const std::int64_t groups = devices.size(0), batch = devices.size(1);
  const std::int64_t num_devices = inputs.forbidden.size(2);
  LstmSequenceInputs sequence;
  sequence.step_input = encoding.step_input;
  sequence.table = encoding.device_input;
  // Each step reads the device chosen one step before; the first reads the row past the devices.
  const at::Tensor start = at::full({1, batch}, Signed(config_.max_devices), at::kInt);
  sequence.table_rows = at::cat({start, devices.slice(0, 0, groups - 1)}, 0);
  sequence.recurrent = decoder_.recurrent;
  sequence.first_state = encoding.last_state;
  sequence.first_cell = encoding.last_cell;
  sequence.batch = batch;
  const at::Tensor states = RunLstm(sequence).states.view({groups * batch, Signed(config_.hidden)});

  const at::Tensor scores = config_.attention == Attention::kBahdanau
                                ? AdditiveAttentionScores(at::mm(states, attention_query_.t()),
                                                          encoding.keys, attention_value_)
                                : at::mm(states, encoding.keys.t());
  // The readout is linear, so attending to states and reading out commute: W (sum a s) = sum a (W
  // s).
  const at::Tensor raw = at::addmm(output_bias_.slice(0, 0, num_devices), states,
                                   output_state_.slice(0, 0, num_devices).t()) +
                         at::mm(at::softmax(scores, 1), encoding.context_logits);
  const at::Tensor logits =
      at::tanh(raw / config_.temperature) * (config_.tanh_constant / sampling_temperature);
  const at::Tensor all = at::log_softmax(
      logits.view({groups, batch, num_devices}).masked_fill(inputs.forbidden, kForbiddenLogit), 2);
  return {all.gather(2, devices.to(at::kLong).unsqueeze(2)).squeeze(2), -(all * all.exp()).sum(2)};
}

DecoderTables LstmNet::Tables(const Encoding& encoding, const GroupFeatures& features) const {
  DecoderTables tables;
  tables.hidden = config_.hidden;
  tables.groups = features.num_groups;
  tables.devices = features.num_devices;
  tables.step_input = View(encoding.step_input);
  tables.device_input = View(encoding.device_input);
  tables.recurrent = View(decoder_.recurrent);
  tables.first_state = View(encoding.last_state);
  tables.first_cell = View(encoding.last_cell);
  tables.output_state = View(output_state_).first(features.num_devices * config_.hidden);
  tables.output_bias = View(output_bias_).first(features.num_devices);
  tables.context_logits = View(encoding.context_logits);
  tables.keys = View(encoding.keys);
  if (config_.attention == Attention::kBahdanau) {
    tables.query = View(attention_query_);
    tables.value = View(attention_value_);
  }
  tables.allowed = features.allowed;
  tables.tanh_constant = config_.tanh_constant;
  tables.temperature = config_.temperature;
  return tables;
}

}  // namespace placer::detail
