#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "graphs/graph.h"
#include "graphs/op_rules.h"

namespace placer {

/// Small forward graphs with the costs of CostOf.
class Net {
 public:
  using Shape = std::vector<std::int64_t>;

  TensorId Input(const std::string& name, Shape shape, DataType dtype = DataType::kFloat32) {
    return Resident(name, OpRole::kInput, {.dtype = dtype, .shape = std::move(shape)});
  }
  TensorId Parameter(const std::string& name, Shape shape, DataType dtype = DataType::kFloat32) {
    return Resident(name, OpRole::kParameter, {.dtype = dtype, .shape = std::move(shape)});
  }
  OpId Add(const std::string& name, const std::string& type, const std::vector<TensorId>& inputs,
           std::vector<TensorSpec> outputs, std::int64_t kernel_elements = 1) {
    OpShapes shapes{.outputs = outputs, .kernel_elements = kernel_elements};
    for (const TensorId input : inputs) {
      shapes.inputs.push_back(builder_.tensor(input));
    }
    const OpCosts costs = CostOf(type, shapes);
    if (IsView(type)) {
      outputs.front().aliases_input = 0;
    }
    return builder_.AddOp({.name = name,
                           .type = type,
                           .op_class = costs.op_class,
                           .flops = costs.flops,
                           .traffic_bytes = costs.traffic_bytes},
                          inputs, std::move(outputs));
  }
  TensorId Op1(const std::string& name, const std::string& type,
               const std::vector<TensorId>& inputs, Shape shape, std::int64_t kernel_elements = 1) {
    return builder_.Output(Add(name, type, inputs, {{.shape = std::move(shape)}}, kernel_elements));
  }
  TensorId Output(OpId op, std::size_t index) { return builder_.Output(op, index); }
  void MarkOutput(TensorId tensor) { builder_.MarkGraphOutput(tensor); }
  Graph Build() { return std::move(builder_).Build(); }

 private:
  TensorId Resident(const std::string& name, OpRole role, TensorSpec spec) {
    return builder_.Output(
        builder_.AddOp({.name = name, .type = "Resident", .role = role}, {}, {std::move(spec)}));
  }
  GraphBuilder builder_{"net"};
};

inline std::string TensorName(const Graph& graph, TensorId id) {
  const Tensor& tensor = graph.tensor(id);
  const std::string& name = graph.op(tensor.producer).name;
  return tensor.output_index == 0 ? name : name + ":" + std::to_string(tensor.output_index);
}

/// "name = Type(input, input)" of every op that training added, in order.
inline std::vector<std::string> AddedByTraining(const Graph& graph) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const Op& op = graph.op(OpId(i));
    if (op.role != OpRole::kBackward && op.role != OpRole::kUpdate) {
      continue;
    }
    std::string line = op.name + " = " + op.type + "(";
    for (const TensorId input : graph.inputs(OpId(i))) {
      line += (line.back() == '(' ? "" : ", ") + TensorName(graph, input);
    }
    lines.push_back(line + ")");
  }
  return lines;
}

}  // namespace placer
