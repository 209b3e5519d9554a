#include "experiments/experiment_config.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "experiments/experiment.pb.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
constexpr int kVersion = 1;

/// Keeps the first error; protobuf would print them all to stderr.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text_.empty()) {
      text_ = "line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1) + ": " +
              message;
    }
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

[[noreturn]] void Fail(const std::string& field, const std::string& fault) {
  throw InputError(field + ": " + fault);
}

proto::Experiment Parse(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw InputError(path.string() + ": cannot be read, expected an experiment (.txtpb)");
  }
  proto::Experiment parsed;
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (!parser.ParseFromString(text.str(), &parsed)) {
    throw InputError(path.string() + ": " + error.text());
  }
  return parsed;
}

void Require(const std::string& value, const char* field) {
  if (value.empty()) {
    Fail(field, "missing");
  }
}

void ReadProblem(const proto::Experiment& from, ExperimentConfig& to) {
  Require(from.model(), "model");
  Require(from.cluster(), "cluster");
  to.model.model = from.model();
  to.problem.cluster = from.cluster();
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

ExperimentConfig FromProto(const proto::Experiment& from, const std::string& default_name) {
  if (from.version() != kVersion) {
    Fail("version",
         "found " + std::to_string(from.version()) + ", expected " + std::to_string(kVersion));
  }
  ExperimentConfig to;
  to.name = from.name().empty() ? default_name : from.name();
  ReadProblem(from, to);
  Require(from.method(), "method");
  to.method = from.method();
  to.preset = from.preset();
  to.options = {from.options().begin(), from.options().end()};
  ReadBudget(from, to);
  Require(from.output_dir(), "output_dir");
  to.output_dir = from.output_dir();
  return to;
}

}  // namespace

ExperimentConfig ReadExperiment(const fs::path& path) {
  const proto::Experiment parsed = Parse(path);
  try {
    return FromProto(parsed, path.stem().string());
  } catch (const InputError& error) {
    throw error.In(path.string());
  }
}

std::string ExperimentToText(const ExperimentConfig& config) {
  proto::Experiment to;
  to.set_version(kVersion);
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
  to.set_objective(config.problem.objective);
  to.set_order(config.problem.order);
  to.set_space(config.problem.space);
  if (config.problem.space == "groups") {
    to.set_groups(
        static_cast<std::uint32_t>(config.problem.max_groups.value_or(kDefaultMaxGroups)));
  }
  to.set_method(config.method);
  to.set_preset(config.preset);
  to.mutable_options()->insert(config.options.begin(), config.options.end());
  to.set_samples(config.samples);
  if (config.seconds) {
    to.set_seconds(*config.seconds);
  }
  to.mutable_seeds()->Assign(config.seeds.begin(), config.seeds.end());
  to.set_output_dir(config.output_dir.string());
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  printer.PrintToString(to, &text);
  return text;
}

}  // namespace placer
