#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graphs/base/rng.h"
#include "policy/group_features.h"

namespace placer {

enum class Attention : std::uint8_t { kDotProduct, kBahdanau };

/// Shape of the network. Source: arXiv 1706.04972, section 3; sizes of the defaults:
/// docs/policy.md.
struct PolicyConfig {
  std::size_t hidden = 128;  ///< units of encoder and decoder LSTM
  std::size_t type_embedding = 32;
  std::size_t adjacency_embedding = 32;
  std::size_t device_embedding = 32;
  std::size_t max_groups = 1024;  ///< rows of the adjacency embedding; larger graphs share rows
  std::size_t max_devices = 16;
  Attention attention = Attention::kDotProduct;
  bool bidirectional = false;
  double tanh_constant = 5.0;   ///< C of logits = C tanh(raw / T)
  double temperature = 10.0;    ///< T
  double initial_range = 0.08;  ///< parameters start uniform in [-range, range]
  Seed seed = 1;
  bool operator==(const PolicyConfig&) const = default;
};

/// In a partly given placement: the policy chooses this group's device.
inline constexpr std::uint8_t kAnyDevice = 0xff;
/// The same: the group goes where the last group went that the policy chose a device for, if it may
/// run there; else the policy chooses.
inline constexpr std::uint8_t kSameDevice = 0xfe;

/// One sampled placement.
struct Proposal {
  std::vector<std::uint8_t> devices;     ///< [num_groups]
  std::vector<float> log_probabilities;  ///< [num_groups], of each choice given those before it
  float entropy = 0;                     ///< mean over groups of the entropy of the choice, nats
};

/// A placement to learn from. Borrows.
struct Experience {
  std::span<const std::uint8_t> devices;
  /// Log-probabilities at sampling time, for the importance ratio. Empty: plain log-likelihood (no
  /// ratio, no clipping).
  std::span<const float> old_log_probabilities;
  /// What Complete() was given: only the groups that are kAnyDevice here were chosen, and only they
  /// count. Empty: all were chosen.
  std::span<const std::uint8_t> given;
  float weight = 0;  ///< advantage; > 0 makes the placement likelier
};

struct UpdateOptions {
  double learning_rate = 1e-3;
  double clip_norm = 1.0;       ///< of the whole gradient
  double entropy_weight = 0.0;  ///< times mean entropy per group, added to the objective
  double ratio_clip =
      0.2;  ///< PPO clipping of the per-group ratio (Schulman et al. 2017); 0: no clipping
  /// Logits are divided by this on top of C tanh(./T); must be the value used in Propose().
  double sampling_temperature = 1.0;
};
struct UpdateStats {
  double loss = 0;
  double entropy = 0;        ///< mean per group, nats
  double gradient_norm = 0;  ///< before clipping
};

/// Of what Update() makes smaller, over some experiences.
struct PolicyGradient {
  std::vector<float> values;  ///< of all parameters, in a fixed order
  double loss = 0;
  double entropy = 0;  ///< mean per group, nats
};

/// A distribution over group placements that learns. It never sees a Runner. Not thread-safe. The
/// same calls give the same bytes on one machine and build.
class Policy {
 public:
  virtual ~Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  /// `count` samples, no gradients. Sample i draws from DeriveSeed(seed, i).
  [[nodiscard]] virtual std::vector<Proposal> Propose(const GroupFeatures& features,
                                                      std::size_t count, Seed seed,
                                                      double sampling_temperature) = 0;
  /// Sample i keeps every device of given[i] [num_groups] and draws those that are kAnyDevice, each
  /// given all before it; kSameDevice: see there. `log_probabilities` are those of all groups.
  /// Sample i draws from DeriveSeed(seed, first_sample + i).
  [[nodiscard]] virtual std::vector<Proposal> Complete(
      const GroupFeatures& features, std::span<const std::vector<std::uint8_t>> given, Seed seed,
      double sampling_temperature, std::size_t first_sample) = 0;
  /// The greedy placement: the likeliest device of each group given those chosen before.
  [[nodiscard]] virtual Proposal MostLikely(const GroupFeatures& features) = 0;
  /// One Adam step on  mean_i weight_i x log p(devices_i)  (or its clipped ratio form) +
  /// entropy_weight x entropy, by one teacher-forced pass. log p is the sum over groups divided by
  /// the number of groups.
  virtual UpdateStats Update(const GroupFeatures& features, std::span<const Experience> experiences,
                             const UpdateOptions& options) = 0;
  /// The two halves of Update(), for a batch in parts: its gradient is the mean of its parts',
  /// weighted by their numbers of experiences. Nothing changes.
  [[nodiscard]] virtual PolicyGradient Gradient(const GroupFeatures& features,
                                                std::span<const Experience> experiences,
                                                const UpdateOptions& options) = 0;
  /// One Adam step. @return the gradient's norm before clipping
  /// @throws std::invalid_argument if there is not one value per parameter
  virtual double Apply(std::span<const float> gradient, const UpdateOptions& options) = 0;
  /// Parameters and optimizer state as bytes; equal states give equal bytes. Load() @throws
  /// InputError if they do not fit.
  [[nodiscard]] virtual std::string Save() const = 0;
  virtual void Load(const std::string& state) = 0;

 protected:
  Policy() = default;
};

/// The LSTM policy. Loads the LibTorch part on first use; @throws UnavailableError if that cannot
/// be loaded
[[nodiscard]] std::unique_ptr<Policy> MakeLstmPolicy(const PolicyConfig& config);

}  // namespace placer
