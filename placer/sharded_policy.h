#pragma once

#include <memory>
#include <string>
#include <vector>

#include "placer/rank_team.h"
#include "policy/policy.h"

namespace placer {

/// A policy that works on fixed micro-batches of every batch: each is completed and differentiated
/// by itself, and gradients are added in the order of the micro-batches. Who does which of them
/// changes nothing, so that any number of ranks gives the same bytes. Every rank has a copy of the
/// policy, which sees the same changes.
class ShardedPolicy final : public Policy {
 public:
  /// @param micro_batches  per batch, at least as many as there are ranks
  /// @param team           borrowed; nullptr: there is only this process
  ShardedPolicy(std::unique_ptr<Policy> policy, std::size_t micro_batches, RankTeam* team);

  [[nodiscard]] std::vector<Proposal> Propose(const GroupFeatures& features, std::size_t count,
                                              Seed seed, double sampling_temperature) override;
  [[nodiscard]] std::vector<Proposal> Complete(const GroupFeatures& features,
                                               std::span<const std::vector<std::uint8_t>> given,
                                               Seed seed, double sampling_temperature,
                                               std::size_t first_sample) override;
  [[nodiscard]] Proposal MostLikely(const GroupFeatures& features) override;
  UpdateStats Update(const GroupFeatures& features, std::span<const Experience> experiences,
                     const UpdateOptions& options) override;
  [[nodiscard]] PolicyGradient Gradient(const GroupFeatures& features,
                                        std::span<const Experience> experiences,
                                        const UpdateOptions& options) override;
  double Apply(std::span<const float> gradient, const UpdateOptions& options) override;
  [[nodiscard]] std::string Save() const override { return policy_->Save(); }
  void Load(const std::string& state) override;

 private:
  [[nodiscard]] std::size_t num_ranks() const noexcept { return team_ ? team_->size() : 1; }
  [[nodiscard]] std::vector<std::string> Share(std::span<const std::string> jobs,
                                               const GroupFeatures& features);

  std::unique_ptr<Policy> policy_;
  std::size_t micro_batches_;
  RankTeam* team_;
};

/// True for jobs that a ShardedPolicy sends.
[[nodiscard]] bool IsPolicyJob(const std::string& job);
/// Does one with a rank's copy of the policy. @return the answer, if one is asked for
std::string DoPolicyJob(const std::string& job, const GroupFeatures& features, Policy& policy);

}  // namespace placer
