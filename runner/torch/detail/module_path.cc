#include "runner/torch/detail/module_path.h"

namespace placer::detail {
namespace {

/// What LibTorch writes where no module of its own is entered.
bool IsModule(const std::string& name) {
  return !name.empty() && name != "TOP" && name != "SELF" && name != "UNKNOWN_INSTANCE" &&
         !name.starts_with("CALL_FUNCTION::");
}

}  // namespace

std::string ParseModulePath(const std::vector<std::string>& frames) {
  std::string path;
  for (const std::string& frame : frames) {
    // Each step is `name(Class)::function`; classes may have dots in their names.
    for (std::size_t at = 0; at < frame.size();) {
      const std::size_t open = frame.find('(', at);
      if (open == std::string::npos) {
        break;
      }
      std::string name = frame.substr(at, open - at);
      name = name.substr(name.rfind('.') + 1);
      const std::size_t close = frame.find(')', open);
      if (IsModule(name)) {
        path += (path.empty() ? "" : ".") + name;
      }
      at = close == std::string::npos ? frame.size() : close + 1;
    }
  }
  return path;
}

}  // namespace placer::detail
