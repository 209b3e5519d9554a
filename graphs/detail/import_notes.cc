#include "graphs/detail/import_notes.h"

#include <algorithm>

#include "graphs/base/text.h"

namespace placer {
namespace {

constexpr std::size_t kMaxNamed = 5;

}  // namespace

std::string UniqueNames::Make(const std::string& wanted) {
  std::string name = wanted;
  while (!taken_.insert(name).second) {
    int& next = next_.try_emplace(wanted, 2).first->second;
    name = wanted;
    name.append("_").append(std::to_string(next++));
  }
  return name;
}

void ImportNotes::Add(std::string_view line, const std::string& name) {
  auto kind = std::find_if(counts_.begin(), counts_.end(),
                           [line](const auto& counted) { return counted.first == line; });
  if (kind == counts_.end()) {
    kind = counts_.insert(counts_.end(), {line, {}});
  }
  ++kind->second[name];
}

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
    std::string line(kind);
    line.replace(line.find('%'), 1, std::to_string(total));
    line.append(": ").append(list);
    lines.push_back(std::move(line));
  }
  std::transform(lines.begin(), lines.end(), lines.begin(), WithoutControlCharacters);
  return lines;
}

}  // namespace placer
