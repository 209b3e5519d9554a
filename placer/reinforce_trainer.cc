#include "placer/reinforce_trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "cost_model/bound.h"
#include "placer/detail/moves.h"
#include "placer/registry.h"
#include "placer/reinforce_policy.h"
#include "placer/sharded_policy.h"

namespace placer {
namespace {

/// Streams of random numbers.
enum class Stream : std::uint8_t { kPolicy, kSamples, kNeighbourhoods, kWarmUp };

/// A policy that proposes nothing new is sampled at a higher temperature, up to this factor.
constexpr double kMostHeat = 2;

/// From this share of the failing cost on, the costs of slow placements are squeezed together below
/// it: a step 81 times as long as the bound with the default preset, which searches rarely see.
constexpr double kSlow = 0.9;

Seed StreamSeed(Seed root, Stream stream, std::int64_t index = 0, std::size_t sample = 0) {
  return DeriveSeed(root, static_cast<std::uint64_t>(stream), index, sample);
}

GroupPlacement ToGroups(const std::vector<std::uint8_t>& devices) {
  GroupPlacement groups;
  groups.reserve(devices.size());
  for (const std::uint8_t device : devices) {
    groups.emplace_back(device);
  }
  return groups;
}

/// The policy, on micro-batches if that is asked for.
std::unique_ptr<Policy> MakePolicy(const PlaceRequest& request, const ReinforceOptions& options,
                                   RankTeam* team) {
  std::unique_ptr<Policy> policy =
      MakePolicyFor(request.problem, options, StreamSeed(request.seed, Stream::kPolicy));
  if (options.micro_batches > 1) {
    policy = std::make_unique<ShardedPolicy>(std::move(policy), options.micro_batches, team);
  }
  return policy;
}

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

ReinforceTrainer::ReinforceTrainer(const PlaceRequest& request, const ReinforceOptions& options,
                                   OnUpdate on_update, RankTeam* team)
    : request_(request),
      options_(options),
      on_update_(std::move(on_update)),
      features_(PolicyFeaturesOf(request.problem)),
      policy_(MakePolicy(request, options, team)),
      session_(request),
      moves_(std::make_unique<MoveGenerator>(request.problem)) {
  const Problem& problem = request.problem;
  if (options_.reward == ReinforceOptions::Reward::kSqrtRelative) {
    const LowerBound bound = ComputeLowerBound(problem.graph(), problem.cluster(), problem.costs());
    time_unit_ = std::max(ToSeconds(bound.value()).count(), 1e-12);
  }
  capacity_ = 0;
  for (const Device& device : problem.cluster().devices()) {
    capacity_ += static_cast<double>(device.memory_bytes);
  }
  if (!request.checkpoint.empty() && std::filesystem::exists(request.checkpoint)) {
    Restore();
  } else if (options_.warm) {
    WarmUp();
  }
}

ReinforceTrainer::~ReinforceTrainer() = default;

/// Spends a few samples on every heuristic and imitates the best placement.
void ReinforceTrainer::WarmUp() {
  constexpr std::int64_t kHeuristicSamples = 64;
  constexpr int kImitationSteps = 100;
  const PlacerRegistry heuristics = HeuristicPlacers();
  for (const char* name :
       {"single_device", "topological", "heft", "etf", "scotch", "min_cut", "expert"}) {
    if (session_.exhausted()) {
      break;
    }
    const PlaceRequest request{request_.problem,
                               {std::min(kHeuristicSamples, session_.samples_left()), std::nullopt},
                               StreamSeed(request_.seed, Stream::kWarmUp),
                               request_.stop,
                               {},
                               {},
                               /*keep_hashes=*/true};
    session_.Absorb(heuristics.Make(name)->Place(request));
  }
  cut_warm_up_ = request_.stop.stop_requested();
  if (cut_warm_up_ || !session_.has_best()) {
    return;
  }
  std::vector<std::uint8_t> best;
  for (const DeviceId device : session_.best_groups()) {
    best.push_back(static_cast<std::uint8_t>(device.index()));
  }
  AddElite(best, session_.best());
  Experience experience;
  experience.devices = best;
  experience.weight = 1;
  UpdateOptions update;
  update.learning_rate = options_.learning_rate;
  update.clip_norm = options_.clip_norm;
  for (int step = 0; step < kImitationSteps; ++step) {
    (void)policy_->Update(features_, std::span(&experience, 1), update);
  }
}

void ReinforceTrainer::Run() {
  if (cut_warm_up_) {
    return;  // without a checkpoint, the whole of it is done when the run goes on
  }
  while (!session_.exhausted()) {
    if (!Update()) {
      Save(session_.BeforeLastBatch());  // the same batch comes first when the run goes on
      return;
    }
    if (update_ % options_.checkpoint_every == 0) {
      Save(session_);
    }
  }
  Save(session_);
}

GroupPlacement ReinforceTrainer::MostLikely() {
  return ToGroups(policy_->MostLikely(features_).devices);
}

PlaceResult ReinforceTrainer::Finish() {
  return std::move(session_).Finish(std::to_string(update_) + " updates");
}

/// @return false, with nothing learned, for a batch that a stop cut short
bool ReinforceTrainer::Update() {
  const auto start = std::chrono::steady_clock::now();
  const double spent = session_.spent();
  const double temperature =
      heat_ * options_.first_temperature *
      std::pow(options_.last_temperature / options_.first_temperature, spent);
  const double heat = heat_;
  const Batch batch = Propose(temperature);
  if (batch.cut || batch.proposals.empty()) {
    heat_ = heat;  // the update will be tried again
    return false;
  }
  const std::vector<float> advantages = Advantages(batch.rewards);
  for (std::size_t i = 0; i < batch.proposals.size(); ++i) {
    AddElite(batch.proposals[i].devices, batch.summaries[i]);
  }
  const UpdateStats stats = Learn(batch, advantages, temperature);
  ++update_;
  Report(batch, stats, temperature, std::chrono::steady_clock::now() - start);
  return true;
}

/// All for most of the budget, then fewer, at the end only the best: the policy settles.
std::size_t ReinforceTrainer::NumActiveElites() const {
  const double share =
      options_.narrowing > 0 ? std::min(1.0, (1 - session_.spent()) / options_.narrowing) : 1;
  const double active = std::ceil(share * static_cast<double>(options_.elites));
  return std::min(elites_.size(), std::max<std::size_t>(1, static_cast<std::size_t>(active)));
}

/// An elite placement with a part left to decide.
std::vector<std::uint8_t> ReinforceTrainer::Neighbourhood(std::size_t sample) {
  Rng rng(StreamSeed(request_.seed, Stream::kNeighbourhoods, update_, sample));
  std::vector<std::uint8_t> given = elites_[rng.Below(NumActiveElites())].devices;
  const GroupPlacement groups = ToGroups(given);
  const bool together = rng.Uniform() < options_.together;
  std::size_t leader = given.size();
  for (const auto& [group, device] : moves_->Propose(groups, &rng)) {
    given[group.index()] = together ? kSameDevice : kAnyDevice;
    leader = std::min(leader, group.index());
  }
  given[leader] = kAnyDevice;
  return given;
}

/// With as many samples per group as annealing takes for one of its rounds there is time to start
/// from anywhere.
bool ReinforceTrainer::StartsUniform() const {
  constexpr std::int64_t kSamplesPerGroup = 100;
  const Budget& budget = request_.budget;
  return options_.uniform_start &&
         (budget.seconds ||
          budget.samples < kSamplesPerGroup * static_cast<std::int64_t>(features_.num_groups));
}

ReinforceTrainer::Batch ReinforceTrainer::Propose(double temperature) {
  Batch batch;
  const double spent = session_.spent();
  const double share = options_.neighbourhood * (options_.exploration > 0 && !StartsUniform()
                                                     ? std::min(1.0, spent / options_.exploration)
                                                     : 1.0);
  const bool local = share > 0 && !elites_.empty() && moves_->any();
  const bool uniform = StartsUniform() && update_ == 0;
  std::vector<std::uint8_t> all(features_.num_groups, uniform ? kSameDevice : kAnyDevice);
  all.front() = kAnyDevice;
  const auto num_proposals = static_cast<std::size_t>(
      std::lround(options_.oversampling * static_cast<double>(options_.batch)));
  for (std::size_t i = 0; i < num_proposals; ++i) {
    const bool is_local =
        static_cast<double>(i % options_.batch) < share * static_cast<double>(options_.batch);
    batch.given.push_back(local && is_local ? Neighbourhood(i) : all);
  }
  batch.proposals = policy_->Complete(
      features_, batch.given, StreamSeed(request_.seed, Stream::kSamples, update_), temperature,
      /*first_sample=*/0);
  std::vector<GroupPlacement> placements;
  KeepNew(batch, placements);
  batch.summaries.resize(placements.size());
  const std::size_t evaluated = session_.EvaluateBatch(placements, batch.summaries);
  batch.cut = evaluated < placements.size() && request_.stop.stop_requested() &&
              session_.samples_left() > 0;
  if (batch.cut) {
    return batch;
  }
  batch.given.resize(evaluated);
  batch.proposals.resize(evaluated);
  batch.summaries.resize(evaluated);
  for (const StepSummary& summary : batch.summaries) {
    batch.rewards.push_back(Reward(summary));
  }
  return batch;
}

/// Of the proposals the first `batch` that were not evaluated before; without oversampling, all.
void ReinforceTrainer::KeepNew(Batch& batch, std::vector<GroupPlacement>& placements) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < batch.proposals.size() && kept < options_.batch; ++i) {
    GroupPlacement groups = ToGroups(batch.proposals[i].devices);
    const std::size_t left = batch.proposals.size() - i;
    const bool spare = left > 1 && (kept > 0 || left > options_.batch);
    if (options_.oversampling > 1 && spare && session_.seen(groups)) {
      continue;
    }
    if (kept != i) {
      batch.given[kept] = std::move(batch.given[i]);
      batch.proposals[kept] = std::move(batch.proposals[i]);
    }
    placements.push_back(std::move(groups));
    ++kept;
  }
  const double new_share = static_cast<double>(kept) / static_cast<double>(options_.batch);
  heat_ = new_share < 0.5 ? std::min(heat_ * options_.reheating, kMostHeat)
                          : std::max(heat_ / options_.reheating, 1.0);
  batch.given.resize(kept);
  batch.proposals.resize(kept);
}

double ReinforceTrainer::Reward(const StepSummary& summary) const {
  if (summary.outcome == StepOutcome::kOk) {
    const double cost = std::sqrt(ToSeconds(summary.step_time).count() / time_unit_);
    const double slow = kSlow * options_.failing_cost;
    const double room = options_.failing_cost - slow;
    // However slow: it costs less than what does not fit, and more than what is quicker.
    return -(cost > slow && room > 0 ? options_.failing_cost - room / (1 + (cost - slow) / room)
                                     : cost);
  }
  return -options_.failing_cost -
         (options_.graded ? std::log1p(static_cast<double>(summary.excess_bytes) / capacity_ * 100)
                          : 0);
}

std::vector<float> ReinforceTrainer::Advantages(const std::vector<double>& rewards) {
  const double mean = Mean(rewards);
  double center = mean;
  double scale = 1;
  if (options_.baseline == ReinforceOptions::Baseline::kMovingAverage) {
    center = has_baseline_ ? baseline_ : mean;
  } else {
    double variance = 0;
    for (const double reward : rewards) {
      variance += (reward - mean) * (reward - mean) / static_cast<double>(rewards.size());
    }
    scale = 1 / std::max(std::sqrt(variance), 1e-9 * (1 + std::abs(mean)));
  }
  baseline_ = has_baseline_
                  ? options_.baseline_decay * baseline_ + (1 - options_.baseline_decay) * mean
                  : mean;
  has_baseline_ = true;
  std::vector<float> advantages;
  for (const double reward : rewards) {
    advantages.push_back(static_cast<float>((reward - center) * scale));
  }
  return advantages;
}

void ReinforceTrainer::AddElite(const std::vector<std::uint8_t>& devices,
                                const StepSummary& summary) {
  const auto place = std::find_if(elites_.begin(), elites_.end(), [&](const Elite& elite) {
    return IsBetter(summary, elite.summary);
  });
  const bool known = std::any_of(elites_.begin(), elites_.end(),
                                 [&](const Elite& elite) { return elite.devices == devices; });
  const std::size_t capacity =
      std::max<std::size_t>(options_.elites, options_.neighbourhood > 0 ? 1 : 0);
  if (known || (place == elites_.end() && elites_.size() >= capacity)) {
    return;
  }
  elites_.insert(place, {devices, summary});
  if (elites_.size() > capacity) {
    elites_.pop_back();
  }
}

UpdateStats ReinforceTrainer::Learn(const Batch& batch, const std::vector<float>& advantages,
                                    double temperature) {
  const bool successful_only =
      options_.successful_only_from > 0 && update_ >= options_.successful_only_from;
  std::vector<Experience> experiences;
  for (std::size_t i = 0; i < batch.proposals.size(); ++i) {
    if (successful_only && batch.summaries[i].outcome != StepOutcome::kOk) {
      continue;
    }
    Experience experience;
    experience.devices = batch.proposals[i].devices;
    experience.old_log_probabilities = batch.proposals[i].log_probabilities;
    experience.given = batch.given[i];
    experience.weight = advantages[i];
    experiences.push_back(experience);
  }
  if (options_.elite_weight > 0) {
    for (std::size_t i = 0; i < NumActiveElites(); ++i) {
      Experience experience;
      experience.devices = elites_[i].devices;
      experience.weight = static_cast<float>(options_.elite_weight);
      experiences.push_back(experience);
    }
  }
  UpdateStats stats;
  if (experiences.empty()) {
    return stats;
  }
  UpdateOptions update;
  update.learning_rate = options_.learning_rate;
  update.clip_norm = options_.clip_norm;
  update.entropy_weight = options_.entropy_weight;
  update.ratio_clip = options_.ratio_clip;
  update.sampling_temperature = temperature;
  for (std::size_t epoch = 0; epoch < options_.epochs; ++epoch) {
    stats = policy_->Update(features_, experiences, update);
  }
  return stats;
}

void ReinforceTrainer::Report(const Batch& batch, const UpdateStats& stats, double temperature,
                              Seconds wall) const {
  if (!on_update_) {
    return;
  }
  UpdateRecord record;
  record.update = update_;
  record.samples = session_.samples();
  record.mean_reward = Mean(batch.rewards);
  record.best_reward = *std::max_element(batch.rewards.begin(), batch.rewards.end());
  record.baseline = baseline_;
  double total = 0;
  double feasible = 0;
  for (const StepSummary& summary : batch.summaries) {
    if (summary.outcome == StepOutcome::kOk) {
      total += ToSeconds(summary.step_time).count();
      feasible += 1;
    }
  }
  record.mean_time = feasible > 0 ? total / feasible : 0;
  record.best_time = session_.best().outcome == StepOutcome::kOk
                         ? ToSeconds(session_.best().step_time).count()
                         : 0;
  record.feasible_share = feasible / static_cast<double>(batch.summaries.size());
  record.unique_share =
      static_cast<double>(session_.unique_samples()) / static_cast<double>(session_.samples());
  record.entropy = stats.entropy;
  record.gradient_norm = stats.gradient_norm;
  record.temperature = temperature;
  record.samples_per_second =
      static_cast<double>(batch.summaries.size()) / std::max(wall.count(), 1e-9);
  on_update_(record);
}

}  // namespace placer
