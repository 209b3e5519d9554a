#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace placer {

/// Text in aligned columns. A regular value.
class Table {
 public:
  enum class Align : std::uint8_t { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kRight;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// A missing cell at the end is empty. @throws std::logic_error for more cells than columns
  void AddRow(std::vector<std::string> cells);
  [[nodiscard]] std::size_t num_rows() const noexcept { return rows_.size(); }
  /// Title line, a line of dashes, then the rows; two spaces between columns, none at line ends.
  void Print(std::ostream& out) const;
  /// As a Markdown table.
  void PrintMarkdown(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace placer
