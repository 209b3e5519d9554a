#include "runner/torch/input_spec.h"

#include <charconv>

#include "graphs/base/error.h"

namespace placer {
namespace {

InputError Bad(std::string_view text, const std::string& expected) {
  return InputError("input '" + std::string(text) + "': expected " + expected);
}

std::int64_t ParseNumber(std::string_view number, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (fault != std::errc() || end != number.data() + number.size() || value < 0) {
    throw Bad(text, "a size of 0 or more where '" + std::string(number) + "' is");
  }
  return value;
}

}  // namespace

InputSpec ParseInputSpec(std::string_view text) {
  const std::size_t open = text.find('[');
  const std::size_t close = text.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    throw Bad(text, "a type and sizes, such as float32[8,3,224,224] or int64[4,35]<1000");
  }
  InputSpec spec;
  const std::optional<DataType> dtype = ParseDataType(text.substr(0, open));
  if (!dtype || SizeOf(*dtype) == 0) {
    throw Bad(text, "a type such as float32, float64, int64, int32 or bool before '['");
  }
  spec.dtype = *dtype;
  std::string_view sizes = text.substr(open + 1, close - open - 1);
  while (!sizes.empty()) {
    const std::size_t comma = sizes.find(',');
    spec.shape.push_back(ParseNumber(sizes.substr(0, comma), text));
    if (comma == std::string_view::npos) {
      break;
    }
    sizes.remove_prefix(comma + 1);
    if (sizes.empty()) {
      throw Bad(text, "a size after the last ','");
    }
  }
  static_cast<void>(NumElements(spec.shape));  // throws if there are more than 64 bits count
  const std::string_view rest = text.substr(close + 1);
  if (rest.starts_with('<')) {
    spec.below = ParseNumber(rest.substr(1), text);
    if (*spec.below == 0) {
      throw Bad(text, "a bound of 1 or more after '<'");
    }
  } else if (!rest.empty()) {
    throw Bad(text, "nothing or a bound such as <1000 after ']'");
  }
  return spec;
}

std::string ToString(const InputSpec& spec) {
  std::string text(Name(spec.dtype));
  for (std::size_t i = 0; i < spec.shape.size(); ++i) {
    text += (i == 0 ? "[" : ",") + std::to_string(spec.shape[i]);
  }
  text += spec.shape.empty() ? "[]" : "]";
  return spec.below ? text + "<" + std::to_string(*spec.below) : text;
}

}  // namespace placer
