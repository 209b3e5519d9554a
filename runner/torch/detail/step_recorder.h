#pragma once

#include <ATen/record_function.h>

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/torch/detail/program.h"
#include "runner/torch/detail/tensor_history.h"

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
  struct Pending;

  static std::unique_ptr<at::ObserverContext> OnStart(const at::RecordFunction& function);
  static void OnEnd(const at::RecordFunction& function, at::ObserverContext* context);
  /// An op that overwrites what its own gradient needs makes autograd copy that first, inside it.
  [[nodiscard]] bool IsHiddenCopy(const at::RecordFunction& function) const;
  std::unique_ptr<Pending> BeginOp(const at::RecordFunction& function);
  void ReadArguments(const std::vector<c10::IValue>& values, Pending& pending);
  void EndOp(const at::RecordFunction& function, Pending& pending);
  void FindWrites(Pending& pending);
  [[nodiscard]] std::string ModuleOfOp(const at::RecordFunction& function);
  void Name(ProgramOp& op);

  Program program_;
  TensorHistory history_;
  std::map<std::string, int> name_counts_;
  OpRole role_ = OpRole::kForward;
  std::string outside_module_;
  std::unordered_map<std::int64_t, std::string> module_of_sequence_;
  std::vector<std::string> backward_modules_;  ///< of the autograd nodes that run now
  Pending* open_ = nullptr;                    ///< inside this op
  bool looking_ = false;                       ///< at tensors, by operators of its own
  std::uint64_t callback_ = 0;
  std::exception_ptr fault_;
};

}  // namespace placer::detail
