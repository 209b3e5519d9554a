#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "placer/placer.h"
#include "placer/reinforce_options.h"
#include "placer/search_session.h"
#include "policy/policy.h"

namespace placer {

class MoveGenerator;
class RankTeam;

/// What one update looked like, for curves: collapse must be visible.
struct UpdateRecord {
  std::int64_t update = 0, samples = 0;
  double mean_reward = 0, best_reward = 0, baseline = 0;
  double mean_time = 0;       ///< seconds, over the batch's feasible placements; 0 if none
  double best_time = 0;       ///< seconds, best feasible so far; 0 if none
  double feasible_share = 0;  ///< of the batch
  double unique_share = 0;    ///< of all samples so far
  double entropy = 0;         ///< mean per decided group, nats
  double gradient_norm = 0;
  double temperature = 0;
  double samples_per_second = 0;  ///< in this update; no other field depends on the clock
};

/// Joins policy and runner: the policy proposes placements, the runner says what they cost,
/// REINFORCE makes the cheaper ones likelier (Williams 1992; arXiv 1706.04972). Everything it does
/// follows from the request's seed and the update's number, so that a run that is resumed from its
/// checkpoint goes on as if it had not stopped. Not thread-safe.
class ReinforceTrainer {
 public:
  using OnUpdate = std::function<void(const UpdateRecord&)>;

  /// Borrows the request, and the team of ranks that share the policy's work, if there is one.
  /// Goes on from request.checkpoint if that file exists. @throws InputError if the checkpoint is
  /// damaged or belongs to another problem, seed or other options
  ReinforceTrainer(const PlaceRequest& request, const ReinforceOptions& options,
                   OnUpdate on_update = {}, RankTeam* team = nullptr);
  ~ReinforceTrainer();

  /// Trains until the budget is spent or a stop is asked for, and writes the checkpoint. What a
  /// stop cuts short, a batch or the warm-up, counts for the result but is not in the checkpoint.
  void Run();
  [[nodiscard]] std::int64_t num_updates() const noexcept { return update_; }
  /// The greedy placement of the policy as it is now. Not evaluated.
  [[nodiscard]] GroupPlacement MostLikely();
  /// Ends the training. The trainer is not used any more.
  [[nodiscard]] PlaceResult Finish();

 private:
  struct Elite {
    std::vector<std::uint8_t> devices;
    StepSummary summary;
  };
  struct Batch {
    std::vector<std::vector<std::uint8_t>> given;  ///< empty rows: everything was decided
    std::vector<Proposal> proposals;
    std::vector<StepSummary> summaries;
    std::vector<double> rewards;
    bool cut = false;  ///< by a stop: not all of it was evaluated
  };

  [[nodiscard]] std::string Identity() const;
  void Restore();
  void Save(const SearchSession& session) const;
  void WarmUp();
  bool Update();
  [[nodiscard]] bool StartsUniform() const;
  [[nodiscard]] Batch Propose(double temperature);
  void KeepNew(Batch& batch, std::vector<GroupPlacement>& placements);
  [[nodiscard]] std::size_t NumActiveElites() const;
  [[nodiscard]] std::vector<std::uint8_t> Neighbourhood(std::size_t sample);
  [[nodiscard]] double Reward(const StepSummary& summary) const;
  [[nodiscard]] std::vector<float> Advantages(const std::vector<double>& rewards);
  void AddElite(const std::vector<std::uint8_t>& devices, const StepSummary& summary);
  [[nodiscard]] UpdateStats Learn(const Batch& batch, const std::vector<float>& advantages,
                                  double temperature);
  void Report(const Batch& batch, const UpdateStats& stats, double temperature, Seconds wall) const;

  const PlaceRequest& request_;
  ReinforceOptions options_;
  OnUpdate on_update_;
  GroupFeatures features_;
  std::unique_ptr<Policy> policy_;
  SearchSession session_;
  std::unique_ptr<MoveGenerator> moves_;
  bool cut_warm_up_ = false;  ///< by a stop
  double time_unit_ = 1;      ///< seconds that the reward is relative to
  double capacity_ = 1;       ///< bytes, all devices
  std::int64_t update_ = 0;
  double baseline_ = 0;
  bool has_baseline_ = false;
  double heat_ = 1;            ///< factor of the sampling temperature, grows while little is new
  std::vector<Elite> elites_;  ///< best first
};

}  // namespace placer
