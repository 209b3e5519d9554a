#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "graphs/detail/gradient_table.h"
#include "graphs/graph.h"
#include "graphs/training.h"

namespace placer {

/// Makes one training graph: copies the forward graph, adds losses, walks it backward, adds
/// updates.
class TrainingGraphMaker {
 public:
  TrainingGraphMaker(const Graph& forward, const TrainingOptions& options)
      : forward_(forward),
        options_(options),
        builder_(forward.name()),
        needs_gradient_(forward.num_tensors(), 0),
        gradients_(forward.num_tensors()),
        has_marked_outputs_(std::any_of(forward.tensors().begin(), forward.tensors().end(),
                                        [](const Tensor& tensor) { return tensor.graph_output; })) {
  }

  Graph Make(std::vector<std::string>* warnings) &&;

 private:
  /// The gradients of a tensor that have arrived; more than one are added when it is asked for.
  struct Arrived {
    std::vector<TensorId> addends;
    std::size_t num_sums = 0;
  };

  void CopyForward();
  void FindTensorsThatNeedGradients();
  void AddLosses();
  void AddBackward(OpId op);
  void AddRow(OpId op, const GradientRow& row);
  void AddBackwardOp(OpId op, const GradientRow& row, const std::string& suffix, int each,
                     const std::vector<std::size_t>& targets);
  void AddUpdate(OpId parameter);

  [[nodiscard]] std::span<const GradientRow> RowsOf(OpId op);
  [[nodiscard]] std::vector<std::size_t> Targets(OpId op, const GradientRow& row) const;
  [[nodiscard]] std::vector<TensorId> Reads(OpId op, const GradientRow& row, int each);
  [[nodiscard]] TensorSpec GradientSpec(OpId op, const GradientRow& row, std::size_t input,
                                        const std::vector<TensorId>& reads) const;
  [[nodiscard]] std::int64_t WindowOf(OpId op) const;
  [[nodiscard]] bool IsSparseLookUp(OpId op) const;
  [[nodiscard]] static std::int64_t BytesOf(const TensorSpec& spec);
  /// The bytes of the tensors together, but at most `limit`.
  [[nodiscard]] std::int64_t BytesUpTo(std::int64_t limit,
                                       const std::vector<TensorId>& tensors) const;

  void Arrive(TensorId tensor, TensorId gradient);
  [[nodiscard]] std::optional<TensorId> GradientOf(TensorId tensor);
  TensorId AddSum(TensorId tensor);
  [[nodiscard]] TensorId PassOn(OpId op, const GradientRow& row, const std::string& suffix,
                                TensorId gradient, TensorId input);
  [[nodiscard]] TensorId Unbroadcast(OpId op, const std::string& suffix, TensorId gradient,
                                     TensorId like);

  OpId AddOp(const std::string& name, std::string_view type, OpRole role,
             const std::vector<TensorId>& inputs, std::vector<TensorSpec> outputs,
             std::int64_t kernel_elements = 1);
  [[nodiscard]] std::string UniqueName(const std::string& wanted);
  [[nodiscard]] std::string NameOf(TensorId tensor) const;
  [[nodiscard]] bool HasLoss(TensorId id) const;
  [[nodiscard]] bool Needs(TensorId tensor) const { return needs_gradient_[tensor.index()] != 0; }

  const Graph& forward_;
  const TrainingOptions& options_;
  GraphBuilder builder_;
  std::vector<char> needs_gradient_;
  std::vector<Arrived> gradients_;
  bool has_marked_outputs_;
  std::unordered_set<std::string> names_;
  std::map<std::string, std::size_t> unknown_types_;
};

}  // namespace placer
