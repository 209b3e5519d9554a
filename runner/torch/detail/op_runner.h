#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/stack.h>

#include <span>
#include <vector>

#include "runner/torch/detail/program.h"

namespace placer::detail {

/// Has an op that was recorded on the host work on `device`: where its arguments name a device, and
/// where it makes a tensor of none and leaves the device open (`torch.zeros` in a script).
/// @param stack  the arguments
void UseDevice(const c10::FunctionSchema& schema, torch::jit::Stack& stack, c10::Device device);

/// Runs one op of a program again. One per op; one thread at a time.
class OpRunner {
 public:
  /// @param op  must outlive this
  explicit OpRunner(const ProgramOp& op);

  /// @param cells    all values; [tensors of reads], in the order of `inputs`
  /// @param inputs   indices into cells of the op's reads and passes
  /// @param first_output  cells that get the results and what is passed on
  /// @throws c10::Error
  void Run(std::vector<at::Tensor>& cells, std::span<const std::uint32_t> inputs,
           std::uint32_t first_output, c10::Device device);

 private:
  struct List {
    std::uint32_t position = 0;
    std::size_t size = 0;
    bool optional = false;  ///< of optional tensors
  };
  void FillStack(const std::vector<at::Tensor>& cells, std::span<const std::uint32_t> inputs);
  void Call();
  void RunOnHost(c10::Device device);

  const ProgramOp& op_;
  std::vector<List> lists_;
  at::Generator generator_;
  torch::jit::Stack stack_;
};

}  // namespace placer::detail
