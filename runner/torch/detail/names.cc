#include "runner/torch/detail/names.h"

#include <cstddef>

namespace placer::detail {
namespace {

std::string Harmless(std::string name) {
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '/' || byte < 0x20 || byte == 0x7f) {
      c = '_';
    }
  }
  if (name.empty() || name.front() == '.') {
    name.replace(0, 1, "_");
  }
  return name;
}

}  // namespace

std::string DistinctName(const std::string& name, std::set<std::string>& taken) {
  std::string distinct = name;
  for (int i = 1; !taken.insert(distinct).second; ++i) {
    distinct = name + "_" + std::to_string(i);
  }
  return distinct;
}

std::vector<std::string> FileNames(const std::vector<std::string>& names) {
  std::vector<std::string> files(names.size());
  std::set<std::string> taken;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (Harmless(names[i]) == names[i] && taken.insert(names[i]).second) {
      files[i] = names[i];
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (files[i].empty()) {
      files[i] = DistinctName(Harmless(names[i]), taken);
    }
  }
  return files;
}

}  // namespace placer::detail
