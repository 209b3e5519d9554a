#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace placer {

/// How the gradient of an input comes about.
enum class GradientKind : std::uint8_t {
  kOp,           ///< an op whose outputs have the shapes of the inputs they are gradients of
  kElementwise,  ///< an op with the shape of Y, then a ReduceSum if the input was broadcast
  kPass,         ///< dY itself, after a ReduceSum if the input has another shape
  kView,         ///< dY seen with the input's shape: a Reshape, or dY itself if the shapes agree
  kLookUp,       ///< as kOp; sparse (bytes of dY and the indices) if input 0 is a parameter
};

/// Where the flops and bytes of a backward op come from.
enum class GradientCost : std::uint8_t {
  kTable,         ///< CostOf
  kForward,       ///< those of the forward op
  kTwiceForward,  ///< twice those of the forward op
};

/// One backward op of one forward op type. Rows of the same forward type stand together.
struct GradientRow {
  std::string_view forward_type;
  std::string_view type;    ///< of the backward op; "-" if there is none
  std::string_view suffix;  ///< the backward op is called `<forward op>/<suffix>`
  /// What it reads, in order: `dY` (the gradients of all outputs that have one), `X1` (input 1),
  /// `X*` (all inputs), `Xi` (the input whose gradient is made), `Y0`, `Y*` (outputs). What the
  /// forward op does not have is left out.
  std::string_view reads;
  /// Whose gradient it makes: `X0`; `X0 X1` or `X*` (one op with an output for each that needs a
  /// gradient); `Xi` (one op for each input that needs a gradient).
  std::string_view gives;
  GradientKind kind = GradientKind::kOp;
  GradientCost cost = GradientCost::kTable;
};

/// The rows of docs/training.md, in its order.
[[nodiscard]] std::span<const GradientRow> GradientTable();

/// Types through which no gradient flows (comparisons, shapes, rounding, ...).
[[nodiscard]] std::span<const std::string_view> TypesWithoutGradient();

/// The rows of a forward type: empty for types without gradient, nullopt for unknown types.
[[nodiscard]] std::optional<std::span<const GradientRow>> GradientRowsOf(std::string_view type);

/// A word of GradientRow::reads or ::gives.
struct GradientTerm {
  static constexpr int kAll = -1;
  static constexpr int kEach = -2;
  enum class Of : std::uint8_t { kGradient, kInput, kOutput };
  Of of = Of::kGradient;
  int index = kAll;
};
[[nodiscard]] std::vector<GradientTerm> ParseGradientTerms(std::string_view text);

}  // namespace placer
