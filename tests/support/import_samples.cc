#include "tests/support/import_samples.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>

#include "graphs/graph_io.h"

namespace placer::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> NodesOfGraphDef(const std::string& path) {
  std::vector<std::string> names;
  const Json document = Json::parse(ReadFile(path));
  for (const Json& node : document.at("modelTopology").at("node")) {
    names.push_back(node.at("name"));
  }
  return names;
}

std::vector<std::string> NodesOfWorkload(const std::string& path) {
  std::vector<std::string> ids;
  const Json document = Json::parse(ReadFile(path));
  for (const Json& node : document.at("nodes")) {
    ids.push_back(std::to_string(node.at("id").get<int>()));
  }
  return ids;
}

std::vector<std::string> NodesOfProfile(const std::string& path) {
  std::vector<std::string> names;
  std::istringstream lines(ReadFile(path));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("node")) {
      names.push_back(line.substr(0, line.find(' ')));
    }
  }
  return names;
}

std::vector<std::string> NodesOfDoppler(const std::string& path) {
  std::vector<std::string> names;
  std::istringstream lines(ReadFile(path));
  std::string line;
  for (int header = 0; header < 4; ++header) {
    std::getline(lines, line);
  }
  while (std::getline(lines, line)) {
    if (line.find(',') != std::string::npos) {
      names.push_back("node" + std::to_string(names.size()));
    }
  }
  return names;
}

}  // namespace

std::vector<ImportSample> ImportSamples() {
  std::vector<ImportSample> samples;
  for (const std::string_view importer :
       {"graphdef", "partitioning", "pipedream", "doppler", "placer"}) {
    const fs::path folder = fs::path(TEST_DATA_DIR) / "importers" / importer;
    if (!fs::exists(folder)) {
      continue;
    }
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.is_regular_file() && entry.path().filename() != "LICENSE.txt") {
        samples.push_back({importer, entry.path().string()});
      }
    }
  }
  for (const std::string name : {"light_squeezenet", "mobilenet_v3_large"}) {
    samples.push_back({"onnx", std::string(SAMPLES_DIR) + "/" + name + ".onnx"});
  }
  std::sort(samples.begin(), samples.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return samples;
}

std::string SampleName(const ImportSample& sample) {
  std::string name = std::string(sample.importer) + "_" + fs::path(sample.path).filename().string();
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

std::vector<std::string> SourceNodes(const ImportSample& sample) {
  if (sample.importer == "graphdef") {
    return sample.path.ends_with(".json") ? NodesOfGraphDef(sample.path)
                                          : std::vector<std::string>{};
  }
  if (sample.importer == "partitioning") {
    return NodesOfWorkload(sample.path);
  }
  if (sample.importer == "pipedream") {
    return NodesOfProfile(sample.path);
  }
  return sample.importer == "doppler" ? NodesOfDoppler(sample.path) : std::vector<std::string>{};
}

}  // namespace placer::test
