#include "experiments/plan_drawing.h"

#include <graphviz/gvc.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "cost_model/cluster.h"
#include "experiments/format.h"
#include "experiments/picture/palette.h"
#include "graphs/base/error.h"
#include "graphs/grouping.h"

namespace placer {
namespace {

constexpr const char* kFont = "Helvetica";
/// More ops than this are drawn in boxes, at most so many. Graphviz's time grows faster than the
/// square of boxes and lines: with these it stays about a second.
constexpr std::size_t kMostOps = 120;
constexpr std::size_t kMostBoxes = 60;
constexpr std::size_t kMostLines = 120;

/// One box.
struct Box {
  std::string device;
  std::vector<OpId> ops;
};
struct Line {
  std::int64_t bytes = 0;
};

struct Picture {
  std::vector<Box> boxes;
  std::map<std::pair<std::size_t, std::size_t>, Line> lines;
  std::size_t num_hidden = 0;  ///< lines that are not drawn
};

std::size_t NumDrawn(const Graph& graph) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    count += graph.is_resident(OpId(i)) ? 0 : 1;
  }
  return count;
}

/// The box of every op.
std::vector<std::uint32_t> BoxesOf(const Graph& graph, std::span<const std::string> device_of_op) {
  std::vector<std::uint32_t> labels;
  if (NumDrawn(graph) <= kMostOps) {
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      labels.push_back(static_cast<std::uint32_t>(i));
    }
    return labels;
  }
  std::map<std::string, std::uint32_t> number;
  GroupingOptions options;
  options.max_groups = kMostBoxes;
  for (const std::string& device : device_of_op) {
    options.label_of_op.push_back(
        number.try_emplace(device, static_cast<std::uint32_t>(number.size())).first->second);
  }
  const Grouping grouping = GroupOps(graph, options);
  for (const GroupId group : grouping.group_of_op()) {
    labels.push_back(static_cast<std::uint32_t>(group.index()));
  }
  return labels;
}

/// Boxes with something in them, and the box of every op that is drawn.
std::vector<std::size_t> FillBoxes(const Graph& graph, std::span<const std::string> device_of_op,
                                   Picture& picture) {
  const std::vector<std::uint32_t> label = BoxesOf(graph, device_of_op);
  std::map<std::uint32_t, std::size_t> box_of_label;
  std::vector<std::size_t> box_of_op(graph.num_ops(), 0);
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    if (graph.is_resident(OpId(i))) {
      continue;
    }
    const auto [at, added] = box_of_label.try_emplace(label[i], picture.boxes.size());
    if (added) {
      picture.boxes.push_back({device_of_op[i], {}});
    }
    picture.boxes[at->second].ops.emplace_back(i);
    box_of_op[i] = at->second;
  }
  return box_of_op;
}

/// Leaves the heaviest lines, and of every box the heaviest in and out, which keep it in its place.
void HideLightLines(Picture& picture) {
  if (picture.lines.size() <= kMostLines) {
    return;
  }
  std::vector<std::pair<std::int64_t, std::pair<std::size_t, std::size_t>>> by_weight;
  for (const auto& [ends, line] : picture.lines) {
    by_weight.emplace_back(-line.bytes, ends);
  }
  std::sort(by_weight.begin(), by_weight.end());
  std::set<std::size_t> sends, receives;
  for (std::size_t i = 0; i < by_weight.size(); ++i) {
    const auto& ends = by_weight[i].second;
    const bool first_out = sends.insert(ends.first).second;
    const bool first_in = receives.insert(ends.second).second;
    if (i >= kMostLines && !first_out && !first_in) {
      picture.lines.erase(ends);
      ++picture.num_hidden;
    }
  }
}

Picture Compose(const Graph& graph, std::span<const std::string> device_of_op) {
  Picture picture;
  const std::vector<std::size_t> box_of_op = FillBoxes(graph, device_of_op, picture);
  for (const Tensor& tensor : graph.tensors()) {
    if (graph.is_resident(tensor.producer)) {
      continue;
    }
    const std::size_t from = box_of_op[tensor.producer.index()];
    std::set<std::size_t> readers;
    const auto id = static_cast<std::size_t>(&tensor - graph.tensors().data());
    for (const OpId consumer : graph.consumers(TensorId(id))) {
      readers.insert(box_of_op[consumer.index()]);
    }
    readers.erase(from);
    for (const std::size_t reader : readers) {
      picture.lines[{from, reader}].bytes += tensor.bytes;
    }
  }
  HideLightLines(picture);
  return picture;
}

/// What the names have in front in common, up to a slash; of one op all of it.
std::string NameOf(const Graph& graph, const Box& box) {
  std::string name = graph.op(box.ops.front()).name;
  for (const OpId op : box.ops) {
    const std::string& other = graph.op(op).name;
    const auto [end, unused] = std::mismatch(name.begin(), name.end(), other.begin(), other.end());
    if (end != name.end()) {
      const std::size_t common = static_cast<std::size_t>(end - name.begin());
      name = name.substr(
          0, name.rfind('/', common) == std::string::npos ? 0 : name.rfind('/', common));
    }
  }
  constexpr std::size_t kLongest = 36;
  if (name.empty()) {
    name = graph.op(box.ops.front()).name + " ...";
  }
  return name.size() <= kLongest ? name : "..." + name.substr(name.size() - kLongest + 3);
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c >= 0 && c < ' ' ? ' ' : c;
    }
  }
  return escaped;
}

/// Graphviz keeps global state: one drawing at a time.
std::mutex& GraphvizMutex() {
  static std::mutex mutex;
  return mutex;
}

/// Owns a cgraph graph.
class Dot {
 public:
  Dot() : graph_(agopen(const_cast<char*>("plan"), Agdirected, nullptr)) {}
  ~Dot() { agclose(graph_); }
  Dot(const Dot&) = delete;
  Dot& operator=(const Dot&) = delete;

  [[nodiscard]] Agraph_t* get() const { return graph_; }
  Agnode_t* Node(const std::string& name) {
    return agnode(graph_, const_cast<char*>(name.c_str()), 1);
  }
  Agedge_t* Edge(Agnode_t* from, Agnode_t* to) { return agedge(graph_, from, to, nullptr, 1); }
  void Set(void* object, const char* name, const std::string& value) const {
    agsafeset(object, const_cast<char*>(name), const_cast<char*>(value.c_str()),
              const_cast<char*>(""));
  }
  /// A label in Graphviz's HTML.
  void SetHtml(void* object, const char* name, const std::string& value) const {
    char* html = agstrdup_html(graph_, const_cast<char*>(value.c_str()));
    agsafeset(object, const_cast<char*>(name), html, const_cast<char*>(""));
    agstrfree(graph_, html);
  }

 private:
  Agraph_t* graph_;
};

/// Devices in the order of their names, each with its colour.
std::map<std::string, std::string> ColoursOf(std::span<const std::string> device_of_op) {
  std::map<std::string, std::string> colours;
  for (const std::string& device : device_of_op) {
    colours.emplace(device, "");
  }
  std::size_t next = 0;
  for (auto& [device, colour] : colours) {
    colour = CategoryColor(next++);
  }
  return colours;
}

std::string Legend(const Graph& graph, std::span<const std::string> device_of_op,
                   const std::string& title, const std::map<std::string, std::string>& colours) {
  std::string rows;
  for (const auto& [device, colour] : colours) {
    std::int64_t ops = 0, flops = 0, resident = 0;
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      if (device_of_op[i] != device) {
        continue;
      }
      const Op& op = graph.op(OpId(i));
      ops += graph.is_resident(OpId(i)) ? 0 : 1;
      flops += op.flops;
      resident += op.persistent_bytes;
      for (std::size_t k = 0; graph.is_resident(OpId(i)) && k < graph.num_outputs(OpId(i)); ++k) {
        resident += graph.tensor(TensorId(graph.first_output(OpId(i)).index() + k)).bytes;
      }
    }
    rows += fmt::format(
        "<TR><TD BGCOLOR=\"{}\"><FONT COLOR=\"{}\">{}</FONT></TD><TD ALIGN=\"RIGHT\">{} "
        "ops</TD><TD ALIGN=\"RIGHT\">{}</TD>"
        "<TD ALIGN=\"RIGHT\">{} for the whole step</TD></TR>",
        colour, InkOn(colour), Escaped(device), FormatCount(ops), FormatFlops(flops),
        FormatBytes(resident));
  }
  return "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"4\"><TR><TD COLSPAN=\"4\">"
         "<FONT POINT-SIZE=\"16\">" +
         Escaped(title) + "</FONT></TD></TR>" + rows + "</TABLE>";
}

void AddBoxes(const Graph& graph, const Picture& picture,
              const std::map<std::string, std::string>& colours, Dot& dot,
              std::vector<Agnode_t*>& nodes) {
  for (std::size_t b = 0; b < picture.boxes.size(); ++b) {
    const Box& box = picture.boxes[b];
    Agnode_t* node = nodes.emplace_back(dot.Node("n" + std::to_string(b)));
    std::int64_t flops = 0;
    for (const OpId op : box.ops) {
      flops += graph.op(op).flops;
    }
    std::string text = box.ops.size() == 1 ? graph.op(box.ops.front()).type
                                           : fmt::format("{} ops", box.ops.size());
    text += flops > 0 ? ", " + FormatFlops(flops) : "";
    dot.SetHtml(node, "label",
                fmt::format("{}<BR/><FONT POINT-SIZE=\"9\">{}</FONT>", Escaped(NameOf(graph, box)),
                            Escaped(text)));
    dot.Set(node, "fillcolor", colours.at(box.device));
    dot.Set(node, "fontcolor", InkOn(colours.at(box.device)));
    dot.Set(node, "tooltip", box.device);
  }
}

void AddLines(const Picture& picture, Dot& dot, const std::vector<Agnode_t*>& nodes) {
  std::int64_t most = 1;
  for (const auto& [ends, line] : picture.lines) {
    most = std::max(most, line.bytes);
  }
  for (const auto& [ends, line] : picture.lines) {
    Agedge_t* edge = dot.Edge(nodes[ends.first], nodes[ends.second]);
    const double share = std::sqrt(static_cast<double>(line.bytes) / static_cast<double>(most));
    dot.Set(edge, "penwidth", fmt::format("{:.1f}", 0.6 + 3.4 * share));
    const bool crosses = picture.boxes[ends.first].device != picture.boxes[ends.second].device;
    dot.Set(edge, "color", crosses ? "#222222" : "#b0b0b0");
    if (crosses) {
      dot.Set(edge, "label", " " + FormatBytes(line.bytes));
    }
  }
}

std::string Text(const Dot& dot) {
  char* data = nullptr;
  std::size_t size = 0;
  std::FILE* stream = open_memstream(&data, &size);
  if (stream == nullptr) {
    throw Error("dot: out of memory");
  }
  const bool written = agwrite(dot.get(), stream) == 0;
  const bool closed = std::fclose(stream) == 0;
  const std::unique_ptr<char, decltype(&std::free)> owner(data, &std::free);
  if (!written || !closed) {
    throw Error("dot: libcgraph cannot write the graph");
  }
  return {data, size};
}

std::string Render(const Dot& dot) {
  const std::unique_ptr<GVC_t, decltype(&gvFreeContext)> context(gvContext(), &gvFreeContext);
  if (gvLayout(context.get(), dot.get(), "dot") != 0) {
    throw Error("svg: Graphviz cannot lay the graph out");
  }
  char* data = nullptr;
  unsigned int size = 0;
  const int status = gvRenderData(context.get(), dot.get(), "svg", &data, &size);
  std::string svg = status == 0 ? std::string(data, size) : "";
  gvFreeRenderData(data);
  gvFreeLayout(context.get(), dot.get());
  if (status != 0) {
    throw Error("svg: Graphviz cannot draw the graph (are its plugins installed?)");
  }
  return svg;
}

}  // namespace

std::string DrawPlan(const Graph& graph, std::span<const std::string> device_of_op,
                     const std::string& title, DrawingFormat format) {
  const Picture picture = Compose(graph, device_of_op);
  const std::map<std::string, std::string> colours = ColoursOf(device_of_op);
  const std::scoped_lock lock(GraphvizMutex());
  Dot dot;
  dot.Set(dot.get(), "rankdir", "TB");
  dot.Set(dot.get(), "ranksep", "0.35");
  dot.Set(dot.get(), "nodesep", "0.2");
  dot.Set(dot.get(), "labelloc", "t");
  dot.Set(dot.get(), "fontname", kFont);
  // Bounds on the rounds of the layout's optimisers: good enough, and never slow.
  dot.Set(dot.get(), "nslimit", "1");
  dot.Set(dot.get(), "nslimit1", "1");
  dot.Set(dot.get(), "mclimit", "0.5");
  const std::string hidden =
      picture.num_hidden == 0 ? ""
                              : fmt::format("; {} lighter lines are not drawn", picture.num_hidden);
  dot.SetHtml(dot.get(), "label", Legend(graph, device_of_op, title + hidden, colours));
  for (const auto& [name, value] : {std::pair("shape", "box"),
                                    {"style", "filled,rounded"},
                                    {"fontname", kFont},
                                    {"fontsize", "11"},
                                    {"color", "#606060"},
                                    {"margin", "0.08,0.04"},
                                    {"height", "0.3"}}) {
    agattr(dot.get(), AGNODE, const_cast<char*>(name), const_cast<char*>(value));
  }
  for (const auto& [name, value] :
       {std::pair("fontname", kFont), {"fontsize", "9"}, {"arrowsize", "0.6"}}) {
    agattr(dot.get(), AGEDGE, const_cast<char*>(name), const_cast<char*>(value));
  }
  std::vector<Agnode_t*> nodes;
  AddBoxes(graph, picture, colours, dot, nodes);
  AddLines(picture, dot, nodes);
  return format == DrawingFormat::kDot ? Text(dot) : Render(dot);
}

}  // namespace placer
