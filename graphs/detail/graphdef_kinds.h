#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace placer::graphdef {

// What types of nodes are.
[[nodiscard]] bool IsPlaceholder(std::string_view op);
[[nodiscard]] bool IsVariable(std::string_view op);
[[nodiscard]] bool IsConstant(std::string_view op);
[[nodiscard]] bool IsCall(std::string_view op);         ///< of functions of the library
[[nodiscard]] bool IsConditional(std::string_view op);  ///< of version 1

/// Whether the first component of the name is one that tf.gradients makes.
[[nodiscard]] bool IsGradientScope(std::string_view name);

/// "node" or "node:1".
[[nodiscard]] std::string Named(const std::string& node, std::size_t output);

}  // namespace placer::graphdef
