#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace placer {

/// Walks over a text by lines; faults name the present one. Borrows the text.
class LineReader {
 public:
  LineReader(std::string_view text, std::string where) : text_(text), where_(std::move(where)) {}

  /// To the next line, which may be empty. False at the end.
  [[nodiscard]] bool Next();
  /// Without its end.
  [[nodiscard]] std::string_view line() const noexcept { return line_; }
  /// @throws InputError `where:line: fault`
  [[noreturn]] void Throw(const std::string& fault) const;

  /// A finite number in [0, most]. @param what  names it in the fault
  /// @throws InputError
  [[nodiscard]] double Number(std::string_view text, std::string_view what, double most) const;

 private:
  std::string_view text_;
  std::string where_;
  std::string_view line_;
  std::size_t number_ = 0;
};

/// Parts between separators, without blanks around them; the empty part at the end is left out.
[[nodiscard]] std::vector<std::string_view> SplitText(std::string_view text,
                                                      std::string_view separator);
[[nodiscard]] std::string_view TrimBlanks(std::string_view text);
/// The text in quotes as messages show it: cut off after 40 bytes, without control characters.
[[nodiscard]] std::string QuotedShort(std::string_view text);

}  // namespace placer
