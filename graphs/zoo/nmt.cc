// The translation model of arXiv 1706.04972: LSTM encoder and decoder with the attention of
// Bahdanau et al. 2014 (arXiv 1409.0473), unrolled. The attention reads the decoder's output and
// feeds the next step, as TensorFlow's AttentionWrapper has it.
#include <array>

#include "graphs/detail/zoo_builder.h"
#include "graphs/detail/zoo_lstm.h"
#include "graphs/detail/zoo_models.h"

namespace placer {
namespace {

constexpr std::array kNumbers = {
    ZooNumber{"batch", 64, 1, 65536, "sentences per step"},
    ZooNumber{"layers", 2, 1, 64, "LSTM layers of the encoder and of the decoder"},
    ZooNumber{"hidden", 1024, 1, 65536, "size of embedding, state and attention"},
    ZooNumber{"unroll", 40, 1, 1000, "time steps of the encoder and of the decoder"},
    ZooNumber{"vocab", 32000, 2, 10000000, "words of each language"},
};

std::string At(const std::string& scope, std::size_t step) {
  return scope + "/t" + std::to_string(step);
}

struct Sizes {
  std::int64_t batch, layers, hidden, vocab;
  std::size_t steps;
};

/// A stack of LSTM layers; the first reads `inputs` values per step.
std::vector<ZooLstm> Stack(ZooBuilder& b, const std::string& scope, const Sizes& sizes,
                           std::int64_t inputs) {
  std::vector<ZooLstm> layers;
  for (std::int64_t layer = 0; layer < sizes.layers; ++layer) {
    layers.emplace_back(b, scope + "/lstm" + std::to_string(layer), sizes.batch,
                        layer == 0 ? inputs : sizes.hidden, sizes.hidden);
  }
  return layers;
}

TensorId Embed(ZooBuilder& b, const std::string& scope, std::size_t step, TensorId table,
               const Sizes& sizes) {
  const TensorId words = b.Input(At(scope + "/words", step), {sizes.batch}, DataType::kInt64);
  return b.Op(At(scope + "/embedding", step), "Gather", {table, words},
              {sizes.batch, sizes.hidden});
}

/// What the encoder hands over: its outputs of all steps [batch, steps, hidden], and its states.
struct Encoded {
  TensorId memory;
  std::vector<ZooLstm> layers;
};

Encoded Encode(ZooBuilder& b, const Sizes& sizes) {
  const TensorId table = b.Parameter("encoder/embedding/table", {sizes.vocab, sizes.hidden});
  Encoded encoded{{}, Stack(b, "encoder", sizes, sizes.hidden)};
  std::vector<TensorId> outputs;
  for (std::size_t step = 0; step < sizes.steps; ++step) {
    TensorId x = Embed(b, "encoder", step, table, sizes);
    for (ZooLstm& layer : encoded.layers) {
      x = layer.Step(step, {x});
    }
    outputs.push_back(
        b.Op(At("encoder/memory", step), "Unsqueeze", {x}, {sizes.batch, 1, sizes.hidden}));
  }
  encoded.memory = b.Concat("encoder/memory/concat", outputs, 1);
  return encoded;
}

class Attention {
 public:
  Attention(ZooBuilder& b, const Sizes& sizes, TensorId memory)
      : b_(b), sizes_(sizes), memory_(memory) {
    const std::int64_t hidden = sizes.hidden;
    query_ = b.Parameter("attention/query/weight", {hidden, hidden});
    score_ = b.Parameter("attention/score/weight", {hidden, 1});
    output_ = b.Parameter("attention/output/weight", {2 * hidden, hidden});
    keys_ = b.MatMul("attention/keys/matmul", memory,
                     b.Parameter("attention/keys/weight", {hidden, hidden}));
  }

  /// Looks at the memory with the decoder's output h. @return [batch, hidden]
  TensorId Step(std::size_t step, TensorId h) {
    const std::string s = At("attention", step);
    const std::int64_t batch = sizes_.batch;
    const auto steps = static_cast<std::int64_t>(sizes_.steps);
    const TensorId query = b_.MatMul(s + "/query", h, query_);
    const TensorId spread =
        b_.Op(s + "/unsqueeze", "Unsqueeze", {query}, {batch, 1, sizes_.hidden});
    const TensorId sum = b_.Like(s + "/add", "Add", {keys_, spread});
    const TensorId score = b_.MatMul(s + "/score", b_.Like(s + "/tanh", "Tanh", {sum}), score_);
    const TensorId row = b_.Op(s + "/row", "Reshape", {score}, {batch, 1, steps});
    const TensorId weights = b_.Like(s + "/softmax", "Softmax", {row});
    const TensorId context = b_.MatMul(s + "/context", weights, memory_);
    const TensorId flat = b_.Op(s + "/squeeze", "Squeeze", {context}, {batch, sizes_.hidden});
    return b_.MatMul(s + "/output", b_.Concat(s + "/concat", {flat, h}, 1), output_);
  }

 private:
  ZooBuilder& b_;
  const Sizes& sizes_;
  TensorId memory_, query_, score_, output_, keys_;
};

void Decode(ZooBuilder& b, const Sizes& sizes, const Encoded& encoded) {
  const TensorId table = b.Parameter("decoder/embedding/table", {sizes.vocab, sizes.hidden});
  const TensorId weight = b.Parameter("softmax/weight", {sizes.hidden, sizes.vocab});
  const TensorId bias = b.Parameter("softmax/bias", {sizes.vocab});
  std::vector<ZooLstm> layers = Stack(b, "decoder", sizes, 2 * sizes.hidden);
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    layers[layer].set_state(encoded.layers[layer].state());
  }
  Attention attention(b, sizes, encoded.memory);
  TensorId attended = b.Input("attention/initial", {sizes.batch, sizes.hidden});
  for (std::size_t step = 0; step < sizes.steps; ++step) {
    const TensorId words = Embed(b, "decoder", step, table, sizes);
    TensorId x = layers.front().Step(step, {words, attended});
    for (std::size_t layer = 1; layer < layers.size(); ++layer) {
      x = layers[layer].Step(step, {x});
    }
    attended = attention.Step(step, x);
    const TensorId product = b.MatMul(At("softmax", step) + "/matmul", attended, weight);
    b.MarkOutput(b.Like(At("softmax", step) + "/logits", "Add", {product, bias}));
  }
}

Graph Make(const ZooNumbers& numbers) {
  const Sizes sizes{numbers["batch"], numbers["layers"], numbers["hidden"], numbers["vocab"],
                    static_cast<std::size_t>(numbers["unroll"])};
  ZooBuilder b("nmt");
  Decode(b, sizes, Encode(b, sizes));
  return std::move(b).Build();
}

}  // namespace

ZooModel NmtModel() {
  return {"nmt", "LSTM translation model with attention, unrolled", "adam", kNumbers, Make};
}

}  // namespace placer
