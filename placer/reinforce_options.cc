#include "placer/reinforce_options.h"

#include <charconv>
#include <functional>
#include <sstream>

#include "graphs/base/error.h"

namespace placer {
namespace {

using Reward = ReinforceOptions::Reward;
using Baseline = ReinforceOptions::Baseline;

/// One option: how it is read from text and written to it.
struct Option {
  std::string name;
  std::function<void(const std::string&, ReinforceOptions&)> set;
  std::function<std::string(const ReinforceOptions&)> get;
};

[[noreturn]] void Refuse(const std::string& name, const std::string& found,
                         const std::string& expected) {
  throw InputError("option " + name + " is '" + found + "', expected " + expected);
}

template <typename T>
T ParseNumber(const std::string& name, const std::string& text, T least, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      !(value >= least && value <= most)) {
    std::ostringstream expected;
    expected << "a number from " << least << " to " << most;
    Refuse(name, text, expected.str());
  }
  return value;
}

/// @param at  the member, from options
template <typename T, typename At>
Option Number(const std::string& name, At at, T least, T most) {
  return {name,
          [=](const std::string& text, ReinforceOptions& o) {
            at(o) = ParseNumber<T>(name, text, least, most);
          },
          [=](const ReinforceOptions& o) {
            std::ostringstream text;
            text.precision(17);
            text << at(const_cast<ReinforceOptions&>(o));  // NOLINT: read only
            return text.str();
          }};
}

template <typename T, typename At>
Option Choice(const std::string& name, At at, std::vector<std::pair<std::string, T>> choices) {
  return {name,
          [=](const std::string& text, ReinforceOptions& o) {
            std::string known;
            for (const auto& [label, value] : choices) {
              if (label == text) {
                at(o) = value;
                return;
              }
              known += (known.empty() ? "" : ", ") + label;
            }
            Refuse(name, text, "one of " + known);
          },
          [=](const ReinforceOptions& o) {
            for (const auto& [label, value] : choices) {
              if (at(const_cast<ReinforceOptions&>(o)) == value) {  // NOLINT: read only
                return label;
              }
            }
            return std::string();
          }};
}

const std::vector<Option>& Options() {
  using O = ReinforceOptions;
  constexpr std::size_t kMost = 1U << 14U;
  constexpr std::int64_t kMostUpdates = std::int64_t{1} << 40;
  static const std::vector<std::pair<std::string, bool>> kYesNo = {{"true", true},
                                                                   {"false", false}};
  static const std::vector<Option> options = {
      Number<std::size_t>(
          "hidden", [](O & o) -> auto& { return o.policy.hidden; }, 1, kMost),
      Choice<Attention>(
          "attention", [](O & o) -> auto& { return o.policy.attention; },
          {{"dot-product", Attention::kDotProduct}, {"bahdanau", Attention::kBahdanau}}),
      Choice<bool>(
          "bidirectional", [](O & o) -> auto& { return o.policy.bidirectional; }, kYesNo),
      Number<double>(
          "tanh_constant", [](O & o) -> auto& { return o.policy.tanh_constant; }, 1e-6, 1e3),
      Number<double>(
          "temperature", [](O & o) -> auto& { return o.policy.temperature; }, 1e-6, 1e3),
      Number<double>(
          "initial_range", [](O & o) -> auto& { return o.policy.initial_range; }, 0.0, 10.0),
      Number<std::size_t>(
          "batch", [](O & o) -> auto& { return o.batch; }, 1, kMost),
      Choice<Reward>("reward", [](O & o) -> auto& { return o.reward; },
                     {{"sqrt-time", Reward::kSqrtTime}, {"sqrt-relative", Reward::kSqrtRelative}}),
      Choice<Baseline>("baseline", [](O & o) -> auto& { return o.baseline; },
                       {{"moving-average", Baseline::kMovingAverage}, {"batch", Baseline::kBatch}}),
      Number<double>(
          "baseline_decay", [](O & o) -> auto& { return o.baseline_decay; }, 0.0, 1.0),
      Number<double>(
          "failing_cost", [](O & o) -> auto& { return o.failing_cost; }, 0.0, 1e9),
      Choice<bool>(
          "graded", [](O & o) -> auto& { return o.graded; }, kYesNo),
      Number<std::int64_t>(
          "successful_only_from", [](O & o) -> auto& { return o.successful_only_from; }, 0,
          kMostUpdates),
      Number<double>(
          "learning_rate", [](O & o) -> auto& { return o.learning_rate; }, 0.0, 10.0),
      Number<double>(
          "clip_norm", [](O & o) -> auto& { return o.clip_norm; }, 1e-9, 1e9),
      Number<double>(
          "entropy_weight", [](O & o) -> auto& { return o.entropy_weight; }, 0.0, 1e3),
      Number<std::size_t>(
          "epochs", [](O & o) -> auto& { return o.epochs; }, 1, 100),
      Number<double>(
          "ratio_clip", [](O & o) -> auto& { return o.ratio_clip; }, 0.0, 1e3),
      Number<std::size_t>(
          "elites", [](O & o) -> auto& { return o.elites; }, 0, 256),
      Number<double>(
          "narrowing", [](O & o) -> auto& { return o.narrowing; }, 0.0, 1.0),
      Number<double>(
          "elite_weight", [](O & o) -> auto& { return o.elite_weight; }, 0.0, 1e3),
      Number<double>(
          "neighbourhood", [](O & o) -> auto& { return o.neighbourhood; }, 0.0, 1.0),
      Number<double>(
          "exploration", [](O & o) -> auto& { return o.exploration; }, 0.0, 1.0),
      Choice<bool>(
          "uniform_start", [](O & o) -> auto& { return o.uniform_start; }, kYesNo),
      Number<double>(
          "oversampling", [](O & o) -> auto& { return o.oversampling; }, 1.0, 100.0),
      Number<double>(
          "reheating", [](O & o) -> auto& { return o.reheating; }, 1.0, 10.0),
      Number<double>(
          "together", [](O & o) -> auto& { return o.together; }, 0.0, 1.0),
      Number<double>(
          "first_temperature", [](O & o) -> auto& { return o.first_temperature; }, 1e-3, 1e3),
      Number<double>(
          "last_temperature", [](O & o) -> auto& { return o.last_temperature; }, 1e-3, 1e3),
      Number<std::int64_t>(
          "checkpoint_every", [](O & o) -> auto& { return o.checkpoint_every; }, 1, kMostUpdates),
      Number<std::size_t>(
          "micro_batches", [](O & o) -> auto& { return o.micro_batches; }, 1, kMost),
  };
  return options;
}

/// Keeps to the paper (arXiv 1706.04972, section 3; learning rate and constants as recalled in
/// docs/policy.md).
ReinforceOptions PaperPreset() {
  ReinforceOptions o;
  o.policy.hidden = 512;
  o.policy.attention = Attention::kBahdanau;
  o.reward = Reward::kSqrtTime;
  o.baseline = Baseline::kMovingAverage;
  o.failing_cost = 100;
  o.graded = false;
  o.successful_only_from = 5000;
  o.learning_rate = 0.1;
  o.epochs = 1;
  return o;
}

ReinforceOptions DefaultPreset() {
  ReinforceOptions o;
  o.learning_rate = 4e-3;
  o.entropy_weight = 0.01;
  o.epochs = 2;
  o.elites = 8;
  o.elite_weight = 1;
  o.narrowing = 0.25;
  o.neighbourhood = 0.9;
  o.together = 0.7;
  o.uniform_start = true;
  o.oversampling = 2;
  o.reheating = 1.1;
  return o;
}

}  // namespace

ReinforceOptions ReinforcePreset(std::string_view name) {
  if (name == "default") {
    return DefaultPreset();
  }
  if (name == "paper") {
    return PaperPreset();
  }
  throw InputError("preset '" + std::string(name) + "' is unknown, expected one of default, paper");
}

std::vector<std::string> ReinforcePresetNames() { return {"default", "paper"}; }

void SetReinforceOptions(const std::map<std::string, std::string>& values,
                         ReinforceOptions& options) {
  for (const auto& [name, text] : values) {
    std::string known;
    bool found = false;
    for (const Option& option : Options()) {
      known += (known.empty() ? "" : ", ") + option.name;
      if (option.name == name) {
        option.set(text, options);
        found = true;
      }
    }
    if (!found) {
      throw InputError("option '" + name + "' is unknown, expected one of " + known);
    }
  }
}

std::string Describe(const ReinforceOptions& options) {
  std::string text;
  for (const Option& option : Options()) {
    text += option.name + "=" + option.get(options) + " ";
  }
  return text + "warm=" + (options.warm ? "true" : "false");
}

}  // namespace placer
