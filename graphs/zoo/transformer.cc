// A Transformer encoder (Vaswani et al. 2017, arXiv 1706.03762) that predicts a word at every
// position, normalised after each sum as there, with the Gelu of BERT (arXiv 1810.04805). The
// scaling of the scores is taken as part of the query's weights.
#include <array>

#include "graphs/base/error.h"
#include "graphs/detail/zoo_builder.h"
#include "graphs/detail/zoo_models.h"

namespace placer {
namespace {

using Shape = ZooBuilder::Shape;

constexpr std::array kNumbers = {
    ZooNumber{"batch", 32, 1, 65536, "sentences per step"},
    ZooNumber{"microbatches", 4, 1, 1024, "parts of the batch that run on their own"},
    ZooNumber{"layers", 6, 1, 1000, "encoder layers"},
    ZooNumber{"hidden", 1024, 1, 65536, "size of a position"},
    ZooNumber{"heads", 16, 1, 1024, "attention heads, a divisor of hidden"},
    ZooNumber{"seq", 128, 1, 65536, "positions of a sentence"},
    ZooNumber{"vocab", 32000, 2, 10000000, "words"},
};

struct Sizes {
  std::int64_t batch, hidden, heads, seq, vocab;
};

/// A fully connected layer whose parameters all microbatches share.
class Dense {
 public:
  Dense(ZooBuilder& b, const std::string& name, std::int64_t inputs, std::int64_t outputs)
      : weight_(b.Parameter(name + "/weight", {inputs, outputs})),
        bias_(b.Parameter(name + "/bias", {outputs})) {}
  TensorId Apply(ZooBuilder& b, const std::string& name, TensorId x) const {
    return b.Like(name + "/add_bias", "Add", {b.MatMul(name + "/matmul", x, weight_), bias_});
  }

 private:
  TensorId weight_, bias_;
};

class Norm {
 public:
  Norm(ZooBuilder& b, const std::string& name, std::int64_t hidden)
      : scale_(b.Parameter(name + "/scale", {hidden})),
        bias_(b.Parameter(name + "/bias", {hidden})) {}
  /// Of the sum of both.
  TensorId Apply(ZooBuilder& b, const std::string& name, TensorId x, TensorId residual) const {
    const TensorId sum = b.Like(name + "/add", "Add", {x, residual});
    return b.Like(name, "LayerNormalization", {sum, scale_, bias_});
  }

 private:
  TensorId scale_, bias_;
};

class EncoderLayer {
 public:
  EncoderLayer(ZooBuilder& b, std::string scope, const Sizes& sizes)
      : scope_(std::move(scope)),
        sizes_(sizes),
        query_(b, scope_ + "/attention/query", sizes.hidden, sizes.hidden),
        key_(b, scope_ + "/attention/key", sizes.hidden, sizes.hidden),
        value_(b, scope_ + "/attention/value", sizes.hidden, sizes.hidden),
        output_(b, scope_ + "/attention/output", sizes.hidden, sizes.hidden),
        norm1_(b, scope_ + "/attention/norm", sizes.hidden),
        expand_(b, scope_ + "/feed_forward/expand", sizes.hidden, 4 * sizes.hidden),
        reduce_(b, scope_ + "/feed_forward/reduce", 4 * sizes.hidden, sizes.hidden),
        norm2_(b, scope_ + "/feed_forward/norm", sizes.hidden) {}

  /// @param part  the scope of the microbatch, empty if there is only one
  TensorId Apply(ZooBuilder& b, const std::string& part, TensorId x) const {
    const std::string attention = scope_ + "/attention" + part;
    const TensorId attended = norm1_.Apply(b, attention + "/norm", Attend(b, attention, x), x);
    const std::string ff = scope_ + "/feed_forward" + part;
    const TensorId wide =
        b.Like(ff + "/gelu", "Gelu", {expand_.Apply(b, ff + "/expand", attended)});
    return norm2_.Apply(b, ff + "/norm", reduce_.Apply(b, ff + "/reduce", wide), attended);
  }

 private:
  TensorId Attend(ZooBuilder& b, const std::string& s, TensorId x) const {
    const std::int64_t depth = sizes_.hidden / sizes_.heads;
    const Shape split = {sizes_.batch, sizes_.heads, sizes_.seq, depth};
    const Shape turned = {sizes_.batch, sizes_.heads, depth, sizes_.seq};
    const TensorId q = Heads(b, s + "/query", query_.Apply(b, s + "/query", x), split);
    const TensorId k = Heads(b, s + "/key", key_.Apply(b, s + "/key", x), turned);
    const TensorId v = Heads(b, s + "/value", value_.Apply(b, s + "/value", x), split);
    const TensorId scores = b.Like(s + "/softmax", "Softmax", {b.MatMul(s + "/qk", q, k)});
    const TensorId mixed = b.MatMul(s + "/mix", scores, v);
    const TensorId back = b.Op(s + "/transpose", "Transpose", {mixed},
                               {sizes_.batch, sizes_.seq, sizes_.heads, depth});
    const TensorId flat = b.Op(s + "/reshape", "Reshape", {back}, b.shape(x));
    return output_.Apply(b, s + "/output", flat);
  }
  TensorId Heads(ZooBuilder& b, const std::string& s, TensorId x, const Shape& shape) const {
    const TensorId parts =
        b.Op(s + "/reshape", "Reshape", {x},
             {sizes_.batch, sizes_.seq, sizes_.heads, sizes_.hidden / sizes_.heads});
    return b.Op(s + "/transpose", "Transpose", {parts}, shape);
  }

  std::string scope_;
  Sizes sizes_;
  Dense query_, key_, value_, output_;
  Norm norm1_;
  Dense expand_, reduce_;
  Norm norm2_;
};

Graph Make(const ZooNumbers& numbers) {
  const std::int64_t parts = numbers["microbatches"];
  const Sizes sizes{numbers["batch"] / parts, numbers["hidden"], numbers["heads"], numbers["seq"],
                    numbers["vocab"]};
  if (sizes.hidden % sizes.heads != 0) {
    throw InputError("zoo parameter 'heads' is " + std::to_string(sizes.heads) +
                     ", expected a divisor of hidden = " + std::to_string(sizes.hidden));
  }
  if (numbers["batch"] % parts != 0) {
    throw InputError("zoo parameter 'microbatches' is " + std::to_string(parts) +
                     ", expected a divisor of batch = " + std::to_string(numbers["batch"]));
  }
  ZooBuilder b("transformer");
  const TensorId table = b.Parameter("embedding/table", {sizes.vocab, sizes.hidden});
  const TensorId position = b.Parameter("embedding/position", {sizes.seq, sizes.hidden});
  std::vector<EncoderLayer> layers;
  for (std::int64_t layer = 0; layer < numbers["layers"]; ++layer) {
    layers.emplace_back(b, "encoder/layer" + std::to_string(layer), sizes);
  }
  const Dense head(b, "softmax", sizes.hidden, sizes.vocab);
  for (std::int64_t part = 0; part < parts; ++part) {
    const std::string p = parts == 1 ? "" : "/m" + std::to_string(part);
    const TensorId words = b.Input("words" + p, {sizes.batch, sizes.seq}, DataType::kInt64);
    const TensorId looked_up = b.Op("embedding" + p + "/words", "Gather", {table, words},
                                    {sizes.batch, sizes.seq, sizes.hidden});
    TensorId x = b.Like("embedding" + p + "/add", "Add", {looked_up, position});
    for (const EncoderLayer& layer : layers) {
      x = layer.Apply(b, p, x);
    }
    b.MarkOutput(head.Apply(b, "softmax" + p, x));
  }
  return std::move(b).Build();
}

}  // namespace

ZooModel TransformerModel() {
  return {"transformer", "Transformer encoder with a word prediction", "adam", kNumbers, Make};
}

}  // namespace placer
