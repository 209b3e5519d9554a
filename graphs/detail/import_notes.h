#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace placer {

/// Gives names that are unique in the graph.
class UniqueNames {
 public:
  [[nodiscard]] std::string Make(const std::string& wanted);

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> next_;
};

/// Counts what the user should know about, to say it in one line per kind.
class ImportNotes {
 public:
  /// @param line  what is said of the kind; "%" stands for the number
  void Add(std::string_view line, const std::string& name);
  void AddLine(std::string line) { lines_.push_back(std::move(line)); }
  /// Lines of their own first, then the kinds in the order in which they first came up; each names
  /// a few.
  [[nodiscard]] std::vector<std::string> Lines() const;

 private:
  std::vector<std::pair<std::string_view, std::map<std::string, int>>> counts_;
  std::vector<std::string> lines_;
};

}  // namespace placer
