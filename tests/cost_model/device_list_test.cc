#include "cost_model/device_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>

#include "graphs/base/error.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kMemory = 8'000'000'000;

std::string FaultOf(const std::string& list) {
  try {
    static_cast<void>(ParseDeviceList(list));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(ParseDeviceList, TakesNamesWithCommas) {
  const std::string cpu = AnyCpuDevice();
  EXPECT_THAT(ParseDeviceList(cpu), ElementsAre(cpu));
  EXPECT_THAT(ParseDeviceList("cuda:3," + cpu), ElementsAre("cuda:3", cpu));
}

TEST(ParseDeviceList, NamesWhatIsWrong) {
  EXPECT_THAT(FaultOf(""), HasSubstr("the list is empty"));
  EXPECT_THAT(FaultOf("gpu:0"), HasSubstr("found 'gpu:0', expected cpu:N or cuda:N"));
  EXPECT_THAT(FaultOf("cpu:x"), HasSubstr("found 'cpu:x'"));
  EXPECT_THAT(FaultOf("cpu:-1"), HasSubstr("found 'cpu:-1'"));
  EXPECT_THAT(FaultOf("cuda:0,,cuda:1"), HasSubstr("found ''"));
  EXPECT_THAT(FaultOf("cuda:0,cuda:0"), HasSubstr("found 'cuda:0' twice"));
  EXPECT_THAT(FaultOf("cpu:1000000"), HasSubstr("but this process may use"));
}

TEST(MakeDeviceCluster, SharesTheMemoryAndLinksEveryPair) {
  const HostHardware host{"Some CPU", 1e11, kMemory};
  const Cluster cluster = MakeDeviceCluster({"cpu:0", "cpu:1", "cuda:0"}, host);
  EXPECT_EQ(cluster.num_devices(), 3U);
  EXPECT_EQ(cluster.name(), "cpu:0,cpu:1,cuda:0");
  EXPECT_EQ(cluster.device(DeviceId(1)).name, "cpu:1");
  EXPECT_EQ(cluster.device(DeviceId(1)).memory_bytes, kMemory / 2);
  EXPECT_EQ(cluster.device(DeviceId(1)).copied_by, CopiedBy::kReceiver);
  EXPECT_EQ(cluster.device(DeviceId(2)).kind, "gpu");
  EXPECT_EQ(cluster.device(DeviceId(2)).copied_by, CopiedBy::kReceiver);
  for (std::size_t from = 0; from < 3; ++from) {
    for (std::size_t to = 0; to < 3; ++to) {
      EXPECT_EQ(cluster.route(DeviceId(from), DeviceId(to)).size(), from == to ? 0U : 1U);
    }
  }
  EXPECT_EQ(HardwareOf(cluster, host).at("cpu"), "Some CPU");
}

TEST(GroupMemoryLimit, IsTheLeastOfTheGroupAndThoseAroundIt) {
  const test::TempDir root;
  std::filesystem::create_directories(root / "job/task");
  std::filesystem::create_directories(root / "memory/old");
  const auto limit = [&](const std::string& groups) { return GroupMemoryLimit(root / "", groups); };
  const auto write = [&](const std::string& file, const std::string& text) {
    static_cast<void>(root.Write(file, text));
  };
  EXPECT_EQ(limit("0::/job/task\n"), std::nullopt);
  write("job/task/memory.max", "max\n");
  EXPECT_EQ(limit("0::/job/task\n"), std::nullopt);
  write("job/memory.max", "5000\n");
  EXPECT_EQ(limit("0::/job/task\n"), 5000);
  EXPECT_EQ(limit("0::/job\n"), 5000);
  EXPECT_EQ(limit("0::/\n"), std::nullopt);
  write("job/task/memory.max", "7000\n");
  EXPECT_EQ(limit("0::/job/task\n"), 5000) << "around it is less";
  write("memory.max", "4000\n");  // in a container the root is a group with a limit
  EXPECT_EQ(limit("0::/job/task\n"), 4000);
  EXPECT_EQ(limit("0::/not/seen/from/here\n"), 4000);
  write("memory/old/memory.limit_in_bytes", "3000\n");
  EXPECT_EQ(limit("4:cpu,memory:/old\n1:cpu:/job\n0::/\n"), 3000);
  EXPECT_EQ(limit("4:memory:/old\n"), 3000);
  EXPECT_EQ(limit("4:cpu:/old\n"), std::nullopt);
  EXPECT_EQ(limit(""), std::nullopt);
  EXPECT_EQ(limit("nonsense\n:\n"), std::nullopt);
}

TEST(DetectHost, KnowsSomethingOfThisMachine) {
  const HostHardware host = DetectHost();
  EXPECT_FALSE(host.processor.empty());
  EXPECT_GT(host.core_flops_per_s, 1e8);
  EXPECT_GT(host.memory_bytes, 10'000'000);
}

}  // namespace
}  // namespace placer
