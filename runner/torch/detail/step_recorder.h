#pragma once

#include <ATen/record_function.h>

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/torch/detail/program.h"

namespace placer::detail {

/// A tensor that exists before the step: input, parameter, buffer, optimizer state.
struct KnownTensor {
  std::string name;
  OpRole role = OpRole::kParameter;
  at::Tensor tensor;
  std::string colocation;  ///< name of a parameter: this one and its updates share its device
};

/// Writes down every operator that LibTorch dispatches on this thread: the outermost ones that are
/// not composed of others, and what autograd does inside of them. Who depends on whom follows from
/// the memory that tensors share.
class StepRecorder {
 public:
  explicit StepRecorder(const std::vector<KnownTensor>& known);
  ~StepRecorder();
  StepRecorder(const StepRecorder&) = delete;
  StepRecorder& operator=(const StepRecorder&) = delete;

  /// From here on, ops have this role; ops outside all modules are said to be in `module`.
  void SetPhase(OpRole role, std::string module);
  void Start();
  /// @throws InputError if something could not be recorded
  void Stop();

  void AddOutput(const std::string& name, const at::Tensor& tensor);
  void AddGradient(const std::string& name, const at::Tensor& tensor);
  /// After Stop() and the outputs. @throws InputError
  [[nodiscard]] Program Finish() &&;

 private:
  struct Geometry {
    c10::ScalarType type;
    std::int64_t offset;
    std::vector<std::int64_t> sizes, strides;
    bool operator==(const Geometry&) const = default;
  };
  struct Storage {
    c10::weak_intrusive_ptr<c10::StorageImpl> alive;  ///< so that the address is not used again
    std::vector<std::pair<Geometry, Slot>> tensors;
    std::uint32_t last_writer = kNone;
    std::vector<std::uint32_t> readers;  ///< since the last write
    std::uint32_t resident = kNone;
  };
  struct Pending;

  static std::unique_ptr<at::ObserverContext> OnStart(const at::RecordFunction& function);
  static void OnEnd(const at::RecordFunction& function, at::ObserverContext* context);
  /// An op that overwrites what its own gradient needs makes autograd copy that first, inside it.
  [[nodiscard]] bool IsHiddenCopy(const at::RecordFunction& function) const;
  std::unique_ptr<Pending> BeginOp(const at::RecordFunction& function);
  void ReadArguments(const std::vector<c10::IValue>& values, Pending& pending);
  void EndOp(const at::RecordFunction& function, Pending& pending);
  void FindWrites(Pending& pending);
  void ApplyWrites(std::uint32_t op, const Pending& pending);
  void AddResult(std::uint32_t op, std::uint32_t position, std::uint32_t element,
                 const at::Tensor& tensor);

  void AddResident(const std::string& name, OpRole role, const at::Tensor& tensor,
                   const std::string& colocation);
  /// The slot that has the tensor's present content. `reader` may be kNone.
  Slot Find(const at::Tensor& tensor, std::uint32_t reader);
  Slot Current(Storage& storage, std::pair<Geometry, Slot>& entry);
  Slot AddView(Storage& storage, const Geometry& geometry, const at::Tensor& tensor);
  Slot NewSlot(const at::Tensor& tensor, std::uint32_t producer, std::optional<Slot> base);
  /// The last write is the version; a slot made before it is stale.
  [[nodiscard]] bool IsStale(const Storage& storage, Slot slot) const;
  [[nodiscard]] std::string ModuleOfOp(const at::RecordFunction& function);
  void Name(ProgramOp& op);
  void CheckSupported(const at::Tensor& tensor, const std::string& op) const;
  [[nodiscard]] static Geometry GeometryOf(const at::Tensor& tensor);

  Program program_;
  std::unordered_map<const c10::StorageImpl*, Storage> storages_;
  std::map<std::string, int> name_counts_;
  OpRole role_ = OpRole::kForward;
  std::string outside_module_;
  std::unordered_map<std::int64_t, std::string> module_of_sequence_;
  std::vector<std::string> backward_modules_;  ///< of the autograd nodes that run now
  Pending* open_ = nullptr;                    ///< inside this op
  bool looking_ = false;                       ///< at tensors, by operators of its own
  std::uint64_t callback_ = 0;
  std::exception_ptr fault_;
  std::vector<at::Tensor> keep_;  ///< tensors known before, alive until the end
};

}  // namespace placer::detail
