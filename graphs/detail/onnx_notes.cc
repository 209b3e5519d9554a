#include <array>
#include <string_view>

#include "graphs/detail/onnx_import.h"

namespace placer::onnx_detail {
namespace {

constexpr std::size_t kMaxNamed = 5;

/// What is said about each kind; "%" stands for the number.
constexpr std::array<std::string_view, static_cast<std::size_t>(ImportNotes::Kind::kNumKinds)>
    kLines = {
        "% ops of custom domains are kept with a default cost",
        "% control-flow nodes are kept as one op each, their subgraphs are not looked into",
        "% calls of the model's functions are kept as one op each with a default cost",
        "% ops have no cost rule and are kept with a default cost",
        "% nodes do not fit the newest schema known here, the shapes the file declares are used",
        "% values have no or not fully known shape, unknown dims count as 1 and unknown shapes as "
        "0 "
        "bytes",
        "% values have other shapes than the file declares, the inferred ones are used",
};

}  // namespace

void ImportNotes::Add(Kind kind, const std::string& name) { ++counts_[kind][name]; }

std::vector<std::string> ImportNotes::Lines() const {
  std::vector<std::string> lines = lines_;
  for (const auto& [kind, names] : counts_) {
    int total = 0;
    std::size_t named = 0;
    std::string list;
    for (const auto& [name, count] : names) {
      total += count;
      if (++named <= kMaxNamed) {
        list.append(list.empty() ? "" : ", ").append(name);
        if (count > 1) {
          list.append(" x").append(std::to_string(count));
        }
      }
    }
    if (named > kMaxNamed) {
      list += ", ...";
    }
    std::string line(kLines[static_cast<std::size_t>(kind)]);
    line.replace(line.find('%'), 1, std::to_string(total));
    line.append(": ").append(list);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string UniqueNames::Make(const std::string& wanted) {
  std::string name = wanted;
  while (!taken_.insert(name).second) {
    int& next = next_.try_emplace(wanted, 2).first->second;
    name = wanted;
    name.append("_").append(std::to_string(next++));
  }
  return name;
}

}  // namespace placer::onnx_detail
