#include "policy/detail/lstm_library.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <malloc.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "graphs/base/error.h"
#include "policy/detail/lstm_net.h"
#include "policy/detail/optimizer.h"
#include "policy/detail/policy_state.h"

// Present if the BLAS behind LibTorch is OpenBLAS.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace placer {
namespace {

using detail::Decoding;
using detail::Encoding;
using detail::LstmNet;
using detail::NetInputs;

/// Runs `body`; what LibTorch throws becomes an Error.
template <typename Body>
auto Guarded(Body body) {
  try {
    return body();
  } catch (const c10::Error& error) {
    throw Error(std::string("LibTorch: ") + error.what_without_backtrace());
  }
}

void CheckFeatures(const GroupFeatures& features, const PolicyConfig& config) {
  if (features.num_groups == 0) {
    throw InputError("policy: the graph has no groups, expected at least one");
  }
  if (features.num_devices == 0 || features.num_devices > config.max_devices) {
    throw InputError("policy: " + std::to_string(features.num_devices) +
                     " devices, expected 1 to max_devices = " + std::to_string(config.max_devices));
  }
}

void CheckTemperature(double sampling_temperature) {
  if (!(sampling_temperature > 0)) {
    throw InputError("policy: sampling temperature is " + std::to_string(sampling_temperature) +
                     ", expected > 0");
  }
}

void CheckExperience(const GroupFeatures& features, const Experience& experience) {
  if (experience.devices.size() != features.num_groups) {
    throw std::invalid_argument("experience: one device per group expected");
  }
  if (!experience.old_log_probabilities.empty() &&
      experience.old_log_probabilities.size() != features.num_groups) {
    throw std::invalid_argument("experience: one log-probability per group expected");
  }
  if (!experience.given.empty() && experience.given.size() != features.num_groups) {
    throw std::invalid_argument("experience: what was given must have one entry per group");
  }
  for (std::size_t group = 0; group < features.num_groups; ++group) {
    const std::size_t device = experience.devices[group];
    if (device >= features.num_devices ||
        features.allowed[group * features.num_devices + device] == 0) {
      throw std::invalid_argument("experience: a device that its group may not run on");
    }
  }
}

void CheckGiven(const GroupFeatures& features, std::span<const std::uint8_t> given) {
  if (given.size() != features.num_groups) {
    throw std::invalid_argument("given devices: one per group expected");
  }
  for (std::size_t group = 0; group < features.num_groups; ++group) {
    const std::size_t device = given[group];
    if (device != kAnyDevice && device != kSameDevice &&
        (device >= features.num_devices ||
         features.allowed[group * features.num_devices + device] == 0)) {
      throw std::invalid_argument("given devices: a device that its group may not run on");
    }
  }
}

/// Experiences as tensors over [groups, batch].
struct Batch {
  Batch(const GroupFeatures& features, std::span<const Experience> experiences) {
    const auto groups = static_cast<std::int64_t>(features.num_groups);
    const auto batch = static_cast<std::int64_t>(experiences.size());
    devices = at::empty({groups, batch}, at::kInt);
    old_log_probabilities = at::zeros({groups, batch});
    has_old = at::empty({1, batch}, at::kBool);
    weights = at::zeros({groups, batch});
    for (std::size_t i = 0; i < experiences.size(); ++i) {
      const Experience& experience = experiences[i];
      has_old.data_ptr<bool>()[i] = !experience.old_log_probabilities.empty();
      std::size_t num_chosen = features.num_groups;
      if (!experience.given.empty()) {
        num_chosen = static_cast<std::size_t>(
            std::count(experience.given.begin(), experience.given.end(), kAnyDevice));
      }
      for (std::size_t group = 0; group < features.num_groups; ++group) {
        const std::size_t at = group * experiences.size() + i;
        devices.data_ptr<std::int32_t>()[at] = experience.devices[group];
        if (experience.given.empty() || experience.given[group] == kAnyDevice) {
          weights.data_ptr<float>()[at] = experience.weight / static_cast<float>(num_chosen);
        }
        if (!experience.old_log_probabilities.empty()) {
          old_log_probabilities.data_ptr<float>()[at] = experience.old_log_probabilities[group];
        }
      }
    }
  }
  at::Tensor devices, old_log_probabilities, has_old;
  at::Tensor weights;  ///< [groups, batch]: of the experience, spread over the groups it chose
};

/// mean_i of weight x mean_g log p over chosen groups g, or of the clipped ratio (Schulman et al.
/// 2017, equation 7).
at::Tensor PolicyObjective(const Batch& batch, const Decoding& decoding, double ratio_clip) {
  at::Tensor objective = decoding.log_probabilities * batch.weights;
  if (batch.has_old.any().item<bool>()) {
    // e^20 keeps the ratio finite; nothing that far from the old policy is worth learning from.
    const at::Tensor ratio =
        (decoding.log_probabilities - batch.old_log_probabilities).clamp(-20, 20).exp();
    at::Tensor surrogate = ratio * batch.weights;
    if (ratio_clip > 0) {
      surrogate =
          at::minimum(surrogate, ratio.clamp(1 - ratio_clip, 1 + ratio_clip) * batch.weights);
    }
    objective = at::where(batch.has_old, surrogate, objective);
  }
  return objective.sum() / batch.weights.size(1);
}

class LstmPolicy final : public Policy {
 public:
  explicit LstmPolicy(const PolicyConfig& config)
      : config_(config), net_(config), optimizer_(net_.parameters()) {}

  std::vector<Proposal> Propose(const GroupFeatures& features, std::size_t count, Seed seed,
                                double sampling_temperature) override {
    CheckFeatures(features, config_);
    CheckTemperature(sampling_temperature);
    return Guarded([&] {
      const detail::DecoderTables tables = net_.Tables(Encoded(features), features);
      return detail::SequenceDecoder(tables).Sample(count, seed, sampling_temperature);
    });
  }

  std::vector<Proposal> Complete(const GroupFeatures& features,
                                 std::span<const std::vector<std::uint8_t>> given, Seed seed,
                                 double sampling_temperature, std::size_t first_sample) override {
    CheckFeatures(features, config_);
    CheckTemperature(sampling_temperature);
    for (const std::vector<std::uint8_t>& devices : given) {
      CheckGiven(features, devices);
    }
    return Guarded([&] {
      const detail::DecoderTables tables = net_.Tables(Encoded(features), features);
      return detail::SequenceDecoder(tables).Complete(given, seed, sampling_temperature,
                                                      first_sample);
    });
  }

  Proposal MostLikely(const GroupFeatures& features) override {
    CheckFeatures(features, config_);
    return Guarded([&] {
      const detail::DecoderTables tables = net_.Tables(Encoded(features), features);
      return detail::SequenceDecoder(tables).Greedy();
    });
  }

  UpdateStats Update(const GroupFeatures& features, std::span<const Experience> experiences,
                     const UpdateOptions& options) override {
    CheckLearning(features, experiences, options);
    return Guarded([&] { return Learn(features, Batch(features, experiences), options); });
  }

  PolicyGradient Gradient(const GroupFeatures& features, std::span<const Experience> experiences,
                          const UpdateOptions& options) override {
    CheckLearning(features, experiences, options);
    return Guarded([&] {
      const Slope slope = Differentiate(features, Batch(features, experiences), options);
      return PolicyGradient{Flatten(slope.gradients), slope.loss, slope.entropy};
    });
  }

  double Apply(std::span<const float> gradient, const UpdateOptions& options) override {
    return Guarded([&] {
      encoding_.reset();  // it records the parameters as they are
      return optimizer_.Step(net_.parameters(), Unflatten(gradient), options.learning_rate,
                             options.clip_norm);
    });
  }

  std::string Save() const override { return detail::WriteState(config_, net_, optimizer_); }

  void Load(const std::string& state) override {
    Guarded([&] { detail::ReadState(state, config_, net_, optimizer_); });
    encoding_.reset();
  }

 private:
  /// The encoder's part, computed once for all calls between two changes of the parameters. It is
  /// recorded for gradients, so that Update() goes on where Propose() was.
  const Encoding& Encoded(const GroupFeatures& features) {
    if (!inputs_ || !(features == features_)) {
      features_ = features;
      inputs_.emplace(features, config_.max_groups);
      encoding_.reset();
    }
    if (!encoding_) {
      const c10::AutoGradMode record(true);
      encoding_ = net_.Encode(*inputs_);
    }
    return *encoding_;
  }

  struct Slope {
    std::vector<at::Tensor> gradients;  ///< per parameter; undefined: zero
    double loss = 0, entropy = 0;
  };

  void CheckLearning(const GroupFeatures& features, std::span<const Experience> experiences,
                     const UpdateOptions& options) const {
    CheckFeatures(features, config_);
    CheckTemperature(options.sampling_temperature);
    if (experiences.empty()) {
      throw std::invalid_argument("policy update: at least one experience expected");
    }
    for (const Experience& experience : experiences) {
      CheckExperience(features, experience);
    }
  }

  UpdateStats Learn(const GroupFeatures& features, const Batch& batch,
                    const UpdateOptions& options) {
    const Slope slope = Differentiate(features, batch, options);
    UpdateStats stats;
    stats.loss = slope.loss;
    stats.entropy = slope.entropy;
    stats.gradient_norm = optimizer_.Step(net_.parameters(), slope.gradients, options.learning_rate,
                                          options.clip_norm);
    return stats;
  }

  Slope Differentiate(const GroupFeatures& features, const Batch& batch,
                      const UpdateOptions& options) {
    const c10::AutoGradMode record(true);
    Encoded(features);
    // The backward pass uses the encoding up, whatever happens on the way.
    const Encoding encoding = *std::exchange(encoding_, std::nullopt);
    const Decoding decoding =
        net_.Decode(*inputs_, encoding, batch.devices, options.sampling_temperature);
    const at::Tensor entropy = decoding.entropy.mean();
    at::Tensor loss = -PolicyObjective(batch, decoding, options.ratio_clip);
    if (options.entropy_weight != 0) {
      loss = loss - options.entropy_weight * entropy;
    }
    std::vector<at::Tensor> values;
    for (const detail::Parameter& parameter : net_.parameters()) {
      values.push_back(parameter.value);
    }
    Slope slope;
    slope.gradients =
        torch::autograd::grad({loss}, values, /*grad_outputs=*/{}, /*retain_graph=*/false,
                              /*create_graph=*/false, /*allow_unused=*/true);
    slope.loss = loss.item<double>();
    slope.entropy = entropy.item<double>();
    return slope;
  }

  [[nodiscard]] std::vector<float> Flatten(const std::vector<at::Tensor>& gradients) const {
    std::vector<float> flat;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const auto size = static_cast<std::size_t>(net_.parameters()[i].value.numel());
      if (!gradients[i].defined()) {
        flat.resize(flat.size() + size, 0.0F);
        continue;
      }
      const at::Tensor whole = gradients[i].contiguous();
      flat.insert(flat.end(), whole.data_ptr<float>(), whole.data_ptr<float>() + size);
    }
    return flat;
  }

  [[nodiscard]] std::vector<at::Tensor> Unflatten(std::span<const float> flat) const {
    std::vector<at::Tensor> gradients;
    for (const detail::Parameter& parameter : net_.parameters()) {
      const auto size = static_cast<std::size_t>(parameter.value.numel());
      if (flat.size() < size) {
        throw std::invalid_argument(
            "policy: the gradient has fewer values than there are parameters");
      }
      gradients.push_back(at::empty(parameter.value.sizes()));
      std::copy_n(flat.begin(), size, gradients.back().data_ptr<float>());
      flat = flat.subspan(size);
    }
    if (!flat.empty()) {
      throw std::invalid_argument("policy: the gradient has more values than there are parameters");
    }
    return gradients;
  }

  PolicyConfig config_;
  LstmNet net_;
  detail::Optimizer optimizer_;
  GroupFeatures features_;
  std::optional<NetInputs> inputs_;   ///< of features_
  std::optional<Encoding> encoding_;  ///< of inputs_ under the present parameters
};

// Steps this small are slower with more threads; who has cores to spare runs more policies. And
// every step takes and frees the same buffers of megabytes: unless the heap keeps them, the kernel
// clears their pages again and again, which was a quarter of the time at 512 hidden units.
void PrepareProcess() {
  static std::once_flag once;
  std::call_once(once, [] {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 128 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
    at::set_num_threads(1);
    if (openblas_set_num_threads != nullptr) {
      openblas_set_num_threads(1);
    }
  });
}

}  // namespace
}  // namespace placer

placer::Policy* PlacerMakeLstmPolicy(const placer::PolicyConfig& config) {
  placer::PrepareProcess();
  return placer::Guarded([&] { return new placer::LstmPolicy(config); });
}
