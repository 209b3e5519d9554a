// The recurrent language model of arXiv 1706.04972 (after Jozefowicz et al. 2016, arXiv
// 1602.02410): stacked LSTM layers, unrolled; every step predicts the next word by itself.
#include <array>

#include "graphs/detail/zoo_builder.h"
#include "graphs/detail/zoo_lstm.h"
#include "graphs/detail/zoo_models.h"

namespace placer {
namespace {

constexpr std::array kNumbers = {
    ZooNumber{"batch", 64, 1, 65536, "sentences per step"},
    ZooNumber{"layers", 2, 1, 64, "LSTM layers"},
    ZooNumber{"hidden", 2048, 1, 65536, "size of embedding and state"},
    ZooNumber{"unroll", 40, 1, 1000, "time steps"},
    ZooNumber{"vocab", 10000, 2, 10000000, "words"},
};

Graph Make(const ZooNumbers& numbers) {
  const std::int64_t batch = numbers["batch"];
  const std::int64_t hidden = numbers["hidden"];
  const std::int64_t vocab = numbers["vocab"];
  ZooBuilder b("rnnlm");
  const TensorId embedding = b.Parameter("embedding/table", {vocab, hidden});
  const TensorId weight = b.Parameter("softmax/weight", {hidden, vocab});
  const TensorId bias = b.Parameter("softmax/bias", {vocab});
  std::vector<ZooLstm> layers;
  for (std::int64_t layer = 0; layer < numbers["layers"]; ++layer) {
    layers.emplace_back(b, "lstm" + std::to_string(layer), batch, hidden, hidden);
  }
  for (std::size_t step = 0; step < static_cast<std::size_t>(numbers["unroll"]); ++step) {
    const std::string t = "/t" + std::to_string(step);
    const TensorId words = b.Input("words" + t, {batch}, DataType::kInt64);
    TensorId x = b.Op("embedding" + t, "Gather", {embedding, words}, {batch, hidden});
    for (ZooLstm& layer : layers) {
      x = layer.Step(step, {x});
    }
    const TensorId product = b.MatMul("softmax" + t + "/matmul", x, weight);
    b.MarkOutput(b.Like("softmax" + t + "/logits", "Add", {product, bias}));
  }
  return std::move(b).Build();
}

}  // namespace

ZooModel RnnlmModel() { return {"rnnlm", "LSTM language model, unrolled", "sgd", kNumbers, Make}; }

}  // namespace placer
