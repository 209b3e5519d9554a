#include "tests/fuzz/mutate_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/fuzz/mutate_message.h"

namespace placer::fuzz {
namespace {

using Json = nlohmann::ordered_json;

void Collect(Json& value, std::vector<Json*>& values, int depth) {
  constexpr std::size_t kMost = 20000;
  constexpr int kDeepest = 50;
  if (values.size() > kMost || depth > kDeepest) {
    return;
  }
  values.push_back(&value);
  if (value.is_structured()) {
    for (auto& inner : value) {
      Collect(inner, values, depth + 1);
    }
  }
}

Json OddValue(Rng& rng) {
  switch (rng.Below(7)) {
    case 0:
      return nullptr;
    case 1:
      return rng.Below(2) == 0;
    case 2:
      return Json::array();
    case 3:
      return Json::object();
    case 4:
      return "text\n";
    case 5:
      return 0.1 * static_cast<double>(OddNumber(rng));
    default:
      return OddNumber(rng);
  }
}

std::size_t SkipWord(const std::string& text, std::size_t at) {
  return std::min(text.size(), text.find_first_of(" ,;=()[]\t\n", at));
}

}  // namespace

std::string MutateJson(const std::string& text, Rng& rng) {
  Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    return text;
  }
  std::vector<Json*> values;
  Collect(document, values, 0);
  Json& chosen = *values[rng.Below(values.size())];
  if (chosen.is_structured() && !chosen.empty() && rng.Below(2) == 0) {
    const auto at =
        std::next(chosen.begin(), static_cast<std::ptrdiff_t>(rng.Below(chosen.size())));
    if (chosen.is_array() && rng.Below(2) == 0) {
      const Json copy = *at;
      chosen.push_back(copy);
    } else {
      chosen.erase(at);
    }
  } else if (rng.Below(3) == 0) {
    const Json copy = *values[rng.Below(values.size())];
    if (copy.size() < 20) {
      chosen = copy;
    }
  } else {
    chosen = OddValue(rng);
  }
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string MutateLines(const std::string& text, Rng& rng) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.size(), text.find('\n', at));
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (lines.empty()) {
    return text;
  }
  std::string& line = lines[rng.Below(lines.size())];
  switch (rng.Below(8)) {
    case 0:
      std::swap(line, lines.back());
      lines.pop_back();
      break;
    case 1:
      std::swap(line, lines[rng.Below(lines.size())]);
      break;
    case 2: {
      const std::string copy = line;
      lines.push_back(copy);
      break;
    }
    default: {
      const std::size_t begin = line.empty() ? 0 : rng.Below(line.size());
      const std::string& other = lines[rng.Below(lines.size())];
      const std::size_t from = other.empty() ? 0 : rng.Below(other.size());
      const std::string word = rng.Below(2) == 0 ? std::to_string(OddNumber(rng))
                                                 : other.substr(from, SkipWord(other, from) - from);
      line.replace(begin, SkipWord(line, begin) - begin, word);
    }
  }
  std::string mutated;
  for (const std::string& kept : lines) {
    mutated += kept + "\n";
  }
  return mutated;
}

}  // namespace placer::fuzz
