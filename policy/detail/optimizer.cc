#include "policy/detail/optimizer.h"

#include <cmath>
#include <string>

#include "graphs/base/error.h"
#include "policy/detail/kernels.h"

namespace placer::detail {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

double Norm(const std::vector<at::Tensor>& gradients) {
  double squares = 0;
  for (const at::Tensor& gradient : gradients) {
    if (gradient.defined()) {
      const double norm = gradient.norm().item<double>();
      squares += norm * norm;
    }
  }
  return std::sqrt(squares);
}

}  // namespace

Optimizer::Optimizer(const std::vector<Parameter>& parameters) {
  for (const Parameter& parameter : parameters) {
    moments_.push_back({at::zeros(parameter.value.sizes()), at::zeros(parameter.value.sizes())});
  }
}

double Optimizer::Step(std::vector<Parameter>& parameters, const std::vector<at::Tensor>& gradients,
                       double learning_rate, double clip_norm) {
  const double norm = Norm(gradients);
  if (!std::isfinite(norm)) {
    throw Error("policy update: the norm of the gradient is " + std::to_string(norm) +
                ", expected a finite number");
  }
  ++steps_;
  const auto t = static_cast<double>(steps_);
  AdamStep step;
  step.gradient_scale =
      static_cast<float>(clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1.0);
  step.beta1 = static_cast<float>(kBeta1);
  step.beta2 = static_cast<float>(kBeta2);
  step.epsilon = static_cast<float>(kEpsilon);
  step.step_size = static_cast<float>(learning_rate / (1 - std::pow(kBeta1, t)));
  step.second_scale = static_cast<float>(1 / (1 - std::pow(kBeta2, t)));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const at::Tensor gradient =
        gradients[i].defined() ? gradients[i].contiguous() : at::zeros(parameters[i].value.sizes());
    step.size = static_cast<std::size_t>(gradient.numel());
    step.value = parameters[i].value.data_ptr<float>();
    step.first = moments_[i].first.data_ptr<float>();
    step.second = moments_[i].second.data_ptr<float>();
    step.gradient = gradient.data_ptr<float>();
    BestKernels().adam(step);
  }
  return norm;
}

}  // namespace placer::detail
