#include "experiments/exporters.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "experiments/device_map.h"
#include "experiments/output_file.h"
#include "experiments/plan_drawing.h"
#include "experiments/plan_facts.h"
#include "experiments/trace_json.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/graphdef_exporter.h"
#include "graphs/onnx_exporter.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using Warnings = std::vector<std::string>;

Warnings WritePlan(const ExportRequest& request, const fs::path& output) {
  WritePlacement(request.plan, output);
  return {};
}

Warnings WriteOnnx(const ExportRequest& request, const fs::path& output) {
  ReplaceFile(output, OnnxWithDevices(request.model, *request.graph, request.device_of_op));
  return {};
}

Warnings WriteParts(const ExportRequest& request, const fs::path& output) {
  return WriteOnnxParts(request.model, *request.graph, request.device_of_op, output).warnings;
}

Warnings WriteGraphDef(const ExportRequest& request, const fs::path& output) {
  ReplaceFile(output, GraphDefWithDevices(request.model, *request.graph, request.device_of_op));
  return {};
}

Warnings WriteDeviceMap(const ExportRequest& request, const fs::path& output) {
  const nlohmann::ordered_json map = DeviceMapOf(*request.graph, request.device_of_op);
  ReplaceFile(output, map.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  Warnings warnings;
  for (const auto& conflict : map.at("conflicts")) {
    const std::string module = conflict.at("module").get<std::string>();
    warnings.push_back((module.empty() ? "the model itself" : "module '" + module + "'") + ": " +
                       conflict.at("why").get<std::string>());
  }
  constexpr std::size_t kShown = 5;
  if (warnings.size() > kShown) {
    const std::size_t hidden = warnings.size() - kShown;
    warnings.resize(kShown);
    warnings.push_back("and " + std::to_string(hidden) +
                       " more modules (all are in the file); --whole-modules of optimize avoids "
                       "most");
  }
  return warnings;
}

Warnings Draw(const ExportRequest& request, const fs::path& output, DrawingFormat format) {
  std::string title = request.graph->name();
  title += request.plan.cluster_name.empty() ? "" : " on " + request.plan.cluster_name;
  title += request.plan.method.empty() ? "" : ", " + request.plan.method;
  ReplaceFile(output, DrawPlan(*request.graph, request.device_of_op, title, format));
  return {};
}

Warnings WriteDot(const ExportRequest& request, const fs::path& output) {
  return Draw(request, output, DrawingFormat::kDot);
}

Warnings WriteSvg(const ExportRequest& request, const fs::path& output) {
  return Draw(request, output, DrawingFormat::kSvg);
}

Warnings WriteTrace(const ExportRequest& request, const fs::path& output) {
  const Workbench& bench = *request.bench;
  if (bench.objective() != Objective::kLatency) {
    throw InputError("trace: there is no schedule to draw with objective max-load");
  }
  const Placement placement = Restore(request.plan, bench.graph(), bench.cluster());
  const PlanFacts facts = ExaminePlan(bench, placement);
  ReplaceFile(output, TraceToJson(bench.graph(), bench.cluster(), facts.trace).dump());
  return {};
}

std::string Listed(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) {
    text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text;
}

}  // namespace

std::span<const Exporter> Exporters() {
  static const std::array kExporters = {
      Exporter{"plan",
               "the placement itself: text, binary, JSON, or a table of op and device",
               {".txtpb", ".pb", ".json", ".csv"},
               false,
               false,
               WritePlan},
      Exporter{"onnx",
               "the ONNX model with the device of every node in its metadata",
               {".onnx"},
               true,
               false,
               WriteOnnx},
      Exporter{"onnx-parts",
               "a folder with an ONNX model for every connected part, and the order to run them in",
               {},
               true,
               false,
               WriteParts},
      Exporter{"graphdef",
               "the TensorFlow GraphDef with the device of every node, in its own encoding",
               {".pb", ".pbtxt", ".txt", ".json"},
               true,
               false,
               WriteGraphDef},
      Exporter{"device_map",
               "JSON from PyTorch module to device, for inference",
               {".json"},
               true,
               false,
               WriteDeviceMap},
      Exporter{
          "dot", "a Graphviz graph coloured by device", {".dot", ".gv"}, true, false, WriteDot},
      Exporter{"svg", "the same as a picture", {".svg"}, true, false, WriteSvg},
      Exporter{"trace",
               "one simulated step for Perfetto or chrome://tracing",
               {".json"},
               true,
               true,
               WriteTrace}};
  return kExporters;
}

const Exporter& ExporterNamed(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Exporter& exporter : Exporters()) {
    if (exporter.name == name) {
      return exporter;
    }
    known.push_back(exporter.name);
  }
  throw InputError("format '" + std::string(name) +
                   "' is unknown, expected one of: " + Listed(known));
}

const Exporter& ExporterFor(const fs::path& output) {
  const std::string suffix = output.extension().string();
  std::vector<std::string_view> known;
  for (const Exporter& exporter : Exporters()) {
    for (const std::string_view each : exporter.suffixes) {
      if (each == suffix) {
        return exporter;
      }
      if (std::find(known.begin(), known.end(), each) == known.end()) {
        known.push_back(each);
      }
    }
  }
  throw InputError(output.string() + ": unknown suffix '" + suffix + "', expected one of " +
                   Listed(known) + ", or --format");
}

void CheckOutput(const Exporter& exporter, const fs::path& output) {
  if (exporter.suffixes.empty()) {
    return;
  }
  const std::string suffix = output.extension().string();
  if (std::find(exporter.suffixes.begin(), exporter.suffixes.end(), suffix) ==
      exporter.suffixes.end()) {
    throw InputError(output.string() + ": unknown suffix '" + suffix + "', expected one of " +
                     Listed(exporter.suffixes) + " for format " + std::string(exporter.name));
  }
  CheckWritable(output);
}

std::vector<std::string> Export(const Exporter& exporter, const ExportRequest& request,
                                const fs::path& output) {
  const std::string format = "format " + std::string(exporter.name) + ": ";
  if (exporter.needs_model && request.graph == nullptr) {
    throw InputError(format + "needs the model, expected MODEL after PLAN");
  }
  if (exporter.needs_cluster && request.bench == nullptr) {
    throw InputError(format + "needs the cluster, expected --cluster");
  }
  CheckOutput(exporter, output);
  return exporter.write(request, output);
}

}  // namespace placer
