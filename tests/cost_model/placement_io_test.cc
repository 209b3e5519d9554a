#include "cost_model/placement_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_devices.h"

namespace placer {
namespace {

using test::Bytes;
using test::ComputeOp;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

Graph Chain(const std::string& name, std::int64_t time) {
  GraphBuilder builder(name);
  const OpId first = builder.AddOp(ComputeOp("first", time), {}, {Bytes(4)});
  builder.AddOp(ComputeOp("second, \"last\"", time), {builder.Output(first)}, {});
  return std::move(builder).Build();
}

class PlacementIo : public ::testing::Test {
 protected:
  PlacementIo() { placement_.set_device(OpId(1), DeviceId(1)); }
  Graph graph_ = Chain("chain", 10);
  Cluster cluster_{test::TwoDevices()};
  Placement placement_{2, DeviceId(0)};
  test::TempDir dir_;
};

TEST_F(PlacementIo, SaysWhatItWasMadeFor) {
  const SavedPlacement saved = Save(placement_, graph_, cluster_);
  EXPECT_EQ(saved.graph_name, "chain");
  EXPECT_EQ(saved.cluster_name, "two_devices");
  EXPECT_EQ(saved.graph_fingerprint, graph_.fingerprint());
  EXPECT_EQ(saved.cluster_fingerprint, cluster_.fingerprint());
  EXPECT_EQ(saved.device_of_op, (std::vector<std::pair<std::string, std::string>>{
                                    {"first", "a"}, {"second, \"last\"", "b"}}));
  EXPECT_EQ(Restore(saved, graph_, cluster_), placement_);
}

TEST_F(PlacementIo, EveryFormatGivesTheSameBack) {
  SavedPlacement saved = Save(placement_, graph_, cluster_);
  for (const std::optional<double> time : {std::optional<double>(), std::optional(0.1)}) {
    saved.step_time_seconds = time;
    saved.method = "annealing";
    saved.seed = ~std::uint64_t{0};
    for (const char* name : {"p.pb", "p.txtpb", "p.json"}) {
      WritePlacement(saved, dir_ / name);
      EXPECT_EQ(ReadPlacement(dir_ / name), saved) << name;
    }
  }
}

TEST_F(PlacementIo, CsvQuotesWhatItMust) {
  WritePlacement(Save(placement_, graph_, cluster_), dir_ / "p.csv");
  EXPECT_EQ(dir_.Read("p.csv"), "op,device\nfirst,a\n\"second, \"\"last\"\"\",b\n");
}

TEST_F(PlacementIo, APlanForAnotherGraphSaysWhich) {
  const SavedPlacement saved = Save(placement_, graph_, cluster_);
  EXPECT_THAT([&] { (void)Restore(saved, Chain("longer", 11), cluster_); },
              ThrowsMessage<InputError>(
                  AllOf(HasSubstr("'chain'"), HasSubstr("'longer'"), HasSubstr("fingerprint"))));
}

TEST_F(PlacementIo, HandMadePlansMayLeaveTheFingerprintOut) {
  const std::string path = dir_.Write("hand.txtpb", R"(
      ops { op: "second, \"last\"" device: "a" }
      ops { op: "first" device: "b" })");
  const Placement restored = Restore(ReadPlacement(path), graph_, cluster_);
  EXPECT_EQ(restored.device(OpId(0)), DeviceId(1));
  EXPECT_EQ(restored.device(OpId(1)), DeviceId(0));
}

TEST_F(PlacementIo, FaultsNameTheOp) {
  const auto expect = [&](const char* ops, const std::vector<const char*>& parts) {
    const std::string path = dir_.Write("bad.txtpb", ops);
    for (const char* part : parts) {
      EXPECT_THAT([&] { (void)Restore(ReadPlacement(path), graph_, cluster_); },
                  ThrowsMessage<InputError>(AllOf(HasSubstr(part), Not(HasSubstr("\n")))));
    }
  };
  expect("ops { op: \"first\" device: \"a\" }", {"'second, \"last\"'", "no device"});
  expect("ops { op: \"third\" device: \"a\" }", {"'third'", "'chain'"});
  expect(
      "cluster_name: \"big\" ops { op: \"first\" device: \"z\" } "
      "ops { op: \"second, \\\"last\\\"\" device: \"a\" }",
      {"'first'", "'z'", "'a', 'b'", "made for cluster 'big'"});
  expect("ops { op: \"first\" device: \"a\" } ops { op: \"first\" device: \"b\" }",
         {"'first'", "twice"});
  expect("ops { op: \"first\" gadget: \"a\" }", {"bad.txtpb:1:", "gadget", "op, device"});
}

TEST_F(PlacementIo, UnknownSuffix) {
  EXPECT_THAT([&] { WritePlacement(SavedPlacement(), dir_ / "p.xml"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("'.xml'"), HasSubstr(".csv"))));
  EXPECT_TRUE(dir_.IsEmpty());
}

}  // namespace
}  // namespace placer
