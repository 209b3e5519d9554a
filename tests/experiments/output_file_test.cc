#include "experiments/output_file.h"

#include <gtest/gtest.h>

#include "graphs/base/error.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

std::string FaultOf(const std::filesystem::path& path) {
  try {
    CheckWritable(path, {".txtpb", ".json"});
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

TEST(CheckWritable, LeavesNothingBehind) {
  const test::TempDir dir;
  EXPECT_EQ(FaultOf(dir / "plan.txtpb"), "");
  EXPECT_TRUE(dir.IsEmpty());
}

TEST(CheckWritable, NamesTheFault) {
  const test::TempDir dir;
  std::filesystem::create_directory(dir / "folder.json");
  EXPECT_NE(FaultOf(dir / "none/plan.json").find("No such file or directory"), std::string::npos);
  EXPECT_NE(FaultOf(dir / "folder.json").find("is a folder"), std::string::npos);
  EXPECT_NE(FaultOf(dir / "plan.xml").find("unknown suffix '.xml', expected one of .txtpb, .json"),
            std::string::npos);
  EXPECT_NE(FaultOf("/dev/null/plan.json").find("/dev/null/plan.json: cannot be written"),
            std::string::npos);
}

}  // namespace
}  // namespace placer
