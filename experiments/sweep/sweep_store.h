#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cost_model/placement_io.h"
#include "experiments/environment.h"
#include "experiments/picture/learning_curves.h"

namespace placer {

/// How far a trial is.
enum class TrialState : std::uint8_t {
  kPending,  ///< not begun, or begun and stopped before its end
  kRunning,  ///< some process has it now
  kDone,     ///< has a result; whether it found something feasible is a metric
  kFailed,   ///< was refused: the message says why
  kCrashed,  ///< its process died: the message says how
};
/// "pending", "running", "done", "failed", "crashed".
[[nodiscard]] std::string_view Name(TrialState state) noexcept;
/// Done, failed or crashed: such a trial does not run again by itself.
[[nodiscard]] constexpr bool IsFinished(TrialState state) noexcept {
  return state == TrialState::kDone || state == TrialState::kFailed ||
         state == TrialState::kCrashed;
}

/// A field that the sweep sets, and what it is in a trial, as text.
struct TrialAxis {
  std::string field, value;
  bool operator==(const TrialAxis&) const = default;
};

/// One seed of one experiment.
struct PlannedTrial {
  /// 16 hexadecimal digits made of the resolved config and the files it names: a trial of another
  /// config has another key.
  std::string key;
  /// The resolved experiment as text for ParseExperiment(), without name and output_dir.
  std::string config;
  /// In the order of the sweep's axes; the last one is `seed`.
  std::vector<TrialAxis> axes;
};

/// How a trial ended.
struct TrialResult {
  TrialState state = TrialState::kDone;
  std::string message;  ///< why it failed or crashed, or a note on how the plan was found
  /// `feasible` (0 or 1), `step_time_seconds` and `gap_limit` (if feasible), `bound_seconds`,
  /// `samples`, `unique_samples`, `wall_seconds`, `ops`, `groups`, `devices`.
  std::map<std::string, double> metrics;
  LearningCurve curve;
  std::optional<SavedPlacement> placement;  ///< the best, if any was evaluated
};

/// A trial as the store knows it; curve and placement are read one by one.
struct StoredTrial {
  std::string key, config;
  std::vector<TrialAxis> axes;
  TrialState state = TrialState::kPending;
  int attempts = 0;  ///< how often it was begun
  std::string message;
  std::map<std::string, double> metrics;
  std::string process;  ///< who ran it last: "host, placer 0.1.0, processor"; empty if nobody did
  /// Of that process; nothing if nobody ran it, or a build that did not say so yet.
  std::optional<Environment> environment;

  [[nodiscard]] std::optional<double> metric(const std::string& name) const;
  [[nodiscard]] bool feasible() const { return metric("feasible") == 1.0; }
  /// Empty if the sweep has no such axis.
  [[nodiscard]] std::string axis(const std::string& field) const;
};

/// Some of a sweep's trials: those at positions `index`, `index + count`, ...
struct SweepShard {
  std::size_t index = 0, count = 1;
};

/// The store's file in a sweep's output_dir.
inline constexpr const char* kSweepStoreName = "sweep.db";

struct SweepDatabase;

/// The trials of a sweep and their results in an SQLite database, which many processes of one
/// machine may read and write at once (write-ahead log; a writer waits for the others for up to a
/// minute). Every call is one transaction: a process that is killed leaves what it had finished.
/// One object is for one thread.
class SweepStore {
 public:
  /// Makes the database if it is missing. @throws InputError for a file that is no such database or
  /// cannot be written, of another version included
  [[nodiscard]] static SweepStore Open(const std::filesystem::path& path);
  /// A database that is there. Of a folder its `sweep.db`. @throws InputError as Open()
  [[nodiscard]] static SweepStore OpenToRead(const std::filesystem::path& path);
  ~SweepStore();
  SweepStore(SweepStore&&) noexcept;
  SweepStore& operator=(SweepStore&&) = delete;
  SweepStore(const SweepStore&) = delete;
  SweepStore& operator=(const SweepStore&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept;
  /// Makes this list the plan. Trials that are known by key keep what they have; those that are not
  /// in the list stay in the database outside of the plan.
  /// @param config  the sweep's own config, as text
  void SetPlan(const std::string& name, const std::string& config,
               std::span<const PlannedTrial> trials);
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string config() const;
  /// The plan, in its order.
  [[nodiscard]] std::vector<StoredTrial> Trials() const;
  /// Those of the plan in its order, then those outside of it, which have no axes.
  [[nodiscard]] std::vector<StoredTrial> AllTrials() const;
  /// How far each of them is, by key.
  [[nodiscard]] std::map<std::string, TrialState> States() const;
  /// How many trials there are that the plan does not have any more.
  [[nodiscard]] std::size_t NumOutsidePlan() const;
  /// Of a trial by key. Empty, or nothing, if there is none.
  [[nodiscard]] LearningCurve Curve(const std::string& key) const;
  [[nodiscard]] std::optional<SavedPlacement> Placement(const std::string& key) const;

  /// Makes a trial this process's own: pending -> running. A trial of a process that died is
  /// pending. @return false if another process has it or it is finished
  [[nodiscard]] bool Claim(const std::string& key);
  /// running -> pending: it was stopped.
  void Release(const std::string& key);
  /// running -> finished, with everything that belongs to it.
  void Finish(const std::string& key, const TrialResult& result);
  /// Failed and crashed trials of the plan's shard become pending again. @return how many
  std::size_t RetryUnsuccessful(const SweepShard& shard = {});

 private:
  explicit SweepStore(std::unique_ptr<SweepDatabase> file);
  /// @param which  conditions and order of a query over the trials `t`
  [[nodiscard]] std::vector<StoredTrial> Select(const std::string& which) const;
  std::unique_ptr<SweepDatabase> file_;
};

/// The trials of several stores of one sweep, one per machine, as one list in the order of the
/// first: each trial from the store that knows most of it.
struct MergedTrial {
  StoredTrial trial;
  std::size_t store = 0;  ///< index of that store
};
[[nodiscard]] std::vector<MergedTrial> MergeTrials(std::span<const SweepStore> stores);
/// The same with the trials outside of the stores' plans.
[[nodiscard]] std::vector<MergedTrial> MergeAllTrials(std::span<const SweepStore> stores);

}  // namespace placer
