#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cost_model/placement_io.h"
#include "placer/workbench.h"

namespace placer {

/// A plan, and what is known of what it was made for.
struct ExportRequest {
  const SavedPlacement& plan;
  std::string model;                      ///< as given by the user; empty: none
  const Graph* graph = nullptr;           ///< of the model, if there is one
  std::vector<std::string> device_of_op;  ///< [num_ops of the graph]: names from the plan
  const Workbench* bench = nullptr;       ///< model and cluster, if both are given
};

/// A format that plans are written in. docs/exporters.md says what each holds and who reads it.
struct Exporter {
  std::string_view name;     ///< "onnx"
  std::string_view summary;  ///< one line
  /// What the output's name may end in; a format without is written into a folder.
  std::vector<std::string_view> suffixes;
  bool needs_model = false;
  bool needs_cluster = false;
  /// Writes the output, whole or not at all. @return warnings, one line each
  /// @throws InputError in one line
  std::vector<std::string> (*write)(const ExportRequest& request,
                                    const std::filesystem::path& output) = nullptr;
};

/// All of them; the command, its tests and the documents go by this list.
[[nodiscard]] std::span<const Exporter> Exporters();
/// @throws InputError listing the known ones
[[nodiscard]] const Exporter& ExporterNamed(std::string_view name);
/// What is meant where no format is given: the first with the output's suffix. @throws InputError
[[nodiscard]] const Exporter& ExporterFor(const std::filesystem::path& output);

/// That the output's name suits the format, and a file can be made there. @throws InputError
void CheckOutput(const Exporter& exporter, const std::filesystem::path& output);
/// Checks what the format needs, then writes. @return warnings. @throws InputError
std::vector<std::string> Export(const Exporter& exporter, const ExportRequest& request,
                                const std::filesystem::path& output);

}  // namespace placer
