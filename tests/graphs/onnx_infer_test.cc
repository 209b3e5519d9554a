#include "graphs/detail/onnx_infer.h"

#include <gtest/gtest.h>
#include <onnx/defs/schema.h>

#include <algorithm>
#include <deque>

#include "graphs/base/error.h"
#include "graphs/base/rng.h"

namespace placer::onnx_detail {
namespace {

/// A node of a schema with inputs and attributes that seldom suit it.
class RandomNode {
 public:
  RandomNode(const onnx::OpSchema& schema, Rng& rng) : rng_(rng) {
    node_.set_op_type(schema.Name());
    node_.set_domain(schema.domain());
    const int inputs = Between(schema.min_input(), std::min(schema.max_input(), 7));
    for (int i = 0; i < inputs; ++i) {
      AddInput();
    }
    const int outputs = Between(schema.min_output(), std::min(schema.max_output(), 4));
    for (int i = 0; i < outputs; ++i) {
      node_.add_output("o" + std::to_string(i));
    }
    for (const auto& [name, attribute] : schema.attributes()) {
      if (attribute.required || OneIn(2)) {
        AddAttribute(name, attribute.type);
      }
    }
  }

  [[nodiscard]] const onnx::NodeProto& node() const { return node_; }
  [[nodiscard]] const std::vector<NodeInput>& inputs() const { return inputs_; }

 private:
  int Between(int least, int most) {
    return least +
           static_cast<int>(rng_.Below(static_cast<std::uint64_t>(std::max(0, most - least) + 1)));
  }
  bool OneIn(int n) { return Between(1, n) == 1; }

  void AddInput() {
    node_.add_input(OneIn(12) ? "" : "i" + std::to_string(node_.input_size()));
    const bool has_data = OneIn(4);
    onnx::TypeProto& type = types_.emplace_back();
    onnx::TensorProto& data = data_.emplace_back();
    type.mutable_tensor_type()->set_elem_type(has_data ? onnx::TensorProto::INT64
                                                       : onnx::TensorProto::FLOAT);
    data.set_data_type(onnx::TensorProto::INT64);
    int elements = 1;
    for (int rank = has_data && !OneIn(4) ? 1 : Between(0, 4), dim = Between(1, 3); rank > 0;
         --rank) {
      type.mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(dim);
      data.add_dims(dim);
      elements *= dim;
    }
    type.mutable_tensor_type()->mutable_shape();
    for (int i = 0; i < elements; ++i) {
      data.add_int64_data(Between(-1, 3));
    }
    if (OneIn(12)) {
      type.mutable_tensor_type()->clear_shape();
    }
    const bool known = !node_.input(node_.input_size() - 1).empty() && !OneIn(12);
    inputs_.push_back({known ? &type : nullptr, known && has_data ? &data : nullptr});
  }

  void AddAttribute(const std::string& name, onnx::AttributeProto::AttributeType type) {
    onnx::AttributeProto& attribute = *node_.add_attribute();
    attribute.set_name(name);
    attribute.set_type(type);
    const int length = Between(0, 3);
    switch (type) {
      case onnx::AttributeProto::INT:
        attribute.set_i(Between(-7, 7));
        break;
      case onnx::AttributeProto::FLOAT:
        attribute.set_f(static_cast<float>(Between(-1, 2)));
        break;
      case onnx::AttributeProto::STRING:
        attribute.set_s("x");
        break;
      case onnx::AttributeProto::TENSOR:
        attribute.mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
        break;
      default:
        for (int i = 0; i < length; ++i) {
          attribute.add_ints(Between(-2, 3));
        }
    }
  }

  Rng& rng_;
  onnx::NodeProto node_;
  std::deque<onnx::TypeProto> types_;
  std::deque<onnx::TensorProto> data_;
  std::vector<NodeInput> inputs_;
};

/// libonnx's functions trust a model: some read dims that are not there or divide by what is zero.
TEST(InferNode, SurvivesEveryOpWhateverItsInputs) {
  Rng rng(1);
  int fit = 0;
  int refused = 0;
  for (const onnx::OpSchema& schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
    for (int i = 0; i < 100; ++i) {
      const RandomNode random(schema, rng);
      SCOPED_TRACE(random.node().ShortDebugString());
      try {
        const auto inferred = InferNode(random.node(), schema.SinceVersion(), random.inputs());
        EXPECT_EQ(inferred.outputs.size(), static_cast<std::size_t>(random.node().output_size()));
        ++fit;
      } catch (const InputError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(fit, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace placer::onnx_detail
