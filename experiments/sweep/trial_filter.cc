#include "experiments/sweep/trial_filter.h"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "experiments/detail/experiment_field.h"
#include "graphs/base/error.h"
#include "placer/op_pattern.h"

namespace placer {
namespace {

enum class Relation : std::uint8_t {
  kNotEqual,
  kLessEqual,
  kGreaterEqual,
  kEqual,
  kLess,
  kGreater
};

// Longer ones first: "<=" starts with "<".
constexpr std::array<std::pair<std::string_view, Relation>, 6> kRelations = {
    {{"!=", Relation::kNotEqual},
     {"<=", Relation::kLessEqual},
     {">=", Relation::kGreaterEqual},
     {"=", Relation::kEqual},
     {"<", Relation::kLess},
     {">", Relation::kGreater}}};

std::string_view Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos
             ? std::string_view()
             : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<double> NumberIn(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

bool Holds(Relation relation, double a, double b) {
  switch (relation) {
    case Relation::kNotEqual:
      return a != b;
    case Relation::kLessEqual:
      return a <= b;
    case Relation::kGreaterEqual:
      return a >= b;
    case Relation::kEqual:
      return a == b;
    case Relation::kLess:
      return a < b;
    case Relation::kGreater:
      return a > b;
  }
  return false;
}

}  // namespace

struct TrialFilter::Condition {
  detail::ExperimentField field;
  Relation relation = Relation::kEqual;
  std::string text;
  std::optional<double> number;

  [[nodiscard]] bool Matches(const proto::Experiment& experiment) const {
    const std::string found = field.Get(experiment);
    const std::optional<double> found_number = NumberIn(found);
    if (number && found_number) {
      return Holds(relation, *found_number, *number);
    }
    const bool equal = text.empty() ? found.empty() : OpPattern(text).Matches(found);
    return (relation == Relation::kEqual && equal) || (relation == Relation::kNotEqual && !equal);
  }
};

TrialFilter::TrialFilter(const std::string& text) {
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t end = rest.find("&&");
    const std::string_view part = Trimmed(rest.substr(0, end));
    more = end != std::string_view::npos;
    rest.remove_prefix(more ? end + 2 : rest.size());
    const std::size_t sign = part.find_first_of("!<>=");
    const auto* relation = kRelations.begin();
    while (relation != kRelations.end() && sign != std::string_view::npos &&
           !part.substr(sign).starts_with(relation->first)) {
      ++relation;
    }
    if (sign == std::string_view::npos || sign == 0 || relation == kRelations.end()) {
      throw InputError("found '" + std::string(part) +
                       "', expected FIELD=VALUE, or != < <= > >= in place of =");
    }
    const std::string_view value = Trimmed(part.substr(sign + relation->first.size()));
    const bool is_order =
        relation->second != Relation::kEqual && relation->second != Relation::kNotEqual;
    if (is_order && !NumberIn(value)) {
      throw InputError("found '" + std::string(part) + "', expected a number behind " +
                       std::string(relation->first));
    }
    conditions_.push_back({detail::ExperimentField(std::string(Trimmed(part.substr(0, sign)))),
                           relation->second, std::string(value), NumberIn(value)});
  }
}

TrialFilter::~TrialFilter() = default;
TrialFilter::TrialFilter(TrialFilter&&) noexcept = default;
TrialFilter& TrialFilter::operator=(TrialFilter&&) noexcept = default;

bool TrialFilter::Matches(const proto::Experiment& experiment) const {
  for (const Condition& condition : conditions_) {
    if (!condition.Matches(experiment)) {
      return false;
    }
  }
  return true;
}

}  // namespace placer
