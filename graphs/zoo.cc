#include "graphs/zoo.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>
#include <string_view>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/detail/zoo_models.h"
#include "graphs/training.h"

namespace placer {
namespace {

constexpr std::string_view kTraining = "training";
constexpr std::string_view kOptimizer = "optimizer";
constexpr std::string_view kAddends = "addends";
constexpr ZooNumber kAddendsNumber = {kAddends, 8, 0, 1000000,
                                      "most gradients added at once, 0: no limit"};

std::vector<ZooModel> Models() {
  return {InceptionV3Model(), NmtModel(), Resnet50Model(), RnnlmModel(), TransformerModel()};
}

/// What `NAME?key=value&...` asks for.
struct Request {
  ZooNumbers numbers;
  bool training = true;
  TrainingOptions options;
};

std::string Join(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) {
    joined += (joined.empty() ? "" : ", ") + word;
  }
  return joined;
}

ZooModel FindModel(std::string_view name) {
  const std::vector<ZooModel> models = Models();
  const auto it = std::find_if(models.begin(), models.end(),
                               [name](const ZooModel& model) { return model.name == name; });
  if (it == models.end()) {
    std::vector<std::string> known;
    known.reserve(models.size());
    for (const ZooModel& model : models) {
      known.emplace_back(model.name);
    }
    throw InputError("zoo graph " + Quoted(name) + " is unknown, expected one of " + Join(known));
  }
  return *it;
}

std::int64_t ParseNumber(const ZooNumber& number, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < number.min ||
      value > number.max) {
    throw InputError("zoo parameter " + Quoted(number.name) + " is " + Quoted(text) +
                     ", expected a whole number from " + std::to_string(number.min) + " to " +
                     std::to_string(number.max));
  }
  return value;
}

void SetParameter(const ZooModel& model, std::string_view key, std::string_view value,
                  Request& request) {
  const auto number = std::find_if(model.numbers.begin(), model.numbers.end(),
                                   [key](const ZooNumber& known) { return known.name == key; });
  if (number != model.numbers.end()) {
    request.numbers.Set(key, ParseNumber(*number, value));
  } else if (key == kTraining) {
    if (value != "true" && value != "false") {
      throw InputError("zoo parameter 'training' is " + Quoted(value) + ", expected true or false");
    }
    request.training = value == "true";
  } else if (key == kOptimizer) {
    const auto optimizer = ParseOptimizer(value);
    if (!optimizer) {
      throw InputError("zoo parameter 'optimizer' is " + Quoted(value) +
                       ", expected sgd, momentum or adam");
    }
    request.options.optimizer = *optimizer;
  } else if (key == kAddends) {
    request.options.max_addends = static_cast<std::size_t>(ParseNumber(kAddendsNumber, value));
  } else {
    std::vector<std::string> known;
    for (const ZooNumber& parameter : model.numbers) {
      known.emplace_back(parameter.name);
    }
    known.insert(known.end(),
                 {std::string(kTraining), std::string(kOptimizer), std::string(kAddends)});
    throw InputError("zoo graph " + Quoted(model.name) + " has no parameter " + Quoted(key) +
                     ", expected one of " + Join(known));
  }
}

Request ParseRequest(const ZooModel& model, std::string_view parameters) {
  Request request;
  for (const ZooNumber& number : model.numbers) {
    request.numbers.Set(number.name, number.default_value);
  }
  request.options.optimizer = *ParseOptimizer(model.optimizer);
  std::set<std::string_view> seen;
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find('&'), parameters.size());
    const std::string_view pair = parameters.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) {
      throw InputError("zoo graph " + Quoted(model.name) + ": found " + Quoted(pair) +
                       ", expected key=value");
    }
    const std::string_view key = pair.substr(0, equals);
    SetParameter(model, key, pair.substr(equals + 1), request);
    if (!seen.insert(key).second) {
      throw InputError("zoo graph " + Quoted(model.name) + ": parameter " + Quoted(key) +
                       " is given twice, expected once");
    }
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
  }
  return request;
}

}  // namespace

std::int64_t ZooNumbers::operator[](std::string_view name) const {
  const auto it = values_.find(name);
  if (it == values_.end()) {
    throw std::logic_error("zoo number " + Quoted(name) + " is not declared");
  }
  return it->second;
}

std::vector<ZooEntry> GraphZoo() {
  std::vector<ZooEntry> entries;
  for (const ZooModel& model : Models()) {
    ZooEntry entry{std::string(model.name), std::string(model.summary), {}};
    for (const ZooNumber& number : model.numbers) {
      entry.parameters.push_back({std::string(number.name), std::to_string(number.default_value),
                                  std::string(number.meaning)});
    }
    entry.parameters.push_back(
        {std::string(kTraining), "true", "a training step, or only the forward pass"});
    entry.parameters.push_back(
        {std::string(kOptimizer), std::string(model.optimizer), "sgd, momentum or adam"});
    entry.parameters.push_back({std::string(kAddends), std::to_string(kAddendsNumber.default_value),
                                std::string(kAddendsNumber.meaning)});
    entries.push_back(std::move(entry));
  }
  return entries;
}

Graph MakeZooGraph(const std::string& spec) {
  const std::size_t question = std::min(spec.find('?'), spec.size());
  const ZooModel model = FindModel(std::string_view(spec).substr(0, question));
  const Request request =
      ParseRequest(model, std::string_view(spec).substr(std::min(question + 1, spec.size())));
  try {
    Graph forward = model.make(request.numbers);
    return request.training ? MakeTrainingGraph(forward, request.options) : std::move(forward);
  } catch (const InputError& error) {
    throw error.In("zoo graph " + Quoted(spec));
  }
}

}  // namespace placer
