#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace placer {

/// What every figure of the paper is here; stands wherever one is printed or stored.
inline constexpr std::string_view kPaperFigures = "recalled, not verified";

/// Seconds per training step in table 1 of arXiv 1706.04972, as recalled: not verified against the
/// paper. Nothing where the paper ran out of memory.
struct PaperRow {
  std::size_t num_gpus = 0;
  double scotch = 0, min_cut = 0, expert = 0, reinforce = 0;
};

/// One of the paper's three models, at the size at which it is reproduced (docs/paper.md says why).
struct PaperModel {
  std::string_view name;
  std::string_view title;
  std::string_view spec;  ///< zoo:...
  std::size_t max_groups = 0;
  std::size_t paper_ops = 0, paper_groups = 0;
  double cpu = 0;
  std::optional<double> gpu;
  std::span<const PaperRow> rows;  ///< 2 and 4 GPUs
};

/// RNNLM, NMT, Inception-V3.
[[nodiscard]] std::span<const PaperModel> PaperModels();

}  // namespace placer
