#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_set>
#include <vector>

#include "graphs/base/rng.h"
#include "graphs/base/units.h"
#include "placer/problem.h"

namespace placer {

/// What a method may spend. A sample is one placement evaluated by the runner for the search, by
/// anyone, cached or not.
struct Budget {
  std::int64_t samples = 1000;
  std::optional<Seconds> seconds;  ///< wall time, checked between batches
};

struct CurvePoint {
  std::int64_t samples = 0;
  StepSummary best;  ///< best so far
  Seconds wall{0};
};
struct Progress {
  std::int64_t samples = 0;
  StepSummary best;
  Seconds wall{0};
  std::int64_t unique_samples = 0;  ///< different placements among the samples
};

struct PlaceRequest {
  const Problem& problem;
  Budget budget;
  Seed seed = 1;
  std::stop_token stop;  ///< asks the method to return its best so far
  std::function<void(const Progress&)>
      progress;  ///< called from the thread of Place(), between batches
  /// Where a method that can do so keeps its state: it goes on from the file if there is one.
  /// Empty: nowhere.
  std::filesystem::path checkpoint;
  bool keep_hashes = false;  ///< whether PlaceResult::hashes is wanted
};

struct PlaceResult {
  std::optional<GroupPlacement> groups;  ///< nothing if no sample was evaluated
  StepSummary best;
  std::int64_t samples = 0;
  std::int64_t unique_samples = 0;
  Seconds wall{0};
  std::vector<CurvePoint> curve;  ///< one point per improvement, and the last
  bool interrupted = false;
  std::string note;  ///< one line on how it was found, may be empty
  /// Of every placement evaluated, for SearchSession::Absorb() on the same problem; if asked for.
  std::unordered_set<std::uint64_t> hashes;
};

/// Anything that returns a placement under a budget: heuristic, search or RL. Same request and same
/// seed give the same placement. Place() is const and thread-safe: state lives in the call.
class Placer {
 public:
  virtual ~Placer() = default;
  Placer(const Placer&) = delete;
  Placer& operator=(const Placer&) = delete;
  /// @throws InputError for an impossible request: a budget below one sample, seconds that are
  /// negative or not a number, a problem without groups
  [[nodiscard]] PlaceResult Place(const PlaceRequest& request) const;

 protected:
  Placer() = default;

 private:
  [[nodiscard]] virtual PlaceResult DoPlace(const PlaceRequest& request) const = 0;
};

}  // namespace placer
