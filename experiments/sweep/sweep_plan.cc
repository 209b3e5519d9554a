#include "experiments/sweep/sweep_plan.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "cost_model/cluster_io.h"
#include "experiments/detail/experiment_messages.h"
#include "experiments/detail/sweep_axes.h"
#include "experiments/format.h"
#include "experiments/sweep/trial_filter.h"
#include "graphs/base/error.h"
#include "graphs/base/fingerprint.h"
#include "graphs/base/proto_file.h"
#include "graphs/base/replace_file.h"
#include "graphs/zoo.h"
#include "placer/auto_placer.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

constexpr ProtoFormat kFormat{"a sweep", "placer.sweep/1"};
constexpr std::string_view kZooPrefix = "zoo:";

/// What stands behind the names in a config, so that a changed file makes another trial. Each is
/// read once.
class Contents {
 public:
  [[nodiscard]] std::uint64_t Of(const ExperimentConfig& config) {
    Fingerprint all;
    const auto add = [&all](std::uint64_t one) { all.Add(static_cast<std::int64_t>(one)); };
    add(Model(config.model.model));
    if (config.problem.devices.empty()) {
      add(Remembered("cluster " + config.problem.cluster,
                     [&] { return LoadCluster(config.problem.cluster).fingerprint(); }));
    }
    if (!config.problem.profile.empty()) {
      add(File(config.problem.profile));
    }
    return all.value();
  }

 private:
  template <typename Make>
  std::uint64_t Remembered(const std::string& what, const Make& make) {
    if (const auto it = known_.find(what); it != known_.end()) {
      return it->second;
    }
    return known_[what] = make();
  }
  std::uint64_t File(const std::string& path) {
    return Remembered("file " + path,
                      [&] { return Fingerprint().Add(ReadWholeFile(path)).value(); });
  }
  std::uint64_t Model(const std::string& model) {
    if (!model.starts_with(kZooPrefix)) {
      return File(model);
    }
    return Remembered(model,
                      [&] { return MakeZooGraph(model.substr(kZooPrefix.size())).fingerprint(); });
  }

  std::map<std::string, std::uint64_t> known_;
};

std::vector<TrialFilter> ReadFilters(const google::protobuf::RepeatedPtrField<std::string>& texts,
                                     const std::string& field) {
  std::vector<TrialFilter> filters;
  for (int i = 0; i < texts.size(); ++i) {
    try {
      filters.emplace_back(texts[i]);
    } catch (const InputError& error) {
      throw error.In(fmt::format("{}[{}]", field, i));
    }
  }
  return filters;
}

class Planner {
 public:
  Planner(const proto::Sweep& sweep, const std::string& default_name)
      : sweep_(sweep),
        axes_(detail::ReadAxes(sweep)),
        include_(ReadFilters(sweep.include(), "include")),
        exclude_(ReadFilters(sweep.exclude(), "exclude")),
        registry_(LibraryPlacers()) {
    plan_.name = sweep.name().empty() ? default_name : sweep.name();
    plan_.config = detail::ToText(sweep);
    plan_.output_dir = sweep.output_dir();
    plan_.keep_runs = sweep.keep_runs();
    for (const detail::SweepAxis& axis : axes_) {
      fields_.insert(fields_.end(), axis.fields.begin(), axis.fields.end());
    }
    // `model` before `model.batch`, whatever their order in the config.
    order_.resize(fields_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(), [this](std::size_t a, std::size_t b) {
      return fields_[a].depth() < fields_[b].depth();
    });
  }

  [[nodiscard]] SweepPlan Plan() && {
    for (const detail::ExperimentField& field : fields_) {
      if (!IsSeed(field)) {
        plan_.fields.push_back(field.path());
      }
    }
    plan_.fields.emplace_back("seed");
    for (const std::vector<std::string>& values : detail::Combinations(axes_)) {
      AddExperiment(values);
    }
    return std::move(plan_);
  }

 private:
  static bool IsSeed(const detail::ExperimentField& field) {
    return field.path() == "seed" || field.path() == "seeds";
  }

  void AddExperiment(const std::vector<std::string>& values) {
    std::vector<TrialAxis> axes;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (!IsSeed(fields_[i])) {
        axes.push_back({fields_[i].path(), values[i]});
      }
    }
    try {
      proto::Experiment message = sweep_.base();
      for (const std::size_t i : order_) {
        fields_[i].Set(message, values[i]);
      }
      message.set_name(plan_.name);
      ExperimentConfig config = detail::ExperimentFrom(message, plan_.name);
      static_cast<void>(MakeConfigured(registry_, config.method));
      for (const Seed seed : std::exchange(config.seeds, {})) {
        config.seeds = {seed};
        AddTrial(config, axes);
      }
    } catch (const InputError& error) {
      throw axes.empty() ? error.In("base") : error.In("trial " + Describe(axes));
    }
  }

  void AddTrial(const ExperimentConfig& config, std::vector<TrialAxis> axes) {
    proto::Experiment message = detail::ToMessage(config);
    const auto matches = [&](const TrialFilter& filter) { return filter.Matches(message); };
    if ((!include_.empty() && std::none_of(include_.begin(), include_.end(), matches)) ||
        std::any_of(exclude_.begin(), exclude_.end(), matches)) {
      ++plan_.excluded;
      return;
    }
    message.clear_name();
    SweepTrial trial;
    trial.config = detail::ToText(message);
    trial.key = FormatFingerprint(Fingerprint()
                                      .Add(trial.config)
                                      .Add(static_cast<std::int64_t>(contents_.Of(config)))
                                      .value());
    if (!keys_.insert(trial.key).second) {
      ++plan_.repeated;
      return;
    }
    trial.executes = !config.problem.devices.empty();
    trial.axes = std::move(axes);
    trial.axes.push_back({"seed", std::to_string(config.seeds.front())});
    for (auto clear : {&proto::Experiment::clear_method, &proto::Experiment::clear_preset,
                       &proto::Experiment::clear_options, &proto::Experiment::clear_samples,
                       &proto::Experiment::clear_seconds, &proto::Experiment::clear_seeds}) {
      (message.*clear)();
    }
    trial.problem = detail::ToText(message);
    plan_.trials.push_back(std::move(trial));
  }

  const proto::Sweep& sweep_;
  std::vector<detail::SweepAxis> axes_;
  std::vector<TrialFilter> include_, exclude_;
  PlacerRegistry registry_;
  std::vector<detail::ExperimentField> fields_;
  std::vector<std::size_t> order_;  ///< in which fields are set
  Contents contents_;
  std::set<std::string> keys_;
  SweepPlan plan_;
};

void CheckFrame(const proto::Sweep& sweep) {
  if (sweep.output_dir().empty()) {
    throw InputError("output_dir: missing");
  }
  if (!sweep.base().output_dir().empty() || !sweep.base().name().empty()) {
    throw InputError("base: found name or output_dir, expected them in the sweep itself");
  }
}

}  // namespace

SweepPlan PlanSweep(const proto::Sweep& sweep, const std::string& default_name) {
  return Planner(sweep, default_name).Plan();
}

SweepPlan ReadSweep(const fs::path& path) {
  proto::Sweep sweep;
  ReadProtoFile(path, kFormat, sweep);
  try {
    CheckFrame(sweep);
    SweepPlan plan = PlanSweep(sweep, path.stem().string());
    if (plan.trials.empty()) {
      throw InputError(fmt::format("include, exclude: leave none of {} trials", plan.excluded));
    }
    return plan;
  } catch (const InputError& error) {
    throw error.In(path.string());
  }
}

std::string Describe(const std::vector<TrialAxis>& axes) {
  std::string text;
  for (const TrialAxis& axis : axes) {
    text += (text.empty() ? "" : " ") + axis.field + "=" + axis.value;
  }
  return text;
}

}  // namespace placer
