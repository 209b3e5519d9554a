#include "experiments/sweep/spec_parameter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "graphs/base/error.h"

namespace placer {
namespace {

/// `key=value` pairs behind the question mark, as they stand there.
std::vector<std::string_view> PairsOf(std::string_view spec) {
  std::vector<std::string_view> pairs;
  const std::size_t mark = spec.find('?');
  if (mark == std::string_view::npos) {
    return pairs;
  }
  std::string_view rest = spec.substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    pairs.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return pairs;
}

std::string_view KeyOf(std::string_view pair) { return pair.substr(0, pair.find('=')); }

}  // namespace

std::string SpecParameter(std::string_view spec, std::string_view key) {
  for (const std::string_view pair : PairsOf(spec)) {
    if (KeyOf(pair) == key && pair.size() > key.size()) {
      return std::string(pair.substr(key.size() + 1));
    }
  }
  return {};
}

std::string WithSpecParameter(std::string_view spec, std::string_view key, std::string_view value) {
  if (value.find_first_of("&?") != std::string_view::npos) {
    throw InputError(std::string(key) + ": found '" + std::string(value) +
                     "', expected a value without & and ?");
  }
  std::string result(spec.substr(0, spec.find('?')));
  char separator = '?';
  const auto append = [&](std::string_view pair) {
    result.append(1, separator).append(pair);
    separator = '&';
  };
  const std::string wanted = std::string(key) + "=" + std::string(value);
  bool found = false;
  for (const std::string_view pair : PairsOf(spec)) {
    if (KeyOf(pair) != key) {
      append(pair);
    } else if (!std::exchange(found, true) && !value.empty()) {
      append(wanted);
    }
  }
  if (!found && !value.empty()) {
    append(wanted);
  }
  return result;
}

}  // namespace placer
