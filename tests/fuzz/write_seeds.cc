// write_seeds FOLDER: files to start fuzzing from, in a folder for each importer. The files of the
// tests that are not large, the beginning of those in JSON, small ONNX models, and protobuf
// messages in their binary form.

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "graphs/base/replace_file.h"
#include "tests/fuzz/mutate_input.h"
#include "tests/support/import_samples.h"
#include "tests/support/onnx_seeds.h"
#include "tests/support/onnx_text.h"

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostNodes = 20;

/// The first nodes that compute, and the constants that they read.
void CutGraph(Json& model) {
  model.erase("weightsManifest");
  Json& nodes = model.at("modelTopology").at("node");
  Json kept = Json::array();
  std::set<std::string> read;
  for (const Json& node : nodes) {
    if (node.at("op") != "Const" && kept.size() < kMostNodes) {
      kept.push_back(node);
      for (const Json& input : node.value("input", Json::array())) {
        read.insert(input.get<std::string>());
      }
    }
  }
  for (const Json& node : nodes) {
    if (node.at("op") == "Const" && read.contains(node.at("name").get<std::string>())) {
      kept.push_back(node);
    }
  }
  nodes = std::move(kept);
}

/// The first nodes and the edges between them.
void CutWorkload(Json& workload) {
  Json nodes = Json::array();
  std::set<int> ids;
  for (const Json& node : workload.at("nodes")) {
    if (nodes.size() < kMostNodes) {
      nodes.push_back(node);
      ids.insert(node.at("id").get<int>());
    }
  }
  Json edges = Json::array();
  for (const Json& edge : workload.at("edges")) {
    if (ids.contains(edge.at("sourceId").get<int>()) &&
        ids.contains(edge.at("destId").get<int>())) {
      edges.push_back(edge);
    }
  }
  workload.at("nodes") = std::move(nodes);
  workload.at("edges") = std::move(edges);
}

/// The beginning of a model in JSON, of which a fuzzer tries several times as many as of the whole.
std::string Cut(const std::string& content) {
  Json document = Json::parse(content);
  if (document.contains("modelTopology")) {
    CutGraph(document);
  } else {
    CutWorkload(document);
  }
  return document.dump();
}

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  using placer::test::ImportSample;
  if (argc != 2) {
    std::cerr << "usage: write_seeds FOLDER\n";
    return 2;
  }
  constexpr std::size_t kLargest = 35000;  // of the files not in JSON, all but one ONNX model
  const fs::path folder = argv[1];
  for (const ImportSample& sample : placer::test::ImportSamples()) {
    const fs::path to = folder / sample.importer;
    fs::create_directories(to);
    const std::string name = fs::path(sample.path).filename();
    std::string content = placer::ReadWholeFile(sample.path);
    if (content.starts_with('{')) {
      content = Cut(content);
    }
    if (content.size() > kLargest) {
      continue;
    }
    placer::ReplaceFile(to / name, content);
    const std::string binary = placer::fuzz::ToBinary(sample.importer, content);
    if (binary != content) {
      placer::ReplaceFile(to / (name + ".binary"), binary);
    }
  }
  int count = 0;
  for (const char* text : placer::test::kOnnxSeeds) {
    placer::ReplaceFile(folder / "onnx" / ("seed" + std::to_string(count++) + ".onnx"),
                        placer::test::ParseOnnxText(text, 17).SerializeAsString());
  }
  return 0;
}
