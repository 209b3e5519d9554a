#pragma once

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runner/torch/detail/step_recorder.h"
#include "runner/torch/replay.h"

namespace torch::jit {
struct Module;
}

namespace placer::detail {

/// A TorchScript module with example inputs, as LibTorch itself runs a step of it.
class ModelStep {
 public:
  /// @param where  for error messages. @throws InputError
  ModelStep(const torch::jit::Module& module, std::string where, const CaptureOptions& options);
  ~ModelStep();
  ModelStep(const ModelStep&) = delete;
  ModelStep& operator=(const ModelStep&) = delete;

  /// Everything as before the first step; `variant` 0 are the inputs and random numbers of all
  /// steps but those that check the capture.
  void Reset(int variant = 0);
  /// @param recorder  may be null. @throws InputError if the model refuses its inputs; WorkerError
  /// if memory does not suffice
  void Run(StepRecorder* recorder);

  /// Names are unique: an input that is called like a parameter or a buffer gets a number.
  [[nodiscard]] std::vector<KnownTensor> KnownTensors() const;
  /// Of the last run, by name.
  using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;
  [[nodiscard]] const NamedTensors& Outputs() const;
  [[nodiscard]] NamedTensors Gradients() const;
  [[nodiscard]] const std::string& where() const noexcept { return where_; }

 private:
  struct State;
  std::string where_;
  CaptureOptions options_;
  std::unique_ptr<State> state_;
};

/// @throws InputError for a file that is missing, cut off, or no TorchScript model
[[nodiscard]] torch::jit::Module LoadModule(const std::filesystem::path& path);

/// The step of a module in memory. @throws InputError
[[nodiscard]] CapturedStep CaptureModule(const torch::jit::Module& module, const std::string& where,
                                         const CaptureOptions& options);

/// The line of a LibTorch error that says what is wrong.
[[nodiscard]] std::string OneLine(const std::exception& error);

/// Whether memory did not suffice, of the host or of a GPU: LibTorch says so in several ways.
[[nodiscard]] bool IsOutOfMemory(const std::exception& error);

}  // namespace placer::detail
