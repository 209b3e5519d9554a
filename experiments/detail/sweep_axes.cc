#include "experiments/detail/sweep_axes.h"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "graphs/base/error.h"

namespace placer::detail {
namespace {

constexpr std::size_t kMaxTrials = 1'000'000;

std::vector<std::string> ValuesOf(const proto::Range& range, const std::string& where) {
  const auto fail = [&](const std::string& expected) {
    throw InputError(where +
                     fmt::format(": found from {} to {}, expected ", range.from(), range.to()) +
                     expected);
  };
  if (!std::isfinite(range.from()) || !std::isfinite(range.to()) || range.from() > range.to()) {
    fail("numbers in ascending order");
  }
  if (range.has_step() && range.has_factor()) {
    fail("step or factor, not both");
  }
  const double step = range.has_step() ? range.step() : 1;
  if (range.has_factor() && (!(range.factor() > 1) || !(range.from() > 0))) {
    fail("positive numbers and a factor above 1");
  }
  if (!range.has_factor() && !(step > 0)) {
    fail("a step above 0");
  }
  // Steps such as 0.1 are not exact: the last value may miss the end by a hair.
  constexpr double kSlack = 1e-9;
  const double steps = range.has_factor()
                           ? std::log(range.to() / range.from()) / std::log(range.factor())
                           : (range.to() - range.from()) / step;
  if (!(steps < kMaxTrials)) {
    fail("fewer values");
  }
  std::vector<std::string> values;
  for (int i = 0; i <= steps + kSlack; ++i) {
    const double value =
        range.has_factor() ? range.from() * std::pow(range.factor(), i) : range.from() + step * i;
    values.push_back(fmt::format("{:.15g}", value));
  }
  return values;
}

/// Adds the axis's field and values as one more column.
void AddColumn(const proto::Axis& from, const std::string& where, std::set<std::string>& seen,
               SweepAxis& axis) {
  std::optional<ExperimentField> field;
  try {
    field = ExperimentField(from.field());
  } catch (const InputError& error) {
    throw error.In(where + ".field");
  }
  if (!seen.insert(field->path() == "seeds" ? "seed" : field->path()).second) {
    throw InputError(where + ".field: found '" + from.field() + "' twice");
  }
  if (from.has_range() == (from.values_size() > 0)) {
    throw InputError(where + ": found " + (from.has_range() ? "both" : "none") +
                     ", expected values or a range");
  }
  const std::vector<std::string> values =
      from.has_range() ? ValuesOf(from.range(), where + ".range")
                       : std::vector<std::string>(from.values().begin(), from.values().end());
  if (axis.fields.empty()) {
    axis.values.resize(values.size());
  } else if (values.size() != axis.values.size()) {
    throw InputError(fmt::format("{}: found {} values, expected {} as in the axis it moves with",
                                 where, values.size(), axis.values.size()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (field->depth() == 1) {  // what stands behind a model depends on the model
      try {
        proto::Experiment scratch;
        field->Set(scratch, values[i]);
      } catch (const InputError& error) {
        throw error.In(fmt::format("{}.values[{}]", where, i));
      }
    }
    axis.values[i].push_back(values[i]);
  }
  axis.fields.push_back(std::move(*field));
}

}  // namespace

std::vector<SweepAxis> ReadAxes(const proto::Sweep& sweep) {
  std::vector<SweepAxis> axes;
  std::set<std::string> seen;
  for (int a = 0; a < sweep.axes_size(); ++a) {
    const proto::Axis& from = sweep.axes(a);
    const std::string where = fmt::format("axes[{}]", a);
    SweepAxis& axis = axes.emplace_back();
    AddColumn(from, where, seen, axis);
    for (int z = 0; z < from.zip_size(); ++z) {
      const std::string inner = fmt::format("{}.zip[{}]", where, z);
      if (from.zip(z).zip_size() > 0) {
        throw InputError(inner + ".zip: found an axis, expected it one level up");
      }
      AddColumn(from.zip(z), inner, seen, axis);
    }
    if (std::set(axis.values.begin(), axis.values.end()).size() < axis.values.size()) {
      throw InputError(where + ".values: found the same value twice");
    }
  }
  return axes;
}

std::vector<std::vector<std::string>> Combinations(const std::vector<SweepAxis>& axes) {
  std::vector<std::vector<std::string>> combinations = {{}};
  for (const SweepAxis& axis : axes) {
    if (combinations.size() * axis.values.size() > kMaxTrials) {
      throw InputError(fmt::format("axes: found more than {} combinations", kMaxTrials));
    }
    std::vector<std::vector<std::string>> longer;
    longer.reserve(combinations.size() * axis.values.size());
    for (const std::vector<std::string>& before : combinations) {
      for (const std::vector<std::string>& values : axis.values) {
        longer.push_back(before);
        longer.back().insert(longer.back().end(), values.begin(), values.end());
      }
    }
    combinations = std::move(longer);
  }
  return combinations;
}

}  // namespace placer::detail
