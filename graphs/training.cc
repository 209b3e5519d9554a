#include "graphs/training.h"

#include <algorithm>
#include <array>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/detail/training_graph_maker.h"
#include "graphs/op_rules.h"

namespace placer {
namespace {

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

}  // namespace

std::int64_t TrainingGraphMaker::BytesOf(const TensorSpec& spec) {
  return spec.bytes ? *spec.bytes : NumElements(spec.shape) * SizeOf(spec.dtype);
}

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
      } else {
        spec.held_bytes = tensor.held_bytes;
      }
      spec.copy_time = tensor.copy_time;
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
  OpCosts costs;
  try {
    costs = CostOf(type, shapes);
  } catch (const InputError& error) {
    throw error.In("op '" + name + "'");
  }
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
