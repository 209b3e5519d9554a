#include "graphs/base/text.h"

#include <algorithm>

namespace placer {

std::string WithoutControlCharacters(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return text;
}

std::string Quoted(std::string_view name) {
  return "'" + WithoutControlCharacters(std::string(name)) + "'";
}

std::string QuotedList(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + Quoted(name);
  }
  return text;
}

std::vector<std::string> SplitList(std::string_view list) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    if (end > begin) {
      parts.emplace_back(list.substr(begin, end - begin));
    }
    begin = end + 1;
  }
  return parts;
}

}  // namespace placer
