// Structure-aware mutations of every importer's files, a short run of what scripts/fuzz.sh does at
// length: whatever comes out is imported or refused in one line.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/importers.h"
#include "tests/fuzz/mutate_input.h"
#include "tests/support/import_samples.h"

namespace placer {
namespace {

class ImporterFuzz : public testing::TestWithParam<std::string_view> {};

TEST_P(ImporterFuzz, ImportsOrRefusesMutants) {
  constexpr std::uintmax_t kLargest = 30000;
  constexpr int kMutants = 60;
  int imported = 0;
  int refused = 0;
  const Importer& importer =
      *std::ranges::find(Importers(), GetParam(), [](const Importer& i) { return i.name; });
  for (const test::ImportSample& sample : test::ImportSamples()) {
    if (sample.importer != GetParam() || std::filesystem::file_size(sample.path) > kLargest) {
      continue;
    }
    const std::string text = ReadWholeFile(sample.path);
    const std::string seed = fuzz::ToBinary(sample.importer, text);
    for (int mutant = 0; mutant < kMutants; ++mutant) {
      Rng rng(DeriveSeed(5, mutant));
      const ModelFile file("fuzz", fuzz::MutateInput(sample.importer, seed, rng));
      try {
        (void)importer.load(file, std::nullopt);
        ++imported;
      } catch (const InputError& error) {
        const std::string message = error.what();
        EXPECT_TRUE(message.starts_with("fuzz:")) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        ++refused;
      }
    }
  }
  // Both happen, or the mutations are no test.
  EXPECT_GT(imported, 0);
  EXPECT_GT(refused, 0);
}

/// The ONNX importer has a test of its own: onnx_fuzz_test.cc.
std::vector<std::string_view> OthersThanOnnx() {
  std::vector<std::string_view> names;
  for (const Importer& importer : Importers()) {
    if (importer.name != "onnx") {
      names.push_back(importer.name);
    }
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Importers, ImporterFuzz, testing::ValuesIn(OthersThanOnnx()),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
}  // namespace placer
