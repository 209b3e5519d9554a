// One contract for every importer: what is registered has files here, keeps names, is
// deterministic, and refuses damaged files in one line that says where.

#include "graphs/importers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/rng.h"
#include "graphs/graph_io.h"
#include "graphs/zoo.h"
#include "tests/support/import_samples.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using test::ImportSample;
using testing::HasSubstr;

/// What is wrong with the message of a refusal: it starts with the file, says something, and is
/// one line.
std::string FaultOfMessage(const std::string& message, const std::string& file) {
  if (!message.starts_with(file + ":")) {
    return "does not start with the file: " + message;
  }
  if (message.size() < file.size() + 10) {
    return "says nothing: " + message;
  }
  const bool control = std::any_of(message.begin(), message.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return control ? "has control characters: " + message : "";
}

/// Imports or refuses; anything else is a failure. @return whether it was imported
bool Import(const ModelFile& file) {
  try {
    const LoadedModel model = ImporterFor(file).load(file, std::nullopt);
    EXPECT_GT(model.graph.num_ops(), 0U);
    return true;
  } catch (const InputError& error) {
    EXPECT_EQ(FaultOfMessage(error.what(), file.path().string()), "");
    return false;
  }
}

class ImporterContract : public testing::TestWithParam<ImportSample> {};

TEST_P(ImporterContract, IsRecognizedByOneImporterOnly) {
  const ModelFile file(GetParam().path);
  std::vector<std::string_view> names;
  for (const Importer& importer : Importers()) {
    if (importer.recognizes(file)) {
      names.push_back(importer.name);
    }
  }
  EXPECT_THAT(names, testing::ElementsAre(GetParam().importer));
  EXPECT_EQ(ImporterFor(file).name, GetParam().importer);
}

TEST_P(ImporterContract, ImportsWithUniqueNamesAndKeepsThoseOfTheSource) {
  const LoadedModel model = LoadModel(GetParam().path);
  std::set<std::string> names;
  std::set<std::string> sources;
  for (const Op& op : model.graph.ops()) {
    EXPECT_FALSE(op.name.empty());
    EXPECT_TRUE(names.insert(op.name).second) << op.name;
    sources.insert(op.source_name.empty() ? op.name : op.source_name);
  }
  for (const std::string& node : test::SourceNodes(GetParam())) {
    EXPECT_TRUE(sources.contains(node)) << node;
  }
  for (const std::string& warning : model.warnings) {
    EXPECT_EQ(warning.find('\n'), std::string::npos) << warning;
  }
}

TEST_P(ImporterContract, IsDeterministicAndReadsMemoryAsItReadsAFile) {
  const LoadedModel first = LoadModel(GetParam().path);
  const ModelFile in_memory(GetParam().path, ReadWholeFile(GetParam().path));
  const LoadedModel second = ImporterFor(in_memory).load(in_memory, std::nullopt);
  EXPECT_EQ(first.graph, second.graph);
  EXPECT_EQ(first.warnings, second.warnings);
  EXPECT_EQ(first.devices, second.devices);
}

TEST_P(ImporterContract, SurvivesBeingWrittenAsAGraph) {
  const Graph graph = LoadModel(GetParam().path).graph;
  const test::TempDir dir;
  WriteGraph(graph, dir / "graph.pb");
  const Graph again = ReadGraph(dir / "graph.pb");
  EXPECT_EQ(again.fingerprint(), graph.fingerprint());
  EXPECT_TRUE(again == graph);
}

TEST_P(ImporterContract, RefusesTruncatedFilesInOneLocatedLine) {
  const std::string whole = ReadWholeFile(GetParam().path);
  int refused = 0;
  constexpr int kCuts = 12;
  for (int cut = 0; cut < kCuts; ++cut) {
    const std::size_t size = whole.size() * static_cast<std::size_t>(cut) / kCuts;
    refused += Import(ModelFile(GetParam().path, whole.substr(0, size))) ? 0 : 1;
  }
  EXPECT_GT(refused, 0);
}

TEST_P(ImporterContract, SurvivesFlippedBytes) {
  const std::string whole = ReadWholeFile(GetParam().path);
  constexpr int kMutants = 10;
  for (int mutant = 0; mutant < kMutants; ++mutant) {
    Rng rng(DeriveSeed(11, mutant));
    std::string bytes = whole;
    for (std::size_t flips = 1 + rng.Below(4); flips > 0; --flips) {
      char& byte = bytes[rng.Below(bytes.size())];
      byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << rng.Below(8)));
    }
    (void)Import(ModelFile(GetParam().path, bytes));
  }
}

TEST_P(ImporterContract, SaysWhichFileIsMissing) {
  const Importer& importer = ImporterFor(ModelFile(GetParam().path));
  const ModelFile missing("/nowhere/model");
  try {
    (void)importer.load(missing, std::nullopt);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/model: cannot be opened"));
  }
}

INSTANTIATE_TEST_SUITE_P(Files, ImporterContract, testing::ValuesIn(test::ImportSamples()),
                         [](const auto& sample) { return test::SampleName(sample.param); });

TEST(Importers, HaveUniqueNamesAndASampleEach) {
  std::set<std::string_view> sampled;
  for (const ImportSample& sample : test::ImportSamples()) {
    sampled.insert(sample.importer);
  }
  std::set<std::string_view> names;
  for (const Importer& importer : Importers()) {
    EXPECT_TRUE(names.insert(importer.name).second) << importer.name;
    EXPECT_TRUE(sampled.contains(importer.name)) << importer.name;
    EXPECT_FALSE(importer.what.empty());
  }
}

TEST(Importers, ListTheKindsWhereTheContentIsNone) {
  for (const std::string& garbage :
       {std::string("\x01\x02\x03 no model"), std::string(), std::string(100, '\0')}) {
    try {
      (void)ImporterFor(ModelFile("some/file", garbage));
      FAIL();
    } catch (const InputError& error) {
      for (const Importer& importer : Importers()) {
        EXPECT_THAT(error.what(), HasSubstr(std::string(importer.what)));
      }
    }
  }
}

TEST(Importers, TakeTextThatNobodyKnowsForAGraphByHand) {
  EXPECT_FALSE(Import(ModelFile("file", "hello world")));
  EXPECT_FALSE(Import(ModelFile("file", R"({"a": 1})")));
  EXPECT_FALSE(Import(ModelFile("file", "format: \"\\033[2J\\177\"")));
  EXPECT_FALSE(Import(ModelFile("file", std::string(100000, '['))));
  EXPECT_FALSE(Import(ModelFile("file", std::string(100000, '{'))));
  EXPECT_FALSE(Import(ModelFile("file", R"({"nodes": )" + std::string(100000, '['))));
}

}  // namespace
}  // namespace placer
