#include "graphs/pipedream.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>
#include <unordered_map>
#include <vector>

#include "graphs/base/error.h"
#include "graphs/detail/known_time.h"
#include "graphs/detail/sniff.h"
#include "graphs/detail/text_lines.h"
#include "graphs/model_file.h"

namespace placer {
namespace {

constexpr std::string_view kSeparator = " -- ";
/// Where the times were measured.
constexpr std::string_view kKind = "gpu";
constexpr double kMaxMs = 1e9;
constexpr double kMaxBytes = 1e15;

struct Layer {
  std::string name, type;
  Seconds forward{0}, backward{0};
  std::int64_t activation_bytes = 0, parameter_bytes = 0;
  std::vector<std::size_t> before, after;  ///< each once
  bool is_input = false;
};

class ProfileReader {
 public:
  ProfileReader(std::string_view text, std::string where) : lines_(text, std::move(where)) {}

  std::vector<Layer> Read() {
    while (lines_.Next()) {
      if (TrimBlanks(lines_.line()).empty()) {
        continue;
      }
      if (lines_.line().front() == '\t') {
        edges_.push_back({lines_, ReadEdge()});
      } else {
        ReadLayer();
      }
    }
    for (const auto& [line, ends] : edges_) {
      Connect(line, ends);
    }
    return std::move(layers_);
  }

 private:
  using Ends = std::pair<std::string_view, std::string_view>;

  void ReadLayer() {
    std::vector<std::string_view> parts = SplitText(lines_.line(), kSeparator);
    if (parts.size() > 3 && parts.back().starts_with("stage_id=")) {
      parts.pop_back();
    }
    if (parts.size() < 3 || parts.front().empty()) {
      lines_.Throw("is " + QuotedShort(lines_.line()) +
                   ", expected 'node -- layer -- forward_compute_time=..., "
                   "backward_compute_time=..., activation_size=..., parameter_size=...'");
    }
    Layer layer{.name = std::string(parts.front()), .type = TypeOf(parts[1])};
    layer.is_input = layer.type.starts_with("Input");
    for (const std::string_view field : SplitText(parts.back(), ", ")) {
      SetField(field, layer);
    }
    if (seen_fields_ != kAllFields) {
      lines_.Throw("node " + QuotedShort(layer.name) +
                   " lacks a field, expected forward_compute_time, backward_compute_time, "
                   "activation_size and parameter_size");
    }
    seen_fields_ = 0;
    if (!index_.emplace(layer.name, layers_.size()).second) {
      lines_.Throw("node " + QuotedShort(layer.name) + " is given twice, expected unique nodes");
    }
    layers_.push_back(std::move(layer));
  }

  /// "Conv2d" of "Conv2d(3, 64, kernel_size=(11, 11))".
  static std::string TypeOf(std::string_view description) {
    return std::string(TrimBlanks(description.substr(0, description.find('('))));
  }

  void SetField(std::string_view field, Layer& layer) {
    const std::size_t equals = field.find('=');
    const std::string_view key = field.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : field.substr(equals + 1);
    if (key == "forward_compute_time") {
      seen_fields_ |= 1U;
      layer.forward = Seconds(lines_.Number(value, key, kMaxMs) / 1e3);
    } else if (key == "backward_compute_time") {
      seen_fields_ |= 2U;
      layer.backward = Seconds(lines_.Number(value, key, kMaxMs) / 1e3);
    } else if (key == "activation_size") {
      seen_fields_ |= 4U;
      layer.activation_bytes = SumOf(value, key);
    } else if (key == "parameter_size") {
      seen_fields_ |= 8U;
      layer.parameter_bytes = SumOf(value, key);
    } else {
      lines_.Throw("has field " + QuotedShort(field) +
                   ", expected forward_compute_time, backward_compute_time, activation_size or "
                   "parameter_size");
    }
  }

  /// "6291456.0" or "[6291456.0; 131072.0]".
  [[nodiscard]] std::int64_t SumOf(std::string_view value, std::string_view key) const {
    if (value.starts_with('[') && value.ends_with(']')) {
      value = value.substr(1, value.size() - 2);
    }
    double sum = 0;
    for (const std::string_view part : SplitText(value, ";")) {
      sum += lines_.Number(part, key, kMaxBytes);
    }
    if (value.empty() || sum > kMaxBytes) {
      lines_.Throw(std::string(key) + " is " + QuotedShort(value) + ", expected up to 10^15 bytes");
    }
    return static_cast<std::int64_t>(std::llround(sum));
  }

  [[nodiscard]] Ends ReadEdge() const {
    const std::vector<std::string_view> parts = SplitText(lines_.line(), kSeparator);
    if (parts.size() != 2) {
      lines_.Throw("is " + QuotedShort(lines_.line()) + ", expected an edge 'node -- node'");
    }
    return {parts[0], parts[1]};
  }

  void Connect(const LineReader& line, const Ends& ends) {
    const auto find = [&](std::string_view name) {
      const auto found = index_.find(std::string(name));
      if (found == index_.end()) {
        line.Throw("has an edge with " + QuotedShort(name) + ", but there is no such node");
      }
      return found->second;
    };
    const std::size_t from = find(ends.first);
    const std::size_t to = find(ends.second);
    std::vector<std::size_t>& after = layers_[from].after;
    if (std::find(after.begin(), after.end(), to) == after.end()) {
      after.push_back(to);
      layers_[to].before.push_back(from);
    }
  }

  static constexpr unsigned kAllFields = 15;

  LineReader lines_;
  unsigned seen_fields_ = 0;
  std::vector<Layer> layers_;
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<std::pair<LineReader, Ends>> edges_;
};

class StepMaker {
 public:
  StepMaker(const std::vector<Layer>& layers, std::string name)
      : layers_(layers), builder_(std::move(name)), dropped_(0) {}

  LoadedModel Make() {
    for (const Layer& layer : layers_) {
      AddForward(layer);
    }
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      AddBackward(layers_[i]);
    }
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      ConnectForward(i);  // refuses edges to inputs, which have no backward op to connect to
    }
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      ConnectBackward(i);
    }
    LoadedModel model{.graph = std::move(builder_).Build()};
    if (dropped_.count() > 0) {
      model.warnings.push_back("inputs have forward times of " + std::to_string(dropped_.count()) +
                               " s together, which are left out: an input is there from the start");
    }
    return model;
  }

 private:
  static TensorSpec OfBytes(std::int64_t bytes) {
    return {.dtype = DataType::kUInt8, .shape = {bytes}};
  }

  void AddForward(const Layer& layer) {
    Op op{.name = layer.name,
          .type = layer.type,
          .role = layer.is_input ? OpRole::kInput : OpRole::kForward,
          .source_name = layer.name};
    if (layer.is_input) {
      dropped_ += layer.forward + layer.backward;
    } else {
      op.flops = StandInFlops(layer.forward);
      op.persistent_bytes = layer.parameter_bytes;
      op.colocation_group = layer.name;
      op.times = {{std::string(kKind), layer.forward}};
    }
    forward_.push_back(builder_.AddOp(std::move(op), {}, {OfBytes(layer.activation_bytes)}));
  }

  void AddBackward(const Layer& layer) {
    if (layer.is_input) {
      backward_.emplace_back();
      return;
    }
    std::vector<TensorSpec> gradients;
    for (const std::size_t before : layer.before) {
      if (!layers_[before].is_input) {
        gradients.push_back(OfBytes(layers_[before].activation_bytes));
      }
    }
    Op op{.name = layer.name + "/grad",
          .type = layer.type + "Grad",
          .role = OpRole::kBackward,
          .flops = StandInFlops(layer.backward),
          .colocation_group = layer.name,
          .source_name = layer.name,
          .times = {{std::string(kKind), layer.backward}}};
    backward_.push_back(builder_.AddOp(std::move(op), {}, std::move(gradients)));
  }

  void ConnectForward(std::size_t layer) {
    if (layers_[layer].is_input && !layers_[layer].before.empty()) {
      throw InputError("input '" + layers_[layer].name + "' has an edge to it from '" +
                       layers_[layers_[layer].before.front()].name + "', expected none");
    }
    std::vector<TensorId> inputs;
    for (const std::size_t before : layers_[layer].before) {
      inputs.push_back(builder_.Output(forward_[before]));
    }
    builder_.SetInputs(forward_[layer], std::move(inputs));
  }

  /// Reads what the forward op made, and the gradients of the layers after it.
  void ConnectBackward(std::size_t layer) {
    if (!backward_[layer]) {
      return;
    }
    std::vector<TensorId> inputs{builder_.Output(forward_[layer])};
    for (const std::size_t after : layers_[layer].after) {
      std::size_t output = 0;
      for (const std::size_t before : layers_[after].before) {
        if (before == layer) {
          break;
        }
        output += layers_[before].is_input ? 0 : 1;
      }
      inputs.push_back(builder_.Output(*backward_[after], output));
    }
    builder_.SetInputs(*backward_[layer], std::move(inputs));
  }

  const std::vector<Layer>& layers_;
  GraphBuilder builder_;
  Seconds dropped_;
  std::vector<OpId> forward_;
  std::vector<std::optional<OpId>> backward_;
};

}  // namespace

bool IsPipeDreamFile(const ModelFile& file) {
  const std::string_view line = TextLine(file, 0);
  const std::size_t separator = line.find(kSeparator);
  return line.starts_with("node") && separator != std::string_view::npos && separator > 4 &&
         std::all_of(line.begin() + 4, line.begin() + static_cast<std::ptrdiff_t>(separator),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

LoadedModel ImportPipeDream(const ModelFile& file, std::optional<std::int64_t> /*batch*/) {
  const std::string where = file.path().string();
  const std::vector<Layer> layers = ProfileReader(file.content(), where).Read();
  try {
    return StepMaker(layers, file.stem()).Make();
  } catch (const InputError& error) {
    throw error.In(where);
  }
}

}  // namespace placer
