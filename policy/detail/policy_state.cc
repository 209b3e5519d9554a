#include "policy/detail/policy_state.h"

#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/fingerprint.h"

namespace placer::detail {
namespace {

static_assert(std::endian::native == std::endian::little, "state bytes are little-endian");

constexpr std::string_view kMagic = "placer.policy";
constexpr std::uint32_t kVersion = 1;

void Append(std::string& out, const void* data, std::size_t size) {
  out.append(static_cast<const char*>(data), size);
}
template <typename T>
requires std::is_arithmetic_v<T>
void Append(std::string& out, T value) { Append(out, &value, sizeof value); }
void Append(std::string& out, const at::Tensor& tensor) {
  Append(out, tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel()) * sizeof(float));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  std::string_view Take(std::size_t size) {
    if (size > left_.size()) {
      throw InputError("policy state: ends " + std::to_string(size - left_.size()) +
                       " bytes too early");
    }
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  template <typename T>
  T Take() {
    T value;
    std::memcpy(&value, Take(sizeof value).data(), sizeof value);
    return value;
  }
  at::Tensor TakeLike(const at::Tensor& model) {
    at::Tensor tensor = at::empty(model.sizes());
    const auto size = static_cast<std::size_t>(model.numel()) * sizeof(float);
    std::memcpy(tensor.data_ptr<float>(), Take(size).data(), size);
    return tensor;
  }
  [[nodiscard]] std::size_t left() const noexcept { return left_.size(); }

 private:
  std::string_view left_;
};

// Seed and initial range are left out: they decide only how a policy starts.
std::vector<std::pair<const char*, double>> Shape(const PolicyConfig& config) {
  const auto number = [](std::size_t n) { return static_cast<double>(n); };
  return {{"hidden", number(config.hidden)},
          {"type_embedding", number(config.type_embedding)},
          {"adjacency_embedding", number(config.adjacency_embedding)},
          {"device_embedding", number(config.device_embedding)},
          {"max_groups", number(config.max_groups)},
          {"max_devices", number(config.max_devices)},
          {"attention", number(static_cast<std::size_t>(config.attention))},
          {"bidirectional", config.bidirectional ? 1.0 : 0.0},
          {"tanh_constant", config.tanh_constant},
          {"temperature", config.temperature}};
}

std::string Format(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  return text;
}

std::uint64_t Checksum(std::string_view bytes) { return Fingerprint().Add(bytes).value(); }

void ReadHeader(Reader& reader, const PolicyConfig& config) {
  if (reader.Take(kMagic.size()) != kMagic) {
    throw InputError("policy state: does not start with '" + std::string(kMagic) + "'");
  }
  const auto version = reader.Take<std::uint32_t>();
  if (version != kVersion) {
    throw InputError("policy state: version is " + std::to_string(version) + ", expected " +
                     std::to_string(kVersion));
  }
  for (const auto& [field, expected] : Shape(config)) {
    const auto found = reader.Take<double>();
    if (found != expected) {
      throw InputError("policy state: " + std::string(field) + " is " + Format(found) +
                       ", expected " + Format(expected));
    }
  }
}

}  // namespace

std::string WriteState(const PolicyConfig& config, const LstmNet& net, const Optimizer& optimizer) {
  std::string out(kMagic);
  Append(out, kVersion);
  for (const auto& [field, value] : Shape(config)) {
    Append(out, value);
  }
  Append(out, optimizer.steps());
  for (std::size_t i = 0; i < net.parameters().size(); ++i) {
    const Parameter& parameter = net.parameters()[i];
    Append(out, static_cast<std::uint32_t>(parameter.name.size()));
    out += parameter.name;
    Append(out, parameter.value);
    Append(out, optimizer.moments()[i].first);
    Append(out, optimizer.moments()[i].second);
  }
  Append(out, Checksum(out));
  return out;
}

void ReadState(const std::string& state, const PolicyConfig& config, LstmNet& net,
               Optimizer& optimizer) {
  Reader reader(state);
  ReadHeader(reader, config);
  const auto steps = reader.Take<std::uint64_t>();
  std::vector<at::Tensor> values;
  std::vector<Optimizer::Moments> moments;
  for (const Parameter& parameter : net.parameters()) {
    const std::string_view name = reader.Take(reader.Take<std::uint32_t>());
    if (name != parameter.name) {
      throw InputError("policy state: expected parameter '" + parameter.name +
                       "', found another name");
    }
    values.push_back(reader.TakeLike(parameter.value));
    at::Tensor first = reader.TakeLike(parameter.value);
    moments.push_back({std::move(first), reader.TakeLike(parameter.value)});
  }
  const std::size_t end = state.size() - reader.left();
  if (reader.Take<std::uint64_t>() != Checksum(std::string_view(state).substr(0, end))) {
    throw InputError("policy state: damaged, the checksum does not match");
  }
  if (reader.left() != 0) {
    throw InputError("policy state: " + std::to_string(reader.left()) + " bytes too long");
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto size = static_cast<std::size_t>(values[i].numel()) * sizeof(float);
    std::memcpy(net.parameters()[i].value.data_ptr<float>(), values[i].data_ptr<float>(), size);
  }
  optimizer.moments() = std::move(moments);
  optimizer.set_steps(steps);
}

}  // namespace placer::detail
