#include "experiments/paper/models.h"

#include <array>

namespace placer {
namespace {

constexpr std::array kRnnlm = {PaperRow{2, 13.43, 11.94, 3.81, 1.57},
                               PaperRow{4, 11.52, 10.44, 4.46, 1.57}};
constexpr std::array kNmt = {PaperRow{2, 14.19, 11.54, 4.99, 4.04},
                             PaperRow{4, 11.23, 11.78, 4.73, 3.92}};
constexpr std::array kInception = {PaperRow{2, 25.24, 22.88, 11.22, 4.60},
                                   PaperRow{4, 23.41, 24.52, 10.65, 3.85}};

constexpr std::array<PaperModel, 3> kModels = {{
    {"rnnlm", "RNNLM (64)", "zoo:rnnlm", 188, 8'943, 188, 6.89, 1.57, kRnnlm},
    {"nmt", "NMT (64)", "zoo:nmt", 280, 22'097, 280, 10.72, std::nullopt, kNmt},
    {"inception_v3", "Inception-V3 (32)", "zoo:inception_v3?aux=1", 83, 31'180, 83, 26.21, 4.60,
     kInception},
}};

}  // namespace

std::span<const PaperModel> PaperModels() { return kModels; }

}  // namespace placer
