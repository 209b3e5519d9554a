// write_large_model onnx|graphdef NODES FILE: a residual network of convolutions of that many
// nodes, without weights, to measure how importers scale.

#include <onnx/onnx_pb.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "graphs/base/replace_file.h"
#include "graphs/detail/graphdef.pb.h"

namespace placer {
namespace {

constexpr int kChannels = 64, kSize = 56, kFilter = 3;

onnx::ValueInfoProto ImageOf(const std::string& name) {
  onnx::ValueInfoProto info;
  info.set_name(name);
  auto* type = info.mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  for (const int dim : {8, kChannels, kSize, kSize}) {
    type->mutable_shape()->add_dim()->set_dim_value(dim);
  }
  return info;
}

/// Conv, Relu, Add, over and over; every convolution has weights of its own.
std::string LargeOnnx(int nodes) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  auto& graph = *model.mutable_graph();
  graph.set_name("large");
  *graph.add_input() = ImageOf("image");
  std::string last = "image";
  std::string skip = last;
  for (int i = 0; i < nodes; ++i) {
    auto& node = *graph.add_node();
    node.set_name("layer" + std::to_string(i / 300) + "/node" + std::to_string(i));
    node.add_output("value" + std::to_string(i));
    node.add_input(last);
    if (i % 3 == 0) {
      node.set_op_type("Conv");
      auto& weight = *graph.add_initializer();
      weight.set_name("weight" + std::to_string(i));
      weight.set_data_type(onnx::TensorProto::FLOAT);
      for (const int dim : {kChannels, kChannels, kFilter, kFilter}) {
        weight.add_dims(dim);
      }
      node.add_input(weight.name());
      auto& pads = *node.add_attribute();
      pads.set_name("pads");
      pads.set_type(onnx::AttributeProto::INTS);
      for (int side = 0; side < 4; ++side) {
        pads.add_ints(1);
      }
    } else if (i % 3 == 1) {
      node.set_op_type("Relu");
    } else {
      node.set_op_type("Add");
      node.add_input(skip);
      skip = node.output(0);
    }
    last = node.output(0);
  }
  *graph.add_output() = ImageOf(last);
  return model.SerializeAsString();
}

void SetShape(tf::TensorShapeProto& shape, std::initializer_list<int> dims) {
  for (const int dim : dims) {
    shape.add_dim()->set_size(dim);
  }
}

tf::NodeDef& AddNode(tf::GraphDef& graph, const std::string& name, const std::string& op) {
  auto& node = *graph.add_node();
  node.set_name(name);
  node.set_op(op);
  (*node.mutable_attr())["T"].set_type(tf::DT_FLOAT);
  return node;
}

/// Const, Conv2D, Relu, AddV2, over and over.
std::string LargeGraphDef(int nodes) {
  tf::GraphDef graph;
  graph.mutable_versions()->set_producer(1087);
  auto& image = AddNode(graph, "image", "Placeholder");
  (*image.mutable_attr())["dtype"].set_type(tf::DT_FLOAT);
  SetShape(*(*image.mutable_attr())["shape"].mutable_shape(), {8, kSize, kSize, kChannels});
  std::string last = "image";
  std::string skip = last;
  for (int i = 1; i < nodes; ++i) {
    const std::string name = "layer" + std::to_string(i / 400) + "/node" + std::to_string(i);
    switch (i % 4) {
      case 1: {
        auto& weight = AddNode(graph, name, "Const");
        (*weight.mutable_attr())["dtype"].set_type(tf::DT_FLOAT);
        auto& value = *(*weight.mutable_attr())["value"].mutable_tensor();
        value.set_dtype(tf::DT_FLOAT);
        SetShape(*value.mutable_tensor_shape(), {kFilter, kFilter, kChannels, kChannels});
        continue;
      }
      case 2: {
        auto& conv = AddNode(graph, name, "Conv2D");
        conv.add_input(last);
        conv.add_input(graph.node(i - 1).name());
        (*conv.mutable_attr())["padding"].set_s("SAME");
        for (int dim = 0; dim < 4; ++dim) {
          (*conv.mutable_attr())["strides"].mutable_list()->add_i(1);
        }
        break;
      }
      case 3:
        AddNode(graph, name, "Relu").add_input(last);
        break;
      default: {
        auto& sum = AddNode(graph, name, "AddV2");
        sum.add_input(last);
        sum.add_input(skip);
        skip = name;
      }
    }
    last = name;
  }
  return graph.SerializeAsString();
}

}  // namespace
}  // namespace placer

int main(int argc, char** argv) {
  const std::string kind = argc == 4 ? argv[1] : "";
  const int nodes = argc == 4 ? std::atoi(argv[2]) : 0;
  if ((kind != "onnx" && kind != "graphdef") || nodes < 2) {
    std::cerr << "usage: write_large_model onnx|graphdef NODES FILE\n";
    return 2;
  }
  placer::ReplaceFile(argv[3],
                      kind == "onnx" ? placer::LargeOnnx(nodes) : placer::LargeGraphDef(nodes));
  return 0;
}
