// Shares of the peak that good library kernels reach: our estimates, chosen within the ranges that
// the publications below report and rounded to 0.05 (0.01 below 0.1); no entry is a quotation. They
// rank op classes and kinds of device, they do not predict a kernel. A profile of measured times
// replaces them where one exists.
//
// Sources
// [Chetlur]   Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning", arXiv 1410.0759:
//             about a third to a half of the peak of a Kepler GPU.
// [Lai]       Lai and Seznec, "Performance Upper Bound Analysis and Optimization of SGEMM on Fermi
//             and Kepler GPUs", CGO 2013: library SGEMM at a half to three quarters of the peak.
// [Deakin]    Deakin et al., "GPU-STREAM v2.0", ISC workshops 2016: streams at about three quarters
//             of the nominal bandwidth on GPUs, somewhat more on Xeons.
// [Qin]       Qin et al., "Diagonalwise Refactorization", arXiv 1803.09926: depthwise convolutions
//             of that time run several times below dense ones.
// [Ma]        Ma et al., "ShuffleNet V2", arXiv 1807.11164: element-wise ops, data movement and
//             depthwise convolutions are bound by memory on GPU and ARM alike.
// [Jouppi]    Jouppi et al., "In-Datacenter Performance Analysis of a Tensor Processing Unit",
//             ISCA 2017: dense layers near the roofline, the rest far below it.
// [Georganas] Georganas et al., "Anatomy of High-Performance Deep Learning Convolutions on SIMD
//             Architectures", SC 2018: most of the peak when tuned per layer, generic kernels
//             about half of that.
// [Ivanov]    Ivanov et al., "Data Movement Is All You Need", arXiv 2007.00072: normalisation,
//             softmax and element-wise kernels are bound by memory and do not reach all of it.
// An instruction that is no fused multiply-add can reach at most half of the peak: 0.5 is the
// ceiling of classes that are not dense. Optimizers and views stream memory as element-wise ops do.
#include <algorithm>
#include <array>
#include <string_view>

#include "cost_model/cost_model.h"

namespace placer {
namespace {

struct Row {
  OpClass op_class;
  Efficiency cpu, gpu, tpu, npu, other;
};

constexpr Efficiency kDefault{0.5, 0.5};

// One row per class, in the order of OpClass: {compute, memory}.
constexpr std::array<Row, kNumOpClasses> kTable = {{
    // [Lai], [Jouppi]; CPU: AVX clocks below nominal, [Georganas] for GEMM in frameworks.
    {OpClass::kMatMul, {.60, .80}, {.65, .75}, {.70, .80}, {.50, .60}, kDefault},
    // [Chetlur], [Jouppi], [Georganas].
    {OpClass::kConvolution, {.40, .80}, {.45, .75}, {.60, .80}, {.50, .60}, kDefault},
    // [Qin], [Ma]: bound by memory; matrix units have one channel's worth of work.
    {OpClass::kDepthwiseConvolution, {.20, .60}, {.10, .60}, {.03, .60}, {.10, .50}, {.10, .50}},
    // [Deakin], [Ivanov], [Ma]; accelerators with matrix units do these on a small vector unit.
    {OpClass::kElementwise, {.25, .80}, {.25, .75}, {.05, .75}, {.05, .50}, {.25, .50}},
    // [Ivanov]: two passes over the data.
    {OpClass::kNormalization, {.20, .60}, {.20, .60}, {.05, .60}, {.05, .40}, {.20, .50}},
    // Windows overlap, caches catch part of it: as normalisation.
    {OpClass::kPooling, {.20, .60}, {.20, .60}, {.05, .60}, {.10, .50}, {.20, .50}},
    // [Ivanov]: streams its input, one pass.
    {OpClass::kReduction, {.20, .70}, {.20, .65}, {.05, .65}, {.05, .40}, {.20, .50}},
    // [Ivanov]: exponentials and two reductions.
    {OpClass::kSoftmax, {.10, .50}, {.15, .50}, {.05, .50}, {.03, .30}, {.10, .40}},
    // [Deakin] for copies, less for strided ones (transpose, concat, slice).
    {OpClass::kDataMovement, {.25, .60}, {.25, .60}, {.05, .60}, {.05, .40}, {.25, .50}},
    // Random rows: whole rows of some hundred bytes are still long enough for half the bandwidth.
    {OpClass::kEmbedding, {.20, .40}, {.20, .50}, {.05, .40}, {.05, .20}, {.20, .40}},
    {OpClass::kUpdate, {.25, .80}, {.25, .75}, {.05, .75}, {.05, .50}, {.25, .50}},
    {OpClass::kView, {.25, .80}, {.25, .75}, {.05, .75}, {.05, .50}, {.25, .50}},
    // Nothing is known: cautious.
    {OpClass::kOther, {.20, .50}, {.20, .50}, {.05, .50}, {.05, .30}, {.20, .50}},
}};

}  // namespace

Efficiency EfficiencyOf(OpClass op_class, std::string_view device_kind) {
  const Row& row = kTable[static_cast<std::size_t>(op_class)];
  if (device_kind == "cpu") {
    return row.cpu;
  }
  if (device_kind == "gpu") {
    return row.gpu;
  }
  if (device_kind == "tpu") {
    return row.tpu;
  }
  return device_kind == "npu" ? row.npu : row.other;
}

Efficiency EfficiencyOf(OpClass op_class, const Device& device) {
  const auto own = std::ranges::find(device.efficiencies, op_class, &ClassEfficiency::op_class);
  return own == device.efficiencies.end() ? EfficiencyOf(op_class, device.kind) : own->efficiency;
}

}  // namespace placer
