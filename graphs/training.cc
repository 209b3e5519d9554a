#include "graphs/training.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/detail/gradient_table.h"
#include "graphs/op_rules.h"

namespace placer {
namespace {

using Of = GradientTerm::Of;

constexpr std::array<std::string_view, 3> kOptimizerNames = {"sgd", "momentum", "adam"};
constexpr std::array<std::string_view, 3> kUpdateTypes = {"SgdUpdate", "MomentumUpdate",
                                                          "AdamUpdate"};
/// Values kept per parameter element: none; the velocity; both moments (Kingma and Ba 2015).
constexpr std::array<std::int64_t, 3> kStateTensors = {0, 1, 2};

/// Every type without rules reads all it might need and costs what two forward ops cost, as a
/// product's backward ops do.
constexpr std::array kGenericRows = {
    GradientRow{"", "", "grad", "dY X*", "X*", GradientKind::kOp, GradientCost::kTwiceForward}};

bool IsFloat(DataType dtype) {
  return dtype == DataType::kFloat32 || dtype == DataType::kFloat64 ||
         dtype == DataType::kFloat16 || dtype == DataType::kBFloat16;
}

std::int64_t Twice(std::int64_t value, const std::string& op) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(value, 2, &result)) {
    throw InputError("op '" + op + "': the cost of its gradient is beyond 64 bits");
  }
  return result;
}

std::int64_t BytesOf(const TensorSpec& spec) {
  return spec.bytes ? *spec.bytes : NumElements(spec.shape) * SizeOf(spec.dtype);
}

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
  [[nodiscard]] bool IsSparseLookUp(OpId op) const;
  [[nodiscard]] std::int64_t BytesUpTo(std::int64_t limit,
                                       const std::vector<TensorId>& tensors) const;

  void Arrive(TensorId tensor, TensorId gradient);
  [[nodiscard]] std::optional<TensorId> GradientOf(TensorId tensor);
  TensorId AddSum(TensorId tensor);
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

void TrainingGraphMaker::CopyForward() {
  for (std::size_t i = 0; i < forward_.num_ops(); ++i) {
    const OpId id(i);
    const Op& op = forward_.op(id);
    if (op.role == OpRole::kBackward || op.role == OpRole::kUpdate) {
      throw InputError("op '" + op.name + "': is a " + std::string(Name(op.role)) +
                       " op, expected a graph without backward and update ops");
    }
    std::vector<TensorSpec> outputs;
    for (std::size_t o = 0; o < forward_.num_outputs(id); ++o) {
      const TensorId tensor_id(forward_.first_output(id).index() + o);
      const Tensor& tensor = forward_.tensor(tensor_id);
      TensorSpec spec{.dtype = tensor.dtype,
                      .shape = tensor.shape,
                      .bytes = tensor.bytes,
                      // The step yields the loss, not what the loss reads.
                      .graph_output = tensor.graph_output && !HasLoss(tensor_id)};
      if (tensor.storage != tensor_id) {
        const auto inputs = forward_.inputs(id);
        spec.aliases_input = static_cast<std::size_t>(
            std::find_if(
                inputs.begin(), inputs.end(),
                [&](TensorId in) { return forward_.tensor(in).storage == tensor.storage; }) -
            inputs.begin());
      }
      outputs.push_back(std::move(spec));
    }
    const auto inputs = forward_.inputs(id);
    const auto controls = forward_.control_inputs(id);
    names_.insert(op.name);
    builder_.AddOp(op, {inputs.begin(), inputs.end()}, std::move(outputs),
                   {controls.begin(), controls.end()});
  }
}

std::span<const GradientRow> TrainingGraphMaker::RowsOf(OpId op) {
  const auto rows = GradientRowsOf(forward_.op(op).type);
  return rows ? *rows : std::span<const GradientRow>(kGenericRows);
}

std::vector<std::size_t> TrainingGraphMaker::Targets(OpId op, const GradientRow& row) const {
  const auto inputs = forward_.inputs(op);
  std::vector<std::size_t> targets;
  for (const GradientTerm& term : ParseGradientTerms(row.gives)) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if ((term.index < 0 || static_cast<std::size_t>(term.index) == i) && Needs(inputs[i])) {
        targets.push_back(i);
      }
    }
  }
  return targets;
}

/// A float parameter needs a gradient, and so does every float output that depends on one by an op
/// through which gradients flow.
void TrainingGraphMaker::FindTensorsThatNeedGradients() {
  for (std::size_t i = 0; i < forward_.num_ops(); ++i) {
    const OpId op(i);
    const OpRole role = forward_.op(op).role;
    bool needs = role == OpRole::kParameter;
    if (role == OpRole::kForward) {
      const auto rows = RowsOf(op);
      needs = std::any_of(rows.begin(), rows.end(),
                          [&](const GradientRow& row) { return !Targets(op, row).empty(); });
    }
    for (std::size_t o = 0; needs && o < forward_.num_outputs(op); ++o) {
      const std::size_t tensor = forward_.first_output(op).index() + o;
      needs_gradient_[tensor] = IsFloat(forward_.tensors()[tensor].dtype) ? 1 : 0;
    }
  }
}

/// Every output that can be trained gets a loss; without marked outputs, what nobody reads.
bool TrainingGraphMaker::HasLoss(TensorId id) const {
  const Tensor& tensor = forward_.tensor(id);
  const bool is_output = has_marked_outputs_ ? tensor.graph_output : forward_.consumers(id).empty();
  return is_output && Needs(id) && !forward_.is_resident(tensor.producer);
}

void TrainingGraphMaker::AddLosses() {
  std::vector<TensorId> losses;
  for (std::size_t i = 0; i < forward_.num_tensors(); ++i) {
    const TensorId id(i);
    const Tensor& tensor = forward_.tensor(id);
    if (!HasLoss(id)) {
      continue;
    }
    const OpId loss = AddOp(
        "loss/" + NameOf(id), "Loss", OpRole::kBackward, {id},
        {{.dtype = tensor.dtype, .shape = {}}, {.dtype = tensor.dtype, .shape = tensor.shape}});
    losses.push_back(builder_.Output(loss, 0));
    Arrive(id, builder_.Output(loss, 1));
  }
  if (losses.empty()) {
    throw InputError("graph '" + forward_.name() +
                     "': nothing to train, expected a float output that depends on a parameter");
  }
  TensorId total = losses.front();
  if (losses.size() > 1) {
    const DataType dtype = builder_.tensor(total).dtype;
    total = builder_.Output(AddOp("loss", "Sum", OpRole::kBackward, losses, {{.dtype = dtype}}));
  }
  builder_.MarkGraphOutput(total);
}

void TrainingGraphMaker::AddBackward(OpId op) {
  bool reached = false;
  for (std::size_t o = 0; o < forward_.num_outputs(op); ++o) {
    reached |= !gradients_[forward_.first_output(op).index() + o].addends.empty();
  }
  if (!reached) {
    return;
  }
  if (!GradientRowsOf(forward_.op(op).type)) {
    ++unknown_types_[forward_.op(op).type];
  }
  for (const GradientRow& row : RowsOf(op)) {
    AddRow(op, row);
  }
}

void TrainingGraphMaker::AddRow(OpId op, const GradientRow& row) {
  const std::vector<std::size_t> targets = Targets(op, row);
  if (targets.empty()) {
    return;
  }
  if (ParseGradientTerms(row.gives).front().index != GradientTerm::kEach) {
    AddBackwardOp(op, row, std::string(row.suffix), 0, targets);
    return;
  }
  for (const std::size_t target : targets) {
    AddBackwardOp(op, row, std::string(row.suffix) + std::to_string(target),
                  static_cast<int>(target), {target});
  }
}

std::vector<TensorId> TrainingGraphMaker::Reads(OpId op, const GradientRow& row, int each) {
  const auto inputs = forward_.inputs(op);
  std::vector<TensorId> outputs;
  for (std::size_t o = 0; o < forward_.num_outputs(op); ++o) {
    outputs.emplace_back(forward_.first_output(op).index() + o);
  }
  std::vector<TensorId> reads;
  for (const GradientTerm& term : ParseGradientTerms(row.reads)) {
    if (term.of == Of::kGradient) {
      for (const TensorId output : outputs) {
        if (const auto gradient = GradientOf(output)) {
          reads.push_back(*gradient);
        }
      }
      continue;
    }
    const std::span<const TensorId> from =
        term.of == Of::kInput ? inputs : std::span<const TensorId>(outputs);
    const int index = term.index == GradientTerm::kEach ? each : term.index;
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (index == GradientTerm::kAll || static_cast<std::size_t>(index) == i) {
        reads.push_back(from[i]);
      }
    }
  }
  return reads;
}

/// A look-up along the first dimension of a parameter itself touches few of its rows.
bool TrainingGraphMaker::IsSparseLookUp(OpId op) const {
  const auto inputs = forward_.inputs(op);
  if (inputs.size() != 2 || forward_.num_outputs(op) != 1) {
    return false;
  }
  const Tensor& table = forward_.tensor(inputs[0]);
  std::vector<std::int64_t> rows = forward_.tensor(inputs[1]).shape;
  if (forward_.op(table.producer).role != OpRole::kParameter || table.shape.empty()) {
    return false;
  }
  rows.insert(rows.end(), table.shape.begin() + 1, table.shape.end());
  return rows == forward_.tensor(forward_.first_output(op)).shape;
}

TensorSpec TrainingGraphMaker::GradientSpec(OpId op, const GradientRow& row, std::size_t input,
                                            const std::vector<TensorId>& reads) const {
  const Tensor& like = forward_.tensor(forward_.inputs(op)[input]);
  if (row.kind == GradientKind::kElementwise) {
    return {.dtype = like.dtype, .shape = forward_.tensor(forward_.first_output(op)).shape};
  }
  TensorSpec spec{.dtype = like.dtype, .shape = like.shape, .bytes = like.bytes};
  if (row.kind == GradientKind::kLookUp && IsSparseLookUp(op)) {
    spec.bytes = BytesUpTo(like.bytes, reads);
  }
  return spec;
}

void TrainingGraphMaker::AddBackwardOp(OpId op, const GradientRow& row, const std::string& suffix,
                                       int each, const std::vector<std::size_t>& targets) {
  const auto inputs = forward_.inputs(op);
  const std::string& name = forward_.op(op).name;
  const std::vector<TensorId> reads = Reads(op, row, each);
  if (row.kind == GradientKind::kPass || row.kind == GradientKind::kView) {
    for (const std::size_t target : targets) {
      const Tensor& like = forward_.tensor(inputs[target]);
      TensorId gradient = reads.front();
      if (row.kind == GradientKind::kPass) {
        gradient = Unbroadcast(op, suffix, gradient, inputs[target]);
      } else if (builder_.tensor(gradient).shape != like.shape) {
        gradient = builder_.Output(
            AddOp(name + "/" + suffix, "Reshape", OpRole::kBackward, {gradient},
                  {{.dtype = like.dtype, .shape = like.shape, .aliases_input = 0}}));
      }
      Arrive(inputs[target], gradient);
    }
    return;
  }
  std::vector<TensorSpec> outputs;
  for (const std::size_t target : targets) {
    outputs.push_back(GradientSpec(op, row, target, reads));
  }
  const Op& source = forward_.op(op);
  const std::int64_t elements =
      std::max<std::int64_t>(1, NumElements(forward_.tensor(forward_.first_output(op)).shape));
  const std::int64_t window =
      source.op_class == OpClass::kPooling ? std::max<std::int64_t>(1, source.flops / elements) : 1;
  const std::string type = row.type.empty() ? source.type + "Grad" : std::string(row.type);
  const OpId backward =
      AddOp(name + "/" + suffix, type, OpRole::kBackward, reads, std::move(outputs), window);
  if (row.cost != GradientCost::kTable) {
    const bool twice = row.cost == GradientCost::kTwiceForward;
    Op& made = builder_.mutable_op(backward);
    made.op_class = source.op_class;
    made.flops = twice ? Twice(source.flops, name) : source.flops;
    made.traffic_bytes = twice ? Twice(source.traffic_bytes, name) : source.traffic_bytes;
    made.workspace_bytes = source.workspace_bytes;
  }
  for (std::size_t t = 0; t < targets.size(); ++t) {
    TensorId gradient = builder_.Output(backward, t);
    if (row.kind == GradientKind::kElementwise) {
      gradient = Unbroadcast(op, suffix + "_sum", gradient, inputs[targets[t]]);
    }
    Arrive(inputs[targets[t]], gradient);
  }
}

/// The bytes of the tensors together, but at most `limit`.
std::int64_t TrainingGraphMaker::BytesUpTo(std::int64_t limit,
                                           const std::vector<TensorId>& tensors) const {
  std::int64_t room = limit;
  for (const TensorId tensor : tensors) {
    room -= std::min(room, BytesOf(builder_.tensor(tensor)));
  }
  return limit - room;
}

TensorId TrainingGraphMaker::Unbroadcast(OpId op, const std::string& suffix, TensorId gradient,
                                         TensorId like) {
  const Tensor& target = forward_.tensor(like);
  if (builder_.tensor(gradient).shape == target.shape) {
    return gradient;
  }
  return builder_.Output(AddOp(forward_.op(op).name + "/" + suffix, "ReduceSum", OpRole::kBackward,
                               {gradient}, {{.dtype = target.dtype, .shape = target.shape}}));
}

void TrainingGraphMaker::Arrive(TensorId tensor, TensorId gradient) {
  Arrived& arrived = gradients_[tensor.index()];
  arrived.addends.push_back(gradient);
  if (options_.max_addends > 0 && arrived.addends.size() == options_.max_addends) {
    arrived.addends = {AddSum(tensor)};
  }
}

std::optional<TensorId> TrainingGraphMaker::GradientOf(TensorId tensor) {
  Arrived& arrived = gradients_[tensor.index()];
  if (arrived.addends.empty()) {
    return std::nullopt;
  }
  if (arrived.addends.size() > 1) {
    arrived.addends = {AddSum(tensor)};
  }
  return arrived.addends.front();
}

TensorId TrainingGraphMaker::AddSum(TensorId id) {
  Arrived& arrived = gradients_[id.index()];
  const Tensor& tensor = forward_.tensor(id);
  // Sparse addends may add up to less than the dense gradient.
  const std::int64_t bytes = BytesUpTo(tensor.bytes, arrived.addends);
  std::string name = NameOf(id) + "/grad_sum";
  if (++arrived.num_sums > 1) {
    name += std::to_string(arrived.num_sums);
  }
  return builder_.Output(AddOp(name, "Sum", OpRole::kBackward, arrived.addends,
                               {{.dtype = tensor.dtype, .shape = tensor.shape, .bytes = bytes}}));
}

void TrainingGraphMaker::AddUpdate(OpId parameter) {
  const TensorId value = forward_.first_output(parameter);
  const auto gradient = GradientOf(value);
  if (!gradient) {
    return;
  }
  const auto optimizer = static_cast<std::size_t>(options_.optimizer);
  const Tensor& tensor = forward_.tensor(value);
  std::string& group = builder_.mutable_op(parameter).colocation_group;
  if (group.empty()) {
    group = "parameter:" + builder_.op(parameter).name;
  }
  // A sparse gradient touches as many bytes of the parameter and its state as it has itself.
  const std::int64_t gradient_bytes = BytesOf(builder_.tensor(*gradient));
  const std::int64_t touched = std::min(gradient_bytes, tensor.bytes);
  const std::int64_t size = std::max<std::int64_t>(1, SizeOf(tensor.dtype));
  const TensorSpec part{.dtype = tensor.dtype, .shape = {touched / size}, .bytes = touched};
  OpShapes shapes{.inputs = {part, builder_.tensor(*gradient)}, .outputs = {part}};
  for (std::int64_t s = 0; s < kStateTensors[optimizer]; ++s) {
    shapes.inputs.push_back(part);
    shapes.outputs.push_back(part);
  }
  const OpCosts costs = CostOf(kUpdateTypes[optimizer], shapes);
  Op update{.name = UniqueName(builder_.op(parameter).name + "/update"),
            .type = std::string(kUpdateTypes[optimizer]),
            .op_class = costs.op_class,
            .role = OpRole::kUpdate,
            .flops = costs.flops,
            .traffic_bytes = costs.traffic_bytes,
            .colocation_group = group};
  for (std::int64_t s = 0; s < kStateTensors[optimizer]; ++s) {
    if (__builtin_add_overflow(update.persistent_bytes, tensor.bytes, &update.persistent_bytes)) {
      throw InputError("op '" + update.name + "': optimizer state is beyond 64 bits");
    }
  }
  builder_.AddOp(std::move(update), {value, *gradient}, {});
}

OpId TrainingGraphMaker::AddOp(const std::string& name, std::string_view type, OpRole role,
                               const std::vector<TensorId>& inputs, std::vector<TensorSpec> outputs,
                               std::int64_t kernel_elements) {
  OpShapes shapes{.outputs = outputs, .kernel_elements = kernel_elements};
  for (const TensorId input : inputs) {
    shapes.inputs.push_back(builder_.tensor(input));
  }
  const OpCosts costs = CostOf(type, shapes);
  Op op{.name = UniqueName(name),
        .type = std::string(type),
        .op_class = costs.op_class,
        .role = role,
        .flops = costs.flops,
        .traffic_bytes = costs.traffic_bytes};
  return builder_.AddOp(std::move(op), inputs, std::move(outputs));
}

std::string TrainingGraphMaker::UniqueName(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 2; !names_.insert(name).second; ++i) {
    name = wanted + "_" + std::to_string(i);
  }
  return name;
}

std::string TrainingGraphMaker::NameOf(TensorId id) const {
  const Tensor& tensor = forward_.tensor(id);
  const std::string& name = forward_.op(tensor.producer).name;
  return tensor.output_index == 0 ? name : name + ":" + std::to_string(tensor.output_index);
}

Graph TrainingGraphMaker::Make(std::vector<std::string>* warnings) && {
  FindTensorsThatNeedGradients();
  CopyForward();
  AddLosses();
  for (std::size_t i = forward_.num_ops(); i-- > 0;) {
    if (forward_.op(OpId(i)).role == OpRole::kForward) {
      AddBackward(OpId(i));
    }
  }
  for (std::size_t i = 0; i < forward_.num_ops(); ++i) {
    if (forward_.op(OpId(i)).role == OpRole::kParameter && forward_.num_outputs(OpId(i)) > 0) {
      AddUpdate(OpId(i));
    }
  }
  if (warnings != nullptr) {
    for (const auto& [type, count] : unknown_types_) {
      warnings->push_back("op type '" + type + "' has no backward rule: " + std::to_string(count) +
                          (count == 1 ? " op" : " ops") +
                          " got a generic gradient that costs twice the forward op");
    }
  }
  return std::move(builder_).Build();
}

}  // namespace

std::string_view Name(Optimizer optimizer) noexcept {
  return kOptimizerNames[static_cast<std::size_t>(optimizer)];
}

std::optional<Optimizer> ParseOptimizer(std::string_view name) noexcept {
  const auto it = std::find(kOptimizerNames.begin(), kOptimizerNames.end(), name);
  if (it == kOptimizerNames.end()) {
    return std::nullopt;
  }
  return static_cast<Optimizer>(it - kOptimizerNames.begin());
}

Graph MakeTrainingGraph(const Graph& forward, const TrainingOptions& options,
                        std::vector<std::string>* warnings) {
  if (options.max_addends == 1) {
    throw InputError("max_addends is 1, expected 0 (no limit) or at least 2");
  }
  return TrainingGraphMaker(forward, options).Make(warnings);
}

}  // namespace placer
