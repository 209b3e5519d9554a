#include "cost_model/cluster_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_devices.h"

namespace placer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

class ClusterIo : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) const {
    return dir_.Write(name, text);
  }
  test::TempDir dir_;
};

TEST_F(ClusterIo, EveryFormatGivesTheSameClusterBack) {
  ClusterSpec spec = test::ThroughHost();
  spec.routes = {{"a", "b", {"a-host", "host-b"}, true}};
  spec.switches = {"spare"};
  spec.devices[1].copied_by = CopiedBy::kSender;
  spec.devices[2].copied_by = CopiedBy::kReceiver;
  spec.devices[0].peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat16)] = 1.0 / 3;
  spec.devices[1].efficiencies = {{OpClass::kMatMul, {0.25, 1.0 / 3}},
                                  {OpClass::kPooling, {1, 0.125}}};
  spec.links[0].shared = true;
  const Cluster cluster(spec);
  for (const char* name : {"c.pb", "c.txtpb", "c.json"}) {
    WriteCluster(cluster, dir_ / name);
    EXPECT_EQ(ReadCluster(dir_ / name), cluster) << name;
    EXPECT_EQ(LoadCluster(dir_ / name), cluster) << name;
  }
  for (const ClusterZooEntry& entry : ClusterZoo()) {
    const Cluster zoo = MakeZooCluster(entry.name);
    WriteCluster(zoo, dir_ / "zoo.txtpb");
    EXPECT_EQ(ReadCluster(dir_ / "zoo.txtpb"), zoo);
  }
}

constexpr const char* kByHand = R"(
name: "by hand"
devices {
  name: "/cpu:0" kind: "cpu"
  peak_flops_per_s { dtype: "float32" value: 1e12 }
  memory_bytes_per_s: 50e9  memory_bytes: 1000000000  launch_overhead_s: 2e-6
  copied_by: SENDER
}
devices {
  name: "/gpu:0" kind: "gpu"
  peak_flops_per_s { dtype: "float32" value: 4e12 }
  memory_bytes_per_s: 200e9  memory_bytes: 2000000000
}
links { a: "/cpu:0" b: "/gpu:0" bytes_per_s: 12e9 latency_s: 1e-5 }
)";

TEST_F(ClusterIo, ReadsWhatAPersonWrites) {
  const Cluster cluster = ReadCluster(Write("hand.txtpb", kByHand));
  EXPECT_EQ(cluster.name(), "by hand");
  ASSERT_EQ(cluster.num_devices(), 2U);
  EXPECT_EQ(cluster.device(DeviceId(0)).copied_by, CopiedBy::kSender);
  EXPECT_EQ(cluster.device(DeviceId(1)).memory_bytes, 2'000'000'000);
  EXPECT_DOUBLE_EQ(cluster.links()[0].latency.count(), 1e-5);
}

struct Fault {
  const char* what;
  const char* from;  ///< replaced in kByHand
  const char* to;
  std::vector<const char*> expected;
};
class BadClusterFile : public ::testing::TestWithParam<Fault> {};

TEST_P(BadClusterFile, IsRefusedWithFilePlaceAndExpectation) {
  const test::TempDir dir;
  std::string text = kByHand;
  text.replace(text.find(GetParam().from), std::string(GetParam().from).size(), GetParam().to);
  const std::string path = dir.Write("bad.txtpb", text);
  try {
    (void)ReadCluster(path);
    FAIL() << "accepted";
  } catch (const InputError& e) {
    EXPECT_THAT(e.what(), ::testing::StartsWith(path));
    EXPECT_THAT(e.what(), Not(HasSubstr("\n")));
    for (const char* part : GetParam().expected) {
      EXPECT_THAT(e.what(), HasSubstr(part));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BadClusterFile,
    ::testing::Values(
        Fault{"UnknownField",
              "latency_s",
              "latency",
              {":14:", "\"latency\"", "expected one of name, a, b"}},
        Fault{"UnknownEnumerator", "SENDER", "ME", {":8:", "\"ME\"", "DMA, SENDER, RECEIVER"}},
        Fault{"NotANumber", "12e9", "fast", {":14:", "fast"}},
        Fault{"Fraction", "1000000000 ", "1.5 ", {":6:", "1.5"}},
        Fault{"Unclosed", "latency_s: 1e-5 }", "latency_s: 1e-5", {":15:"}},
        Fault{"Nan", "12e9", "nan", {"link '/cpu:0--/gpu:0'", "bytes_per_s is nan"}},
        Fault{"UnknownDtype",
              "\"float32\" value: 4e12",
              "\"float99\" value: 4e12",
              {"'/gpu:0'", "'float99'"}},
        Fault{"PeakTwice",
              "value: 4e12 }",
              "value: 4e12 } peak_flops_per_s { dtype: \"float32\" value: 1 }",
              {"'/gpu:0'", "float32", "twice"}},
        Fault{"WrongFormat",
              "name: \"by hand\"",
              "format: \"placer.graph/1\"",
              {"'placer.graph/1'", "'placer.cluster/1'"}}),
    [](const auto& c) { return c.param.what; });

TEST_F(ClusterIo, OtherFilesAreRefusedInOneLine) {
  WriteCluster(Cluster(test::TwoDevices()), dir_ / "good.pb");
  const std::string good = dir_.Read("good.pb");
  const auto expect = [&](const std::string& name, const std::string& content, const char* part) {
    const std::string path = Write(name, content);
    EXPECT_THAT(
        [&] { (void)ReadCluster(path); },
        ThrowsMessage<InputError>(AllOf(HasSubstr(path), HasSubstr(part), Not(HasSubstr("\n")))))
        << name;
  };
  expect("empty.txtpb", "", "is empty");
  expect("blank.txtpb", " \n\n", "is empty");
  expect("prose.md", "Dear cluster,\nwe write to you ...", ":1:");
  expect("cut.pb", good.substr(0, good.size() - 3), "cut off");
  expect("noise.pb", std::string("\x00\x01\x02\xff", 4), "is not a Placer cluster");
  expect("broken.json", "{\"name\": \"x\",, }", "JSON");
  expect("unknown.json", "{\"nodes\": 3}", "nodes");
  expect("empty.json", "{}", "no devices");
  EXPECT_THAT([&] { (void)ReadCluster(dir_ / "none.txtpb"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("none.txtpb"), HasSubstr("No such file"))));
  EXPECT_THAT([&] { (void)ReadCluster(dir_ / "."); },
              ThrowsMessage<InputError>(HasSubstr("is a folder")));
}

TEST_F(ClusterIo, CutOrChangedBytesNeverCrash) {
  WriteCluster(Cluster(test::ThroughHost()), dir_ / "good.pb");
  const std::string good = dir_.Read("good.pb");
  std::size_t refused = 0;
  for (std::size_t i = 0; i < good.size(); i += 7) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 0x5a);
    for (const std::string& content : {changed, good.substr(0, i)}) {
      try {
        (void)ReadCluster(Write("changed.pb", content));
      } catch (const InputError&) {
        ++refused;
      }
    }
  }
  EXPECT_GE(refused, good.size() / 7);  // every cut at the least
}

TEST_F(ClusterIo, BadOutputPaths) {
  const Cluster cluster(test::TwoDevices());
  EXPECT_THAT([&] { WriteCluster(cluster, dir_ / "c.yaml"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("'.yaml'"), HasSubstr(".txtpb"))));
  EXPECT_THAT([&] { WriteCluster(cluster, dir_ / "no/such/c.pb"); },
              ThrowsMessage<InputError>(HasSubstr("cannot be written")));
  EXPECT_TRUE(dir_.IsEmpty());
}

}  // namespace
}  // namespace placer
