// Structure-aware mutations of real models: whatever comes out is imported or refused in one line.

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <limits>

#include "graphs/base/error.h"
#include "graphs/base/rng.h"
#include "graphs/onnx_importer.h"
#include "tests/support/onnx_seeds.h"
#include "tests/support/onnx_text.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

constexpr int kMutants = 60;

using Mutation = std::function<void(onnx::GraphProto&, Rng&)>;

std::int64_t OddNumber(Rng& rng) {
  constexpr std::int64_t kOdd[] = {0,
                                   1,
                                   -1,
                                   2,
                                   -2,
                                   3,
                                   7,
                                   64,
                                   1000,
                                   std::int64_t{1} << 31,
                                   -(std::int64_t{1} << 31),
                                   std::int64_t{1} << 62,
                                   std::numeric_limits<std::int64_t>::max(),
                                   std::numeric_limits<std::int64_t>::min()};
  return kOdd[rng.Below(std::size(kOdd))];
}

template <typename Repeated>
auto* Any(Repeated* items, Rng& rng) {
  return items->empty()
             ? nullptr
             : items->Mutable(static_cast<int>(rng.Below(static_cast<std::size_t>(items->size()))));
}

void MutateAttribute(onnx::GraphProto& graph, Rng& rng) {
  auto* node = Any(graph.mutable_node(), rng);
  auto* attribute = node == nullptr ? nullptr : Any(node->mutable_attribute(), rng);
  if (attribute == nullptr) {
    return;
  }
  switch (rng.Below(6)) {
    case 0:
      attribute->add_ints(OddNumber(rng));
      break;
    case 1:
      attribute->clear_ints();
      break;
    case 2:
      attribute->set_type(static_cast<onnx::AttributeProto::AttributeType>(rng.Below(12)));
      break;
    case 3:
      attribute->set_name(rng.Below(2) == 0 ? "axis" : "strides");
      break;
    default:
      attribute->set_i(OddNumber(rng));
      if (attribute->ints_size() > 0) {
        attribute->set_ints(
            static_cast<int>(rng.Below(static_cast<std::size_t>(attribute->ints_size()))),
            OddNumber(rng));
      }
  }
}

void MutateInitializer(onnx::GraphProto& graph, Rng& rng) {
  auto* tensor = Any(graph.mutable_initializer(), rng);
  if (tensor == nullptr) {
    return;
  }
  if (tensor->int64_data_size() > 0 && rng.Below(4) != 0) {
    *Any(tensor->mutable_int64_data(), rng) = OddNumber(rng);
  } else if (tensor->dims_size() > 0 && rng.Below(2) == 0) {
    *Any(tensor->mutable_dims(), rng) = OddNumber(rng);
  } else if (rng.Below(2) == 0) {
    tensor->add_dims(OddNumber(rng));
  } else {
    tensor->set_data_type(static_cast<std::int32_t>(rng.Below(20)));
  }
}

void MutateInput(onnx::GraphProto& graph, Rng& rng) {
  auto* input = Any(graph.mutable_input(), rng);
  if (input == nullptr) {
    return;
  }
  auto* type = input->mutable_type()->mutable_tensor_type();
  switch (rng.Below(4)) {
    case 0:
      type->mutable_shape()->add_dim()->set_dim_value(OddNumber(rng));
      break;
    case 1:
      type->clear_shape();
      break;
    case 2:
      type->set_elem_type(static_cast<std::int32_t>(rng.Below(20)));
      break;
    default:
      if (auto* dim = Any(type->mutable_shape()->mutable_dim(), rng)) {
        dim->set_dim_value(OddNumber(rng));
      }
  }
}

void MutateEdge(onnx::GraphProto& graph, Rng& rng) {
  auto* node = Any(graph.mutable_node(), rng);
  const auto* other = Any(graph.mutable_node(), rng);
  if (node == nullptr) {
    return;
  }
  const std::string name = other->output_size() > 0 && rng.Below(4) != 0 ? other->output(0) : "";
  switch (rng.Below(4)) {
    case 0:
      node->add_input(name);
      break;
    case 1:
      node->add_output(name);
      break;
    case 2:
      if (node->input_size() > 0) {
        node->mutable_input()->RemoveLast();
      }
      break;
    default:
      if (auto* input = Any(node->mutable_input(), rng)) {
        *input = name;
      }
  }
}

void MutateNode(onnx::GraphProto& graph, Rng& rng) {
  auto* node = Any(graph.mutable_node(), rng);
  const auto* other = Any(graph.mutable_node(), rng);
  if (node == nullptr) {
    return;
  }
  switch (rng.Below(4)) {
    case 0:
      node->set_op_type(other->op_type());
      break;
    case 1:
      node->set_domain("com.example");
      break;
    case 2:
      *node->mutable_attribute() = other->attribute();
      break;
    default:
      graph.mutable_node()->RemoveLast();
  }
}

const Mutation kMutations[] = {MutateAttribute,   MutateAttribute, MutateInitializer,
                               MutateInitializer, MutateInput,     MutateEdge,
                               MutateNode};

/// @return the fault, if any
std::string ImportMutant(const test::TempDir& dir, onnx::ModelProto model, Rng& rng) {
  for (std::size_t changes = 1 + rng.Below(3); changes > 0; --changes) {
    kMutations[rng.Below(std::size(kMutations))](*model.mutable_graph(), rng);
  }
  const std::string path = test::WriteOnnx(dir, model);
  std::optional<std::int64_t> batch;
  if (rng.Below(3) == 0) {
    batch = 1 + static_cast<std::int64_t>(rng.Below(5));
  }
  try {
    const LoadedModel loaded = ImportOnnx(path, batch);
    EXPECT_GT(loaded.graph.num_ops(), 0U);
    return "";
  } catch (const InputError& error) {
    std::string message = error.what();
    EXPECT_EQ(message.find(path), 0U) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }
}

void FuzzFrom(const onnx::ModelProto& model, Seed seed) {
  const test::TempDir dir;
  int refused = 0;
  for (int mutant = 0; mutant < kMutants; ++mutant) {
    Rng rng(DeriveSeed(seed, mutant));
    SCOPED_TRACE(mutant);
    refused += ImportMutant(dir, model, rng).empty() ? 0 : 1;
  }
  // Both happen, or the mutations are no test.
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, kMutants);
}

TEST(OnnxFuzz, SmallModelsOfManyOps) {
  for (std::size_t i = 0; i < std::size(test::kOnnxSeeds); ++i) {
    const onnx::ModelProto model = test::ParseOnnxText(test::kOnnxSeeds[i], 17);
    const test::TempDir dir;
    EXPECT_NO_THROW((void)ImportOnnx(test::WriteOnnx(dir, model))) << i;
    FuzzFrom(model, DeriveSeed(1, i));
  }
}

TEST(OnnxFuzz, ShippedModels) {
  for (const std::string name : {"mobilenet_v3_large", "light_squeezenet"}) {
    std::ifstream file(std::string(SAMPLES_DIR) + "/" + name + ".onnx", std::ios::binary);
    onnx::ModelProto model;
    ASSERT_TRUE(model.ParseFromIstream(&file));
    FuzzFrom(model, DeriveSeed(2, name.size()));
  }
}

TEST(OnnxFuzz, TruncatedAndFlippedBytes) {
  const test::TempDir dir;
  const std::string whole = test::ParseOnnxText(test::kOnnxSeeds[0]).SerializeAsString();
  Rng rng(3);
  for (int i = 0; i < kMutants; ++i) {
    std::string bytes = whole.substr(0, rng.Below(2) == 0 ? rng.Below(whole.size()) : whole.size());
    for (std::size_t flips = rng.Below(4); flips > 0 && !bytes.empty(); --flips) {
      char& byte = bytes[rng.Below(bytes.size())];
      byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << rng.Below(8)));
    }
    try {
      (void)ImportOnnx(dir.Write("model.onnx", bytes));
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace placer
