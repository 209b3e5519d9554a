// ResNet-50 (He et al. 2015, arXiv 1512.03385), with the stride in the 3x3 convolution as
// torchvision has it.
#include <array>

#include "graphs/detail/zoo_builder.h"
#include "graphs/detail/zoo_models.h"

namespace placer {
namespace {

using Window = ZooBuilder::Window;

constexpr std::array kNumbers = {
    ZooNumber{"batch", 32, 1, 65536, "images per step"},
    ZooNumber{"image", 224, 32, 4096, "height and width of an image"},
    ZooNumber{"classes", 1000, 2, 1000000, "classes to tell apart"},
};

TensorId Bottleneck(ZooBuilder& b, const std::string& name, TensorId x, std::int64_t width,
                    std::int64_t stride, bool project) {
  const std::int64_t channels = 4 * width;
  const TensorId shortcut =
      project ? b.ConvBn(name + "/shortcut", x, channels, Window::Square(1, stride), false) : x;
  TensorId y = b.ConvBn(name + "/a", x, width, Window::Square(1));
  y = b.ConvBn(name + "/b", y, width, Window::Square(3, stride, 1));
  y = b.ConvBn(name + "/c", y, channels, Window::Square(1), false);
  return b.Like(name + "/relu", "Relu", {b.Like(name + "/add", "Add", {y, shortcut})});
}

Graph Make(const ZooNumbers& numbers) {
  ZooBuilder b("resnet50");
  TensorId x = b.Input("images", {numbers["batch"], 3, numbers["image"], numbers["image"]});
  x = b.ConvBn("stem", x, 64, Window::Square(7, 2, 3));
  x = b.Pool("stem/maxpool", "MaxPool", x, Window::Square(3, 2, 1));
  constexpr std::array<std::int64_t, 4> kBlocks = {3, 4, 6, 3};
  std::int64_t width = 64;
  for (std::size_t stage = 0; stage < kBlocks.size(); ++stage, width *= 2) {
    for (std::int64_t block = 0; block < kBlocks[stage]; ++block) {
      const std::string name =
          "stage" + std::to_string(stage + 1) + "/block" + std::to_string(block);
      x = Bottleneck(b, name, x, width, stage > 0 && block == 0 ? 2 : 1, block == 0);
    }
  }
  b.MarkOutput(b.Classifier("classifier", x, numbers["classes"]));
  return std::move(b).Build();
}

}  // namespace

ZooModel Resnet50Model() {
  return {"resnet50", "ResNet-50 image classifier", "momentum", kNumbers, Make};
}

}  // namespace placer
