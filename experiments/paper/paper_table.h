#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "experiments/comparison.h"
#include "experiments/paper/models.h"
#include "experiments/stats.h"

namespace placer {

/// One method of one setting: our step times over seeds beside the paper's.
struct PaperCell {
  std::string method;
  std::optional<double> paper_seconds;  ///< recalled, not verified
  std::vector<double> seconds;          ///< of the seeds that found something feasible
  std::size_t trials = 0;
  double mean_samples = 0, mean_unique = 0, mean_wall_seconds = 0;
  [[nodiscard]] std::optional<Sample> sample() const;
};

/// A model on a number of GPUs.
struct PaperSetting {
  PaperModel model;
  PaperRow row;
  std::size_t num_ops = 0, num_groups = 0;
  double bound_seconds = 0;
  std::vector<PaperCell> cells;  ///< 1 CPU, 1 GPU, then methods

  [[nodiscard]] std::string name() const;  ///< "rnnlm-2gpu"
  /// @throws std::logic_error for an unknown method
  [[nodiscard]] const PaperCell& cell(const std::string& method) const;
  /// The paper's comparison: the better of one GPU and the expert; null if neither fits.
  [[nodiscard]] const PaperCell* BestOfGpuAndExpert() const;
};

inline constexpr const char* kOneCpu = "1 CPU";
inline constexpr const char* kOneGpu = "1 GPU";
inline constexpr const char* kPaperPresetLabel = "reinforce, paper preset";

/// `reinforce` against another method of its setting, in the paper's terms.
struct PaperClaim {
  std::string against;
  /// Of the means over seeds: theirs / ours - 1 and 1 - ours / theirs. Nothing if theirs never
  /// fits.
  std::optional<double> faster, shorter;
  /// 1 - ours / theirs at the same seed, over the seeds; nothing unless all trials of both fit.
  std::optional<Change> shorter_at_same_seed;
  std::optional<double> paper_faster, paper_shorter;
};
/// Against the expert, the better of one GPU and the expert, and annealing; nothing if `reinforce`
/// is not there or never fits.
[[nodiscard]] std::vector<PaperClaim> ClaimsOf(const PaperSetting& setting);

/// In the layout of table 1 of arXiv 1706.04972: per setting ours (means over seeds), the paper's
/// and the ratio of the two. Below: spread, samples, wall time, bound; and claims in the paper's
/// terms. Markdown.
void PrintPaperTable(std::ostream& out, const std::vector<PaperSetting>& settings);
/// Claims included.
[[nodiscard]] nlohmann::ordered_json ToJson(const PaperSetting& setting);

}  // namespace placer
