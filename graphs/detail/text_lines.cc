#include "graphs/detail/text_lines.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/detail/import_notes.h"

namespace placer {

bool LineReader::Next() {
  if (text_.empty()) {
    return false;
  }
  const std::size_t end = text_.find('\n');
  line_ = text_.substr(0, end);
  text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
  if (line_.ends_with('\r')) {
    line_.remove_suffix(1);
  }
  ++number_;
  return true;
}

void LineReader::Throw(const std::string& fault) const {
  throw InputError(where_ + ":" + std::to_string(number_) + ": " + fault);
}

double LineReader::Number(std::string_view text, std::string_view what, double most) const {
  const std::string_view trimmed = TrimBlanks(text);
  double number = 0;
  const auto [end, error] =
      std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  if (error != std::errc() || end != trimmed.data() + trimmed.size() ||
      !(number >= 0 && number <= most)) {
    Throw(std::string(what) + " is " + QuotedShort(text) + ", expected a number from 0 to " +
          nlohmann::json(most).dump());
  }
  return number;
}

std::string_view TrimBlanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::vector<std::string_view> SplitText(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    const std::string_view part = TrimBlanks(text.substr(0, end));
    if (end == std::string_view::npos) {
      if (!part.empty()) {
        parts.push_back(part);
      }
      return parts;
    }
    parts.push_back(part);
    text.remove_prefix(end + separator.size());
  }
}

std::string QuotedShort(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  std::string shown(text.substr(0, kLongest));
  return "'" + WithoutControlCharacters(shown) + (text.size() > kLongest ? "...'" : "'");
}

}  // namespace placer
