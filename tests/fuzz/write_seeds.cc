// write_seeds FOLDER: files to start fuzzing from, in a folder for each importer. The files of the
// tests that are not large, small ONNX models, and protobuf messages in their binary form.

#include <filesystem>
#include <iostream>

#include "graphs/base/replace_file.h"
#include "tests/fuzz/mutate_input.h"
#include "tests/support/import_samples.h"
#include "tests/support/onnx_seeds.h"
#include "tests/support/onnx_text.h"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  using placer::test::ImportSample;
  if (argc != 2) {
    std::cerr << "usage: write_seeds FOLDER\n";
    return 2;
  }
  constexpr std::uintmax_t kLargest = 9000;
  const fs::path folder = argv[1];
  for (const ImportSample& sample : placer::test::ImportSamples()) {
    const fs::path to = folder / sample.importer;
    fs::create_directories(to);
    if (fs::file_size(sample.path) > kLargest) {
      continue;
    }
    const std::string content = placer::ReadWholeFile(sample.path);
    const fs::path name = fs::path(sample.path).filename();
    placer::ReplaceFile(to / name, content);
    placer::ReplaceFile(to / (name.string() + ".binary"),
                        placer::fuzz::ToBinary(sample.importer, content));
  }
  int count = 0;
  for (const char* text : placer::test::kOnnxSeeds) {
    placer::ReplaceFile(folder / "onnx" / ("seed" + std::to_string(count++) + ".onnx"),
                        placer::test::ParseOnnxText(text, 17).SerializeAsString());
  }
  return 0;
}
