#include "graphs/doppler.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "graphs/base/error.h"
#include "graphs/detail/sniff.h"
#include "graphs/detail/text_lines.h"
#include "graphs/model_file.h"

namespace placer {
namespace {

/// Their simulator's units per unit of time: a cost of 10^10 is one second here.
constexpr double kUnitsPerSecond = 1e10;
/// The number of devices of most of their experiments; the file does not say it.
constexpr std::size_t kDevices = 4;
constexpr std::int64_t kDeviceMemory = std::int64_t{1} << 50U;  // no limit there
constexpr double kMaxCost = 1e16;                               // 10^6 s
constexpr double kMaxNodes = 1e8;

bool IsListOfNumbers(std::string_view line) {
  return !TrimBlanks(line).empty() && std::all_of(line.begin(), line.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == ',' || c == ' ';
  });
}

struct Node {
  double compute = 0, send = 0;
  std::string type = "node";
};

class DopplerReader {
 public:
  DopplerReader(std::string_view text, std::string where, std::string name)
      : lines_(text, std::move(where)), builder_(std::move(name)) {}

  LoadedModel Read() {
    const auto num_nodes =
        static_cast<std::size_t>(Whole(Line("the number of nodes"), "the number of nodes"));
    const std::size_t num_inputs = Numbers("the ids of the inputs").size();
    const std::vector<std::size_t> sources = Numbers("the sources of the edges");
    const std::vector<std::size_t> destinations = Numbers("the destinations of the edges");
    if (sources.size() != destinations.size()) {
      lines_.Throw("lists " + std::to_string(destinations.size()) + " destinations, expected " +
                   std::to_string(sources.size()) + ", one for each source");
    }
    const LineReader edge_line = lines_;
    ReadNodes();
    if (num_inputs + nodes_ != num_nodes) {
      lines_.Throw("has costs of " + std::to_string(nodes_) + " nodes, expected " +
                   std::to_string(num_nodes) + " nodes less " + std::to_string(num_inputs) +
                   " inputs");
    }
    Connect(edge_line, sources, destinations);
    LoadedModel model{.graph = std::move(builder_).Build()};
    model.devices = ModelDevices{.pools = {{.kind = "device",
                                            .count = kDevices,
                                            .memory_bytes = kDeviceMemory,
                                            .flops_per_s = kUnitsPerSecond}},
                                 .bytes_per_s = kUnitsPerSecond};
    return model;
  }

 private:
  std::string_view Line(std::string_view what) {
    if (!lines_.Next()) {
      lines_.Throw("is the last line, expected one with " + std::string(what));
    }
    return lines_.line();
  }

  [[nodiscard]] double Whole(std::string_view text, std::string_view what) const {
    const double number = lines_.Number(text, what, kMaxNodes);
    if (number != std::floor(number)) {
      lines_.Throw(std::string(what) + " is " + QuotedShort(text) + ", expected a whole number");
    }
    return number;
  }

  std::vector<std::size_t> Numbers(std::string_view what) {
    std::vector<std::size_t> numbers;
    for (const std::string_view part : SplitText(Line(what), ",")) {
      numbers.push_back(static_cast<std::size_t>(Whole(part, what)));
    }
    return numbers;
  }

  void ReadNodes() {
    while (lines_.Next()) {
      if (TrimBlanks(lines_.line()).empty()) {
        continue;
      }
      const std::vector<std::string_view> parts = SplitText(lines_.line(), ",");
      if (parts.size() < 2 || parts.size() > 3) {
        lines_.Throw("is " + QuotedShort(lines_.line()) +
                     ", expected 'cost of computing, cost of sending' and at most a type");
      }
      const auto send = std::llround(lines_.Number(parts[1], "the cost of sending", kMaxCost));
      Op op{.name = "node" + std::to_string(nodes_++),
            .type = parts.size() == 3 ? std::string(parts[2]) : "node"};
      const double compute = lines_.Number(parts[0], "the cost of computing", kMaxCost);
      op.flops = static_cast<std::int64_t>(std::llround(compute));
      op.times = {{"device", Seconds(compute / kUnitsPerSecond)}};
      builder_.AddOp(std::move(op), {},
                     {{.dtype = DataType::kUInt8,
                       .shape = {static_cast<std::int64_t>(send)},
                       .held_bytes = 0}});  // a cost, not a size
    }
  }

  void Connect(const LineReader& line, const std::vector<std::size_t>& sources,
               const std::vector<std::size_t>& destinations) {
    std::vector<std::vector<TensorId>> inputs(nodes_);
    for (std::size_t e = 0; e < sources.size(); ++e) {
      const std::size_t last = std::max(sources[e], destinations[e]);
      if (last >= nodes_) {
        line.Throw("edge " + std::to_string(e) + " has node " + std::to_string(last) +
                   ", but costs are given for " + std::to_string(nodes_) + " nodes");
      }
      inputs[destinations[e]].push_back(builder_.Output(OpId(sources[e])));
    }
    for (std::size_t i = 0; i < nodes_; ++i) {
      builder_.SetInputs(OpId(i), std::move(inputs[i]));
    }
  }

  LineReader lines_;
  GraphBuilder builder_;
  std::size_t nodes_ = 0;
};

}  // namespace

bool IsDopplerFile(const ModelFile& file) {
  const std::string_view count = TrimBlanks(TextLine(file, 0));
  return IsListOfNumbers(count) && count.find_first_of(", ") == std::string_view::npos &&
         IsListOfNumbers(TextLine(file, 1));
}

LoadedModel ImportDoppler(const ModelFile& file, std::optional<std::int64_t> /*batch*/) {
  const std::string where = file.path().string();
  try {
    return DopplerReader(file.content(), where, file.stem()).Read();
  } catch (const InputError& error) {
    const std::string fault = error.what();
    throw fault.starts_with(where) ? error : error.In(where);
  }
}

}  // namespace placer
