#include <ATen/ATen.h>

#include <array>
#include <cstring>

#include "graphs/base/error.h"
#include "graphs/base/rng.h"
#include "runner/torch/detail/program.h"

namespace placer::detail {
namespace {

constexpr std::array kTypes{
    std::pair{DataType::kFloat32, c10::kFloat},
    std::pair{DataType::kFloat64, c10::kDouble},
    std::pair{DataType::kFloat16, c10::kHalf},
    std::pair{DataType::kBFloat16, c10::kBFloat16},
    std::pair{DataType::kInt8, c10::kChar},
    std::pair{DataType::kUInt8, c10::kByte},
    std::pair{DataType::kInt16, c10::kShort},
    std::pair{DataType::kInt32, c10::kInt},
    std::pair{DataType::kInt64, c10::kLong},
    std::pair{DataType::kBool, c10::kBool},
    std::pair{DataType::kComplex64, c10::kComplexFloat},
    std::pair{DataType::kComplex128, c10::kComplexDouble},
};

/// Dimensions that all elements share are looked at once: copying onto them is refused.
at::Tensor Distinct(at::Tensor tensor) {
  for (std::int64_t d = 0; d < tensor.dim(); ++d) {
    if (tensor.stride(d) == 0 && tensor.size(d) > 1) {
      tensor = tensor.narrow(d, 0, 1);
    }
  }
  return tensor;
}

}  // namespace

DataType ToDataType(c10::ScalarType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (theirs == type) {
      return ours;
    }
  }
  return DataType::kUnknown;
}

c10::ScalarType ToScalarType(DataType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (ours == type) {
      return theirs;
    }
  }
  throw InputError("found type " + std::string(Name(type)) + ", expected one that LibTorch has");
}

std::uint64_t HashOf(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(c10::kCPU).contiguous();
  const auto* bytes = static_cast<const char*>(host.data_ptr());
  const std::size_t size = host.nbytes();
  // Four streams, so that the multiplications overlap.
  std::array<std::uint64_t, 4> lanes{1, 2, 3, 4};
  std::size_t at = 0;
  for (; at + 32 <= size; at += 32) {
    std::array<std::uint64_t, 4> words{};
    std::memcpy(words.data(), bytes + at, 32);
    for (std::size_t lane = 0; lane < 4; ++lane) {
      lanes[lane] = (lanes[lane] ^ words[lane]) * 0x9e3779b97f4a7c15ULL;
      lanes[lane] ^= lanes[lane] >> 29U;
    }
  }
  for (; at < size; ++at) {
    lanes[0] = (lanes[0] ^ static_cast<unsigned char>(bytes[at])) * 0x9e3779b97f4a7c15ULL;
  }
  return DeriveSeed(size, lanes[0], lanes[1], lanes[2], lanes[3]);
}

at::Tensor CopyWithLayout(const at::Tensor& tensor, c10::Device device) {
  at::Tensor copy = at::empty_strided(tensor.sizes(), tensor.strides(),
                                      tensor.options().device(device).requires_grad(false));
  CopyInto(tensor, copy);
  if (tensor.unsafeGetTensorImpl()->is_wrapped_number()) {
    copy.unsafeGetTensorImpl()->set_wrapped_number(true);
  }
  return copy;
}

void CopyInto(const at::Tensor& from, at::Tensor& to, bool non_blocking) {
  if (from.is_contiguous() && to.is_contiguous() && from.is_cpu() && to.is_cpu()) {
    std::memcpy(to.data_ptr(), from.data_ptr(), from.nbytes());
    return;
  }
  at::Tensor target = Distinct(to);
  target.copy_(Distinct(from), non_blocking);
}

}  // namespace placer::detail
