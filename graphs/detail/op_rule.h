#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "graphs/op_rules.h"

namespace placer {

/// What an op reads and writes in device memory.
enum class TrafficRule : std::uint8_t {
  kAll,          ///< every input is read, every output is written
  kNone,         ///< nothing moves: views and resident ops
  kOutputsOnly,  ///< outputs are written, inputs are not read (fills, generators, shapes)
  kGathered,  ///< of input 0 only what the outputs hold is read; further inputs are read (slices,
              ///< look-ups)
};

/// Floating-point operations of an op; a multiply-add counts two. `weight` is the row's.
using FlopsRule = std::int64_t (*)(const OpShapes& shapes, std::int64_t weight);

/// One row of the table of rules.
struct OpRule {
  std::string_view type;
  OpClass op_class = OpClass::kOther;
  FlopsRule flops = nullptr;  ///< null: none
  std::int64_t weight = 1;
  TrafficRule traffic = TrafficRule::kAll;
};

/// The rows for types that occur in forward graphs (ONNX op types) and those for backward and
/// update types (docs/training.md). No type has two rows.
[[nodiscard]] std::span<const OpRule> ForwardRules();
[[nodiscard]] std::span<const OpRule> BackwardRules();

namespace flops {

// Building blocks of the rows. All throw InputError when a count exceeds 64 bits, and take a
// missing input or output as one without elements.

/// weight x elements of output 0.
std::int64_t PerOutput(const OpShapes& shapes, std::int64_t weight);
/// weight x elements of input 0.
std::int64_t PerInput(const OpShapes& shapes, std::int64_t weight);
/// weight x elements of output 0 x (inputs - 1): Sum, Max, ... of any number of inputs.
std::int64_t PerOutputAndInput(const OpShapes& shapes, std::int64_t weight);
/// weight x elements of output 0 x kernel_elements: a window slides over the input.
std::int64_t PerWindow(const OpShapes& shapes, std::int64_t weight);
/// weight x elements of input 0 x kernel_elements: the gradient of a window, input 0 is dY.
std::int64_t PerInputWindow(const OpShapes& shapes, std::int64_t weight);

/// Conv: X [N, C, ...], W [M, C / groups, k...], optional bias -> Y [N, M, ...].
std::int64_t Conv(const OpShapes& shapes, std::int64_t weight);
/// ConvTranspose: X [N, C, ...], W [C, M / groups, k...], optional bias.
std::int64_t ConvTranspose(const OpShapes& shapes, std::int64_t weight);
/// MatMul by numpy's rules: A [..., M, K], B [..., K, N].
std::int64_t MatMul(const OpShapes& shapes, std::int64_t weight);
/// Gemm: A and B [.., ..] possibly transposed, optional C added -> Y [M, N].
std::int64_t Gemm(const OpShapes& shapes, std::int64_t weight);
/// Any product of two (batched) matrices, whichever operand is transposed and whichever is summed
/// over the batch: input 0, input 1 -> output 0, each with its matrix in the last two dims. Serves
/// the gradients of MatMul and Gemm.
std::int64_t Contraction(const OpShapes& shapes, std::int64_t weight);

/// a x b. @throws InputError beyond int64
std::int64_t Multiply(std::int64_t a, std::int64_t b);
/// a + b. @throws InputError beyond int64
std::int64_t Add(std::int64_t a, std::int64_t b);
/// Elements of input or output `index`; 0 if there is none.
std::int64_t InputElements(const OpShapes& shapes, std::size_t index);
std::int64_t OutputElements(const OpShapes& shapes, std::size_t index);

/// One exp, log, tanh, erf, sin or pow counts as ten: range reduction and a polynomial of degree 5
/// or 6, as in the single-precision routines of the Cephes library.
inline constexpr std::int64_t kTranscendental = 10;
/// Softmax per element: maximum, subtract, exp, sum, divide.
inline constexpr std::int64_t kSoftmax = 4 + kTranscendental;
/// Normalisation with statistics from the data, per element: mean 1, variance 3, normalise 2, scale
/// and shift 2.
inline constexpr std::int64_t kNormalize = 8;

}  // namespace flops
}  // namespace placer
