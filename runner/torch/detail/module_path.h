#pragma once

#include <string>
#include <vector>

namespace placer::detail {

/// What the TorchScript interpreter says about its frames ("TOP.layer1(Sequential)::forward.0(
/// BasicBlock)::forward") as the name PyTorch gives the module: "layer1.0". Empty: the model
/// itself.
[[nodiscard]] std::string ParseModulePath(const std::vector<std::string>& frames);

}  // namespace placer::detail
