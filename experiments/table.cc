#include "experiments/table.h"

#include <algorithm>
#include <ostream>
#include <stdexcept>

namespace placer {
namespace {

/// Code points, so that a unit such as "µs" takes its two columns and not three.
std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

void Table::AddRow(std::vector<std::string> cells) {
  if (cells.size() > columns_.size()) {
    throw std::logic_error("a row has more cells than the table has columns");
  }
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

void Table::Print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  std::vector<std::string> titles, rules;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = Width(columns_[c].title);
    for (const auto& row : rows_) {
      width = std::max(width, Width(row[c]));
    }
    widths.push_back(width);
    titles.push_back(columns_[c].title);
    rules.emplace_back(width, '-');
  }
  const auto print_row = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string padding(widths[c] - Width(cells[c]), ' ');
      line += columns_[c].align == Align::kLeft ? cells[c] + padding : padding + cells[c];
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  };
  print_row(titles);
  print_row(rules);
  for (const auto& row : rows_) {
    print_row(row);
  }
}

void Table::PrintMarkdown(std::ostream& out) const {
  const auto print_row = [&](auto cell) {
    out << '|';
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      out << ' ' << cell(c) << " |";
    }
    out << '\n';
  };
  print_row([&](std::size_t c) { return columns_[c].title; });
  print_row([&](std::size_t c) {
    return std::string(columns_[c].align == Align::kLeft ? "---" : "---:");
  });
  for (const auto& row : rows_) {
    print_row([&](std::size_t c) {
      std::string text;
      for (const char each : row[c]) {  // a bar would end the cell
        text += each == '|' ? "\\|" : std::string(1, each);
      }
      return text;
    });
  }
}

}  // namespace placer
