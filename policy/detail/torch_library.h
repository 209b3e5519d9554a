#pragma once

namespace placer::detail {

/// The address of an exported symbol of placer_policy_torch, which is loaded by the first call.
/// Thread-safe. @throws UnavailableError if the library cannot be loaded
[[nodiscard]] void* TorchLibrarySymbol(const char* name);

}  // namespace placer::detail
