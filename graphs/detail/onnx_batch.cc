#include "graphs/detail/onnx_batch.h"

#include <algorithm>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/detail/onnx_types.h"

namespace placer::onnx_detail {
namespace {}  // namespace

DimResolver::DimResolver(const std::vector<const onnx::ValueInfoProto*>& inputs,
                         std::optional<std::int64_t> batch)
    : batch_(batch) {
  if (!batch) {
    return;
  }
  if (*batch < 1) {
    throw InputError("batch is " + std::to_string(*batch) + ", expected at least 1");
  }
  const auto first = std::find_if(inputs.begin(), inputs.end(), [](const auto* input) {
    return Rank(input->type()).value_or(0) > 0;
  });
  if (first == inputs.end()) {
    throw InputError("has no input with a batch dimension, expected one to set the batch of");
  }
  const auto& dim = (*first)->type().tensor_type().shape().dim(0);
  batch_symbol_ = dim.dim_param();
  if (dim.has_dim_value()) {
    old_batch_ = dim.dim_value();
  }
  if (!batch_symbol_.empty()) {
    symbols_[batch_symbol_] = *batch;
  }
}

bool DimResolver::IsBatch(const onnx::TensorShapeProto::Dimension& dim) const {
  if (dim.has_dim_value()) {
    return old_batch_ == dim.dim_value();
  }
  return !old_batch_ && dim.dim_param() == batch_symbol_;
}

onnx::TypeProto DimResolver::ResolveInput(const onnx::ValueInfoProto& input) {
  onnx::TypeProto type = input.type();
  if (Rank(type).value_or(0) == 0) {
    return type;
  }
  auto* shape = type.mutable_tensor_type()->mutable_shape();
  if (batch_) {
    if (IsBatch(shape->dim(0))) {
      shape->mutable_dim(0)->set_dim_value(*batch_);
    } else {
      kept_.push_back(input.name());
    }
  }
  for (int i = 0; i < shape->dim_size(); ++i) {
    auto& dim = *shape->mutable_dim(i);
    if (dim.has_dim_value()) {
      continue;
    }
    const std::string symbol =
        dim.dim_param().empty() ? input.name() + "[" + std::to_string(i) + "]" : dim.dim_param();
    const auto [known, fresh] = symbols_.emplace(symbol, 1);
    if (fresh) {
      guessed_.push_back(symbol);
    }
    dim.set_dim_value(known->second);
  }
  return type;
}

onnx::TypeProto DimResolver::ResolveDeclared(const onnx::TypeProto& declared) const {
  onnx::TypeProto type = declared;
  if (Rank(type).value_or(0) == 0) {
    return type;
  }
  auto* shape = type.mutable_tensor_type()->mutable_shape();
  if (batch_ && IsBatch(shape->dim(0))) {
    shape->mutable_dim(0)->set_dim_value(*batch_);
  }
  for (auto& dim : *shape->mutable_dim()) {
    const auto known = dim.has_dim_value() || dim.dim_param().empty()
                           ? symbols_.end()
                           : symbols_.find(dim.dim_param());
    if (known != symbols_.end()) {
      dim.set_dim_value(known->second);
    }
  }
  return type;
}

std::vector<std::string> DimResolver::warnings() const {
  std::vector<std::string> warnings;
  if (!guessed_.empty()) {
    warnings.push_back("dimensions of inputs without a number are taken as 1: " +
                       QuotedList(guessed_));
  }
  if (!kept_.empty()) {
    warnings.push_back("inputs keep their first dimension, which is not the batch: " +
                       QuotedList(kept_));
  }
  return warnings;
}

std::optional<std::vector<std::int64_t>> RebatchTarget(const std::vector<std::int64_t>& target,
                                                       const std::vector<std::int64_t>& input_shape,
                                                       const DimResolver& dims) {
  if (!dims.overrides() || target.empty() || !dims.old_batch() || target[0] != *dims.old_batch() ||
      input_shape.empty() || std::find(target.begin(), target.end(), 0) != target.end()) {
    return std::nullopt;
  }
  const bool free_dim = std::find(target.begin(), target.end(), -1) != target.end();
  const bool fits =
      free_dim ? input_shape[0] != *dims.batch() : NumElements(target) == NumElements(input_shape);
  if (fits) {
    return std::nullopt;
  }
  std::vector<std::int64_t> result = target;
  result[0] = *dims.batch();
  return result;
}

}  // namespace placer::onnx_detail
