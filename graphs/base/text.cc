#include "graphs/base/text.h"

#include <algorithm>

namespace placer {
namespace {

/// How many bytes the character has that a text starts with; 0 if that is no valid one (The Unicode
/// Standard, table 3-7).
std::size_t CharacterLength(std::string_view text) {
  const auto byte = [text](std::size_t i) -> unsigned {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned first = byte(0);
  if (first < 0x80U) {
    return 1;
  }
  if (first < 0xc2U || first > 0xf4U) {
    return 0;
  }
  const std::size_t length = first < 0xe0U ? 2 : first < 0xf0U ? 3 : 4;
  if (text.size() < length) {
    return 0;
  }
  // Leaves out what has a shorter form, surrogates, and what is beyond the last character.
  const unsigned lowest = first == 0xe0U ? 0xa0U : first == 0xf0U ? 0x90U : 0x80U;
  const unsigned highest = first == 0xedU ? 0x9fU : first == 0xf4U ? 0x8fU : 0xbfU;
  if (byte(1) < lowest || byte(1) > highest) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) {
      return 0;
    }
  }
  return length;
}

}  // namespace

std::string WithoutControlCharacters(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return text;
}

std::string ValidUtf8(std::string text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = CharacterLength(std::string_view(text).substr(i));
    if (length == 0) {
      text[i] = '?';
    }
    i += std::max<std::size_t>(length, 1);
  }
  return text;
}

std::string Shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) {
    return std::string(text);
  }
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
    --end;
  }
  return std::string(text.substr(0, end));
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
