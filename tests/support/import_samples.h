#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace placer::test {

/// A file that an importer must take.
struct ImportSample {
  std::string_view importer;
  std::string path;
};

/// Files of every importer: those in tests/data/importers, shipped models, and some that are
/// written for the tests.
[[nodiscard]] std::vector<ImportSample> ImportSamples();

/// For the name of a test: "pipedream_vgg16".
[[nodiscard]] std::string SampleName(const ImportSample& sample);

/// Names of nodes in the file that ops must stand for, read without the importer. A few kinds of
/// ONNX nodes leave no op (constants): these are not listed.
[[nodiscard]] std::vector<std::string> SourceNodes(const ImportSample& sample);

}  // namespace placer::test
