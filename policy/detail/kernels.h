#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// Included by files that are compiled for newer processors: nothing here may define an inline
// function of its own that those files could share with the rest of the program.
namespace placer::detail {

/// One step of an LSTM over a batch. Gates are ordered input, forget, cell, output; rows are
/// contiguous.
struct LstmStep {
  std::size_t batch = 0, hidden = 0;
  const float* input = nullptr;               ///< [4 hidden], added to every row; includes the bias
  const float* table = nullptr;               ///< [*, 4 hidden], or null
  const std::uint32_t* table_rows = nullptr;  ///< [batch], row of `table` added to each row
  const float* cell_before = nullptr;         ///< [batch, hidden]
  float* gates = nullptr;  ///< [batch, 4 hidden]; in: recurrent products, out: activated gates
  float* cell = nullptr;   ///< [batch, hidden]
  float* state = nullptr;  ///< [batch, hidden]
};

/// The same step backwards.
struct LstmStepGradient {
  std::size_t batch = 0, hidden = 0;
  const float* gates = nullptr;         ///< [batch, 4 hidden], activated
  const float* cell = nullptr;          ///< [batch, hidden]
  const float* cell_before = nullptr;   ///< [batch, hidden]
  const float* d_state = nullptr;       ///< [batch, hidden], from the step's readers
  const float* d_state_next = nullptr;  ///< [batch, hidden], from the next step
  float* d_cell = nullptr;   ///< [batch, hidden]; in: from the next step, out: for the step before
  float* d_gates = nullptr;  ///< [batch, 4 hidden], before activation
};

struct AdamStep {
  std::size_t size = 0;
  float* value = nullptr;
  float* first = nullptr;
  float* second = nullptr;
  const float* gradient = nullptr;
  float gradient_scale = 1;  ///< of clipping
  float beta1 = 0, beta2 = 0;
  float step_size = 0;     ///< learning rate / (1 - beta1^t)
  float second_scale = 1;  ///< 1 / (1 - beta2^t)
  float epsilon = 0;
};

/// Additive attention for one query: scores[j] = value . tanh(query + keys[j]).
struct AdditiveScores {
  std::size_t positions = 0, hidden = 0;
  const float* query = nullptr;  ///< [hidden]
  const float* keys = nullptr;   ///< [positions, hidden]
  const float* value = nullptr;  ///< [hidden]
};

/// The loops a policy step spends its time in, compiled once per instruction set. The value of a
/// row does not depend on how many rows are computed with it.
struct Kernels {
  const char* name;
  std::size_t panel;  ///< columns per packed panel
  /// Packs B [k, n], or B^T if `transposed` (then `b` is [n, k]); `out` has PackedSize floats.
  void (*pack)(const float* b, std::size_t ldb, std::size_t k, std::size_t n, bool transposed,
               float* out);
  /// C [m, n] = A [m, k] * packed B.
  void (*multiply)(std::size_t m, std::size_t n, std::size_t k, const float* a, std::size_t lda,
                   const float* packed, float* c, std::size_t ldc);
  void (*lstm_step)(const LstmStep&);
  void (*lstm_step_gradient)(const LstmStepGradient&);
  /// Each row of x [rows, columns] becomes its softmax.
  void (*softmax)(float* x, std::size_t rows, std::size_t columns);
  void (*additive_scores)(const AdditiveScores&, float* scores);
  /// Adds to d_query [hidden], d_keys [positions, hidden], d_value [hidden].
  void (*additive_scores_gradient)(const AdditiveScores&, const float* d_scores, float* d_query,
                                   float* d_keys, float* d_value);
  void (*adam)(const AdamStep&);
};

/// The kernels for this processor. PLACER_POLICY_KERNELS=generic|avx2|avx512 picks others.
[[nodiscard]] const Kernels& BestKernels();

/// A matrix laid out for Kernels::multiply.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// @param b  [k, n], or [n, k] if `transposed`
  PackedMatrix(const float* b, std::size_t k, std::size_t n, bool transposed);
  /// C [m, n] = A [m, k] * this
  void MultiplyInto(std::size_t m, const float* a, float* c) const;
  [[nodiscard]] std::size_t columns() const noexcept { return n_; }

 private:
  std::size_t k_ = 0, n_ = 0;
  std::vector<float> data_;
};

}  // namespace placer::detail
