#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace placer {

/// Settings of the REINFORCE trainer. What those that go beyond the paper are worth is measured in
/// docs/paper.md.
struct ReinforceOptions {
  enum class Reward : std::uint8_t {
    kSqrtTime,      ///< -sqrt(seconds) (arXiv 1706.04972, section 3.2)
    kSqrtRelative,  ///< -sqrt(time / lower bound): free of scale
  };
  enum class Baseline : std::uint8_t {
    kMovingAverage,  ///< exponential, over batches (the paper's)
    kBatch,          ///< mean of the batch; advantages are divided by the batch's deviation
  };

  PolicyConfig policy;
  std::size_t batch = 16;  ///< placements per update
  Reward reward = Reward::kSqrtRelative;
  Baseline baseline = Baseline::kBatch;
  double baseline_decay = 0.9;  ///< of the moving average
  /// Reward of a placement that does not fit: minus this, in units of the reward; with `graded` its
  /// excess over the capacity is taken off as well.
  double failing_cost = 10;
  bool graded = true;
  /// From this update on only placements that fit are learned from; 0: never.
  std::int64_t successful_only_from = 0;
  double learning_rate = 1e-3;
  double clip_norm = 1.0;
  double entropy_weight = 0;
  std::size_t epochs = 1;   ///< passes over each batch
  double ratio_clip = 0.2;  ///< PPO clipping where epochs > 1 (Schulman et al. 2017)
  /// The best placements found so far, learned from with every batch (self-imitation, Oh et al.
  /// 2018).
  std::size_t elites = 0;
  double elite_weight = 0;
  /// The number of elites in use falls to one while the last share of the budget is spent.
  double narrowing = 0;
  /// Share of the samples, at the end, that keep an elite placement but for a neighbourhood, which
  /// the policy decides anew. The share grows from 0 while `exploration` of the budget is spent.
  double neighbourhood = 0;
  double exploration = 0.1;
  /// Where there are fewer than 100 samples per group, or seconds limit the search, the first batch
  /// puts all groups on one device each time, which the policy chooses: a start from which parts
  /// can be moved, where a random one would have to be tidied up first. There is no `exploration`
  /// then.
  bool uniform_start = false;
  /// Placements proposed per one evaluated: those that were evaluated before are passed over.
  double oversampling = 1;
  /// Factor by which the sampling temperature rises after a batch without enough new placements,
  /// and falls again after others; 1: never.
  double reheating = 1;
  /// Share of the neighbourhoods that get one device: one decision for all their groups.
  double together = 0;
  /// Sampling temperature at the start and at the end (geometric in between).
  double first_temperature = 1, last_temperature = 1;
  /// Imitates the best of the heuristics before the first update (`reinforce+warm`).
  bool warm = false;
  /// Parts that each batch is completed and learned from in. A part is what one of several ranks
  /// (docs/distributed.md) gets: the number of ranks changes nothing, this does, by rounding.
  std::size_t micro_batches = 1;
  std::int64_t checkpoint_every = 50;  ///< updates
};

/// `default` or `paper`. @throws InputError for another name (lists the known ones)
[[nodiscard]] ReinforceOptions ReinforcePreset(std::string_view name);
[[nodiscard]] std::vector<std::string> ReinforcePresetNames();

/// Sets options by name ("learning_rate" -> "0.01"). @throws InputError for an unknown name (lists
/// the known ones) or a bad value
void SetReinforceOptions(const std::map<std::string, std::string>& values,
                         ReinforceOptions& options);

/// All options as name=value, in a fixed order: part of what a checkpoint belongs to.
[[nodiscard]] std::string Describe(const ReinforceOptions& options);

}  // namespace placer
