// Inception-V3 (Szegedy et al. 2015, arXiv 1512.00567), layer by layer as in torchvision.
#include <array>

#include "graphs/detail/zoo_builder.h"
#include "graphs/detail/zoo_models.h"

namespace placer {
namespace {

using Window = ZooBuilder::Window;

constexpr std::array kNumbers = {
    ZooNumber{"batch", 32, 1, 65536, "images per step"},
    ZooNumber{"image", 299, 75, 4096, "height and width of an image"},
    ZooNumber{"classes", 1000, 2, 1000000, "classes to tell apart"},
    ZooNumber{"aux", 0, 0, 1, "1: with the auxiliary classifier"},
};

constexpr Window k1x1 = {};
constexpr Window k3x3 = {3, 3, 1, 1, 1};
constexpr Window k3x3Stride2 = {3, 3, 2, 0, 0};
constexpr Window k5x5 = {5, 5, 1, 2, 2};
constexpr Window k1x7 = {1, 7, 1, 0, 3};
constexpr Window k7x1 = {7, 1, 1, 3, 0};
constexpr Window k1x3 = {1, 3, 1, 0, 1};
constexpr Window k3x1 = {3, 1, 1, 1, 0};

/// A branch of a block: convolutions one after the other.
class Branch {
 public:
  Branch(ZooBuilder& builder, std::string scope, TensorId x)
      : builder_(builder), scope_(std::move(scope)), x_(x) {}
  Branch& Conv(std::int64_t channels, Window window) {
    x_ = builder_.ConvBn(scope_ + "/" + std::to_string(next_++), x_, channels, window);
    return *this;
  }
  Branch& Pool(std::string_view type, Window window) {
    x_ = builder_.Pool(scope_ + "/pool", type, x_, window);
    return *this;
  }
  /// Two convolutions side by side.
  Branch& Fork(std::int64_t channels, Window a, Window b) {
    const std::string scope = scope_ + "/" + std::to_string(next_++);
    const TensorId left = builder_.ConvBn(scope + "a", x_, channels, a);
    const TensorId right = builder_.ConvBn(scope + "b", x_, channels, b);
    x_ = builder_.Concat(scope + "/concat", {left, right}, 1);
    return *this;
  }
  [[nodiscard]] TensorId End() const { return x_; }

 private:
  ZooBuilder& builder_;
  std::string scope_;
  TensorId x_;
  int next_ = 1;
};

TensorId BlockA(ZooBuilder& b, const std::string& s, TensorId x, std::int64_t pool_features) {
  return b.Concat(
      s + "/concat",
      {Branch(b, s + "/branch1x1", x).Conv(64, k1x1).End(),
       Branch(b, s + "/branch5x5", x).Conv(48, k1x1).Conv(64, k5x5).End(),
       Branch(b, s + "/branch3x3dbl", x).Conv(64, k1x1).Conv(96, k3x3).Conv(96, k3x3).End(),
       Branch(b, s + "/branch_pool", x).Pool("AveragePool", k3x3).Conv(pool_features, k1x1).End()},
      1);
}

TensorId BlockB(ZooBuilder& b, const std::string& s, TensorId x) {
  return b.Concat(
      s + "/concat",
      {Branch(b, s + "/branch3x3", x).Conv(384, k3x3Stride2).End(),
       Branch(b, s + "/branch3x3dbl", x).Conv(64, k1x1).Conv(96, k3x3).Conv(96, k3x3Stride2).End(),
       Branch(b, s + "/branch_pool", x).Pool("MaxPool", k3x3Stride2).End()},
      1);
}

TensorId BlockC(ZooBuilder& b, const std::string& s, TensorId x, std::int64_t c) {
  return b.Concat(
      s + "/concat",
      {Branch(b, s + "/branch1x1", x).Conv(192, k1x1).End(),
       Branch(b, s + "/branch7x7", x).Conv(c, k1x1).Conv(c, k1x7).Conv(192, k7x1).End(),
       Branch(b, s + "/branch7x7dbl", x)
           .Conv(c, k1x1)
           .Conv(c, k7x1)
           .Conv(c, k1x7)
           .Conv(c, k7x1)
           .Conv(192, k1x7)
           .End(),
       Branch(b, s + "/branch_pool", x).Pool("AveragePool", k3x3).Conv(192, k1x1).End()},
      1);
}

TensorId BlockD(ZooBuilder& b, const std::string& s, TensorId x) {
  return b.Concat(s + "/concat",
                  {Branch(b, s + "/branch3x3", x).Conv(192, k1x1).Conv(320, k3x3Stride2).End(),
                   Branch(b, s + "/branch7x7x3", x)
                       .Conv(192, k1x1)
                       .Conv(192, k1x7)
                       .Conv(192, k7x1)
                       .Conv(192, k3x3Stride2)
                       .End(),
                   Branch(b, s + "/branch_pool", x).Pool("MaxPool", k3x3Stride2).End()},
                  1);
}

TensorId BlockE(ZooBuilder& b, const std::string& s, TensorId x) {
  return b.Concat(
      s + "/concat",
      {Branch(b, s + "/branch1x1", x).Conv(320, k1x1).End(),
       Branch(b, s + "/branch3x3", x).Conv(384, k1x1).Fork(384, k1x3, k3x1).End(),
       Branch(b, s + "/branch3x3dbl", x)
           .Conv(448, k1x1)
           .Conv(384, k3x3)
           .Fork(384, k1x3, k3x1)
           .End(),
       Branch(b, s + "/branch_pool", x).Pool("AveragePool", k3x3).Conv(192, k1x1).End()},
      1);
}

Graph Make(const ZooNumbers& numbers) {
  ZooBuilder b("inception_v3");
  const TensorId images =
      b.Input("images", {numbers["batch"], 3, numbers["image"], numbers["image"]});
  TensorId x = Branch(b, "stem/a", images)
                   .Conv(32, k3x3Stride2)
                   .Conv(32, Window::Square(3))
                   .Conv(64, k3x3)
                   .Pool("MaxPool", k3x3Stride2)
                   .End();
  x = Branch(b, "stem/b", x)
          .Conv(80, k1x1)
          .Conv(192, Window::Square(3))
          .Pool("MaxPool", k3x3Stride2)
          .End();
  x = BlockA(b, "mixed_5b", x, 32);
  x = BlockA(b, "mixed_5c", x, 64);
  x = BlockA(b, "mixed_5d", x, 64);
  x = BlockB(b, "mixed_6a", x);
  x = BlockC(b, "mixed_6b", x, 128);
  x = BlockC(b, "mixed_6c", x, 160);
  x = BlockC(b, "mixed_6d", x, 160);
  x = BlockC(b, "mixed_6e", x, 192);
  if (numbers["aux"] != 0) {
    const TensorId aux = Branch(b, "aux", x)
                             .Pool("AveragePool", Window::Square(5, 3))
                             .Conv(128, k1x1)
                             .Conv(768, Window::Square(5))
                             .End();
    b.MarkOutput(b.Classifier("aux/classifier", aux, numbers["classes"]));
  }
  x = BlockD(b, "mixed_7a", x);
  x = BlockE(b, "mixed_7b", x);
  x = BlockE(b, "mixed_7c", x);
  b.MarkOutput(b.Classifier("classifier", x, numbers["classes"]));
  return std::move(b).Build();
}

}  // namespace

ZooModel InceptionV3Model() {
  return {"inception_v3", "Inception-V3 image classifier", "momentum", kNumbers, Make};
}

}  // namespace placer
