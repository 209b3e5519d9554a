#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graphs/graph.h"

namespace placer::detail {

/// A tensor of the step: what an op produced, or a resident tensor. An in-place write makes new
/// slots for the tensors that share the memory and are read afterwards.
using Slot = std::uint32_t;
inline constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// A tensor inside an argument or a result.
struct TensorRef {
  std::uint32_t position = 0;     ///< of the argument or result
  std::uint32_t element = kNone;  ///< in a list; kNone: the argument itself
  Slot slot = 0;
  bool operator==(const TensorRef&) const = default;
};

struct SlotInfo {
  DataType dtype = DataType::kUnknown;
  std::vector<std::int64_t> shape;
  std::int64_t bytes = 0;
  std::uint32_t producer = kNone;     ///< op; kNone: resident
  Slot base = 0;                      ///< first slot with the same memory
  std::optional<std::uint64_t> hash;  ///< of the content the producer left, in the original step
};

struct ProgramOp {
  explicit ProgramOp(c10::OperatorHandle op) : handle(std::move(op)) {}

  c10::OperatorHandle handle;
  std::string name;    ///< unique
  std::string module;  ///< the module it was called from; empty: the model itself
  OpRole role = OpRole::kForward;
  std::vector<c10::IValue> arguments;  ///< with the tensors of `reads` left out
  std::vector<TensorRef> reads, results;
  /// Tensors that share memory this op writes to: as they were before, as they are after.
  std::vector<std::pair<Slot, Slot>> passes;
  std::vector<Slot> writes;              ///< which of `reads` it writes to
  std::vector<std::uint32_t> run_after;  ///< ops that must have read what this op overwrites
  at::Tensor random_state;               ///< of the generator before it; undefined: not random
  std::uint32_t generator_argument = kNone;
  std::string colocation;      ///< name of the parameter that this op updates
  bool uninitialized = false;  ///< its results have no defined content
};

/// A tensor that is there before the step starts.
struct Resident {
  std::string name;
  OpRole role = OpRole::kParameter;
  Slot slot = 0;
  at::Tensor initial;                       ///< its content at the start of the step
  bool written = false;                     ///< the step changes it
  std::optional<std::uint64_t> final_hash;  ///< after the original step, if written
  std::string colocation;
  bool found = false;  ///< in the step itself: it is neither an input nor of the model's state
};

struct StepOutput {
  std::string name;
  Slot slot = 0;
  std::uint64_t hash = 0;  ///< after the original step
};

/// The whole step. Slot i is tensor i of the graph; op i is op residents.size() + i.
struct Program {
  std::vector<Resident> residents;
  std::vector<ProgramOp> ops;
  std::vector<SlotInfo> slots;
  std::vector<StepOutput> outputs;
  std::vector<StepOutput> gradients;  ///< of parameters, by parameter name
};

[[nodiscard]] DataType ToDataType(c10::ScalarType type);
[[nodiscard]] c10::ScalarType ToScalarType(DataType type);  ///< @throws InputError
/// Of the elements, whatever the strides.
[[nodiscard]] std::uint64_t HashOf(const at::Tensor& tensor);
/// A copy with the same strides: kernels choose their way, and so their rounding, by strides.
[[nodiscard]] at::Tensor CopyWithLayout(const at::Tensor& tensor, c10::Device device);
/// The same into memory that has that layout already.
/// @param non_blocking  between pinned memory and a GPU: the thread does not wait for it
void CopyInto(const at::Tensor& from, at::Tensor& to, bool non_blocking = false);

}  // namespace placer::detail
