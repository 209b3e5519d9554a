#include "experiments/experiment_config.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cmath>

#include "experiments/detail/experiment_messages.h"
#include "graphs/base/error.h"
#include "graphs/base/proto_file.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
constexpr ProtoFormat kFormat{"an experiment", "placer.experiment/1"};

[[noreturn]] void Fail(const std::string& field, const std::string& fault) {
  throw InputError(field + ": " + fault);
}

void Require(const std::string& value, const char* field) {
  if (value.empty()) {
    Fail(field, "missing");
  }
}

void ReadConstraints(const proto::Constraints& from, Constraints& to) {
  to.pin.assign(from.pin().begin(), from.pin().end());
  to.forbid.assign(from.forbid().begin(), from.forbid().end());
  to.together.assign(from.together().begin(), from.together().end());
  to.apart.assign(from.apart().begin(), from.apart().end());
  to.headroom.assign(from.headroom().begin(), from.headroom().end());
  to.whole_modules = from.whole_modules();
}

void WriteConstraints(const Constraints& from, proto::Experiment& to) {
  if (from.empty()) {
    return;
  }
  proto::Constraints& constraints = *to.mutable_constraints();
  constraints.mutable_pin()->Assign(from.pin.begin(), from.pin.end());
  constraints.mutable_forbid()->Assign(from.forbid.begin(), from.forbid.end());
  constraints.mutable_together()->Assign(from.together.begin(), from.together.end());
  constraints.mutable_apart()->Assign(from.apart.begin(), from.apart.end());
  constraints.mutable_headroom()->Assign(from.headroom.begin(), from.headroom.end());
  constraints.set_whole_modules(from.whole_modules);
}

void ReadExecution(const proto::Experiment& from, ExperimentConfig& to) {
  if (from.devices().empty()) {
    Require(from.cluster(), "cluster");
  } else if (!from.cluster().empty()) {
    Fail("devices", "given beside cluster, expected one of them");
  }
  to.problem.devices = from.devices();
  to.problem.profile = from.profile();
  to.model.inputs.assign(from.inputs().begin(), from.inputs().end());
  to.model.loss = from.loss();
  to.execution.runner = from.runner();
  const auto positive = [](const char* field, double value) {
    if (!(value > 0) || !std::isfinite(value)) {
      Fail(field, "found " + std::to_string(value) + ", expected a positive number");
    }
    return value;
  };
  if (from.has_rounds()) {
    to.execution.rounds = static_cast<int>(positive("rounds", from.rounds()));
  }
  if (from.has_step_seconds()) {
    to.execution.step_seconds = positive("step_seconds", from.step_seconds());
  }
  if (from.has_memory_gb()) {
    to.execution.memory_gb = positive("memory_gb", from.memory_gb());
  }
}

void WriteExecution(const ExperimentConfig& config, proto::Experiment& to) {
  if (!config.model.inputs.empty()) {
    to.mutable_inputs()->Assign(config.model.inputs.begin(), config.model.inputs.end());
    to.set_loss(config.model.loss);
  }
  to.set_profile(config.problem.profile);
  if (config.problem.devices.empty()) {
    return;
  }
  to.set_devices(config.problem.devices);
  to.set_runner(config.execution.runner);
  to.set_rounds(config.execution.rounds);
  if (config.execution.step_seconds) {
    to.set_step_seconds(*config.execution.step_seconds);
  }
  if (config.execution.memory_gb) {
    to.set_memory_gb(*config.execution.memory_gb);
  }
}

void ReadProblem(const proto::Experiment& from, ExperimentConfig& to) {
  Require(from.model(), "model");
  to.model.model = from.model();
  to.problem.cluster = from.cluster();
  ReadExecution(from, to);
  if (from.has_batch()) {
    if (from.batch() <= 0) {
      Fail("batch", "found " + std::to_string(from.batch()) + ", expected a positive number");
    }
    to.model.batch = from.batch();
  }
  to.model.training = from.training();
  if (from.has_optimizer()) {
    to.model.optimizer = from.optimizer();
  }
  if (from.has_groups()) {
    to.problem.max_groups = from.groups();
  }
  const auto word = [](const std::string& value, std::string& target) {
    if (!value.empty()) {
      target = value;
    }
  };
  word(from.objective(), to.problem.objective);
  word(from.order(), to.problem.order);
  word(from.space(), to.problem.space);
  static_cast<void>(to.problem.Simulation());  // throws for an unknown word
  ReadConstraints(from.constraints(), to.problem.constraints);
}

void ReadBudget(const proto::Experiment& from, ExperimentConfig& to) {
  if (from.samples() < 0) {
    Fail("samples", "found " + std::to_string(from.samples()) + ", expected a positive number");
  }
  if (from.samples() > 0) {
    to.samples = from.samples();
  }
  if (from.has_seconds()) {
    if (!(from.seconds() > 0) || !std::isfinite(from.seconds())) {
      Fail("seconds", "found " + std::to_string(from.seconds()) + ", expected a positive number");
    }
    to.seconds = from.seconds();
  }
  if (from.seeds_size() > 0) {
    to.seeds.assign(from.seeds().begin(), from.seeds().end());
    std::vector<Seed> sorted = to.seeds;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) {
      Fail("seeds", "found " + std::to_string(*twice) + " twice");
    }
  }
}

}  // namespace

ExperimentConfig detail::ExperimentFrom(const proto::Experiment& from,
                                        const std::string& default_name) {
  ExperimentConfig to;
  to.name = from.name().empty() ? default_name : from.name();
  ReadProblem(from, to);
  Require(from.method(), "method");
  to.method.name = from.method();
  to.method.preset = from.preset();
  to.method.options = {from.options().begin(), from.options().end()};
  ReadBudget(from, to);
  to.output_dir = from.output_dir();
  return to;
}

ExperimentConfig ReadExperiment(const fs::path& path) {
  proto::Experiment parsed;
  ReadProtoFile(path, kFormat, parsed);
  try {
    Require(parsed.output_dir(), "output_dir");
    return detail::ExperimentFrom(parsed, path.stem().string());
  } catch (const InputError& error) {
    throw error.In(path.string());
  }
}

ExperimentConfig ParseExperiment(std::string_view text, const std::string& where) {
  proto::Experiment parsed;
  ParseProto(text, where, kFormat, parsed);
  try {
    return detail::ExperimentFrom(parsed, where);
  } catch (const InputError& error) {
    throw error.In(where);
  }
}

proto::Experiment detail::ToMessage(const ExperimentConfig& config) {
  proto::Experiment to;
  to.set_format(std::string(kFormat.format));
  to.set_name(config.name);
  to.set_model(config.model.model);
  if (config.model.batch) {
    to.set_batch(*config.model.batch);
  }
  to.set_training(config.model.training);
  if (config.model.optimizer) {
    to.set_optimizer(*config.model.optimizer);
  }
  to.set_cluster(config.problem.cluster);
  WriteExecution(config, to);
  to.set_objective(config.problem.objective);
  to.set_order(config.problem.order);
  to.set_space(config.problem.space);
  if (config.problem.space != "ops") {
    to.set_groups(
        static_cast<std::uint32_t>(config.problem.max_groups.value_or(kDefaultMaxGroups)));
  }
  WriteConstraints(config.problem.constraints, to);
  to.set_method(config.method.name);
  to.set_preset(config.method.preset);
  to.mutable_options()->insert(config.method.options.begin(), config.method.options.end());
  to.set_samples(config.samples);
  if (config.seconds) {
    to.set_seconds(*config.seconds);
  }
  to.mutable_seeds()->Assign(config.seeds.begin(), config.seeds.end());
  to.set_output_dir(config.output_dir.string());
  return to;
}

std::string detail::ToText(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  printer.PrintToString(message, &text);
  return text;
}

std::string ExperimentToText(const ExperimentConfig& config) {
  return detail::ToText(detail::ToMessage(config));
}

}  // namespace placer
