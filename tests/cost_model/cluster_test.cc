#include "cost_model/cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "graphs/base/error.h"
#include "tests/support/test_devices.h"

namespace placer {
namespace {

using test::SharedBus;
using test::Switched;
using test::TestDevice;
using test::TestLink;
using test::ThroughHost;
using test::TwoDevices;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr DeviceId kA{0}, kB{1}, kC{2};

std::vector<std::uint32_t> RouteOf(const Cluster& cluster, DeviceId from, DeviceId to) {
  const auto route = cluster.route(from, to);
  return {route.begin(), route.end()};
}

std::vector<Hop> HopsOf(const Cluster& cluster, DeviceId from, DeviceId to) {
  std::vector<Hop> hops;
  for (const std::uint32_t hop : cluster.route(from, to)) {
    hops.push_back(cluster.hops()[hop]);
  }
  return hops;
}

TEST(Cluster, DirectionsOfALinkAreTwoChannels) {
  const Cluster cluster(TwoDevices());
  EXPECT_EQ(cluster.num_channels(), 2U);
  EXPECT_THAT(RouteOf(cluster, kA, kA), IsEmpty());
  EXPECT_THAT(HopsOf(cluster, kA, kB), ElementsAre(Hop{kA, kB, {0}, Seconds(10e-12), 1e12}));
  EXPECT_THAT(HopsOf(cluster, kB, kA), ElementsAre(Hop{kB, kA, {1}, Seconds(10e-12), 1e12}));
}

TEST(Cluster, ARouteThroughADeviceIsStagedThere) {
  const Cluster cluster(ThroughHost());
  const DeviceId host(1);
  const DeviceId b(2);
  EXPECT_THAT(HopsOf(cluster, kA, b), ElementsAre(Hop{kA, host, {0}, Seconds(10e-12), 1e12},
                                                  Hop{host, b, {2}, Seconds(10e-12), 1e12}));
  // The second hop is the one that the host itself uses.
  EXPECT_EQ(RouteOf(cluster, kA, b)[1], RouteOf(cluster, host, b)[0]);
  EXPECT_EQ(cluster.hops().size(), 4U);
}

TEST(Cluster, ARouteThroughASwitchIsOneHop) {
  ClusterSpec spec = Switched(2);
  spec.links[1].bytes_per_s = 0.5e12;
  const Cluster cluster(spec);
  const std::vector<Hop> hops = HopsOf(cluster, kA, kB);
  ASSERT_EQ(hops.size(), 1U);
  EXPECT_THAT(hops[0].channels, ElementsAre(0, 3));
  EXPECT_DOUBLE_EQ(hops[0].latency.count(), 20e-12);
  EXPECT_DOUBLE_EQ(hops[0].bytes_per_s, 0.5e12);  // the slower link
}

TEST(Cluster, SharedLinksHaveOneChannel) {
  const Cluster cluster(SharedBus());
  EXPECT_THAT(HopsOf(cluster, kA, kB)[0].channels, ElementsAre(0, 2));
  EXPECT_THAT(HopsOf(cluster, kB, kC)[0].channels, ElementsAre(2, 4));
}

TEST(Cluster, FewestLinksThenLowestLinkIndices) {
  ClusterSpec spec;
  for (const char* name : {"a", "b", "c", "d"}) {
    spec.devices.push_back(TestDevice(name));
  }
  // a-d over c has links 0, 3; over b it has links 1, 2: the first link decides.
  spec.links = {TestLink("a", "c"), TestLink("b", "a"), TestLink("b", "d"), TestLink("c", "d")};
  const Cluster cluster(spec);
  const std::vector<Hop> hops = HopsOf(cluster, kA, DeviceId(3));
  ASSERT_EQ(hops.size(), 2U);
  EXPECT_THAT(hops[0].channels, ElementsAre(0));
  EXPECT_THAT(hops[1].channels, ElementsAre(6));
  // Of two links between the same nodes, the lower index.
  spec.links.push_back(TestLink("c", "a", 10));
  spec.links.back().name = "faster";
  EXPECT_THAT(HopsOf(Cluster(spec), kC, kA)[0].channels, ElementsAre(1));
}

TEST(Cluster, ExplicitRoutesWinAndSayWhetherTheyAreStaged) {
  ClusterSpec spec = ThroughHost();
  spec.routes = {{"a", "b", {"a-host", "host-b"}, false}};
  const Cluster cut_through(spec);
  const std::vector<Hop> hops = HopsOf(cut_through, kA, DeviceId(2));
  ASSERT_EQ(hops.size(), 1U);
  EXPECT_THAT(hops[0].channels, ElementsAre(0, 2));
  EXPECT_DOUBLE_EQ(hops[0].latency.count(), 20e-12);
  EXPECT_EQ(HopsOf(cut_through, DeviceId(2), kA).size(), 2U);  // the other direction is not fixed
  spec.routes[0].staged = true;
  EXPECT_EQ(HopsOf(Cluster(spec), kA, DeviceId(2)),
            HopsOf(Cluster(ThroughHost()), kA, DeviceId(2)));
}

TEST(Cluster, EmptyLinkNamesAreMadeUp) {
  ClusterSpec spec = TwoDevices();
  spec.links[0].name.clear();
  EXPECT_EQ(Cluster(spec).links()[0].name, "a--b");
}

TEST(Cluster, OneDeviceNeedsNoLinks) {
  ClusterSpec spec;
  spec.devices = {TestDevice("only")};
  const Cluster cluster(spec);
  EXPECT_EQ(cluster.FindDevice("only"), DeviceId(0));
  EXPECT_EQ(cluster.FindDevice("other"), std::nullopt);
  EXPECT_THAT(cluster.hops(), IsEmpty());
}

TEST(Cluster, FingerprintIsOfTheContent) {
  const Cluster cluster(TwoDevices());
  EXPECT_EQ(cluster, Cluster(TwoDevices()));
  ClusterSpec renamed = TwoDevices();
  renamed.name = "other";
  EXPECT_EQ(Cluster(renamed).fingerprint(), cluster.fingerprint());
  for (const std::function<void(ClusterSpec&)>& change :
       std::vector<std::function<void(ClusterSpec&)>>{
           [](ClusterSpec& s) { s.devices[1].memory_bytes += 1; },
           [](ClusterSpec& s) { s.devices[0].peak_flops_per_s[2] = 1; },
           [](ClusterSpec& s) { s.devices[0].copied_by = CopiedBy::kSender; },
           [](ClusterSpec& s) {
             s.devices[0].efficiencies = {{OpClass::kMatMul, {0.5, 0.5}}};
           },
           [](ClusterSpec& s) { s.links[0].shared = true; },
           [](ClusterSpec& s) { s.links[0].latency *= 2; }}) {
    ClusterSpec changed = TwoDevices();
    change(changed);
    EXPECT_NE(Cluster(changed).fingerprint(), cluster.fingerprint());
  }
}

struct Fault {
  const char* what;
  std::function<void(ClusterSpec&)> make;
  std::vector<std::string> expected;  ///< parts of the message
};
class BadCluster : public ::testing::TestWithParam<Fault> {};

TEST_P(BadCluster, IsRefusedWithAClearLine) {
  ClusterSpec spec = ThroughHost();
  GetParam().make(spec);
  try {
    const Cluster cluster(spec);
    FAIL() << GetParam().what << " was accepted";
  } catch (const InputError& e) {
    for (const std::string& part : GetParam().expected) {
      EXPECT_THAT(e.what(), HasSubstr(part));
    }
    EXPECT_THAT(e.what(), Not(HasSubstr("\n")));
  }
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

INSTANTIATE_TEST_SUITE_P(
    Faults, BadCluster,
    ::testing::Values(
        Fault{"NoDevices", [](ClusterSpec& s) { s.devices.clear(); }, {"no devices"}},
        Fault{"TooManyDevices",
              [](ClusterSpec& s) { s = Switched(65); },
              {"65 devices", "at most 64"}},
        Fault{"NoName", [](ClusterSpec& s) { s.devices[1].name = ""; }, {"device #1", "no name"}},
        Fault{"NoKind", [](ClusterSpec& s) { s.devices[1].kind = ""; }, {"'host'", "no kind"}},
        Fault{"SameName", [](ClusterSpec& s) { s.devices[2].name = "a"; }, {"device 'a'", "twice"}},
        Fault{"SwitchNamedAsDevice",
              [](ClusterSpec& s) { s.switches = {"host"}; },
              {"switch 'host'", "twice"}},
        Fault{"NoPeak",
              [](ClusterSpec& s) { s.devices[0].peak_flops_per_s = {}; },
              {"'a'", "float32", "0", "> 0"}},
        Fault{"InfinitePeak",
              [](ClusterSpec& s) { s.devices[0].peak_flops_per_s[2] = kInf; },
              {"'a'", "float16", "inf"}},
        Fault{"NanMemoryRate",
              [](ClusterSpec& s) { s.devices[2].memory_bytes_per_s = kNan; },
              {"'b'", "memory_bytes_per_s", "nan"}},
        Fault{"NoMemory",
              [](ClusterSpec& s) { s.devices[2].memory_bytes = 0; },
              {"'b'", "memory_bytes is 0"}},
        Fault{"NegativeOverhead",
              [](ClusterSpec& s) { s.devices[0].launch_overhead = Seconds(-1e-6); },
              {"'a'", "launch_overhead_s", "-1e-06"}},
        Fault{"EfficiencyAboveOne",
              [](ClusterSpec& s) {
                s.devices[0].efficiencies = {{OpClass::kMatMul, {1.5, 1}}};
              },
              {"'a'", "efficiency of matmul is 1.5"}},
        Fault{"EfficiencyTwice",
              [](ClusterSpec& s) {
                s.devices[0].efficiencies = {{OpClass::kPooling, {1, 1}},
                                             {OpClass::kPooling, {1, 1}}};
              },
              {"'a'", "efficiency of pooling is given twice"}},
        Fault{"UnknownEnd",
              [](ClusterSpec& s) { s.links[1].b = "elsewhere"; },
              {"link 'host-b'", "'elsewhere'"}},
        Fault{"Loop", [](ClusterSpec& s) { s.links[1].b = "host"; }, {"link 'host-b'", "'host'"}},
        Fault{"SameLinkName",
              [](ClusterSpec& s) { s.links[1].name = "a-host"; },
              {"link 'a-host'", "twice"}},
        Fault{"NanBandwidth",
              [](ClusterSpec& s) { s.links[0].bytes_per_s = kNan; },
              {"link 'a-host'", "bytes_per_s", "nan"}},
        Fault{"ZeroBandwidth",
              [](ClusterSpec& s) { s.links[0].bytes_per_s = 0; },
              {"link 'a-host'", "bytes_per_s", "0"}},
        Fault{"NegativeLatency",
              [](ClusterSpec& s) { s.links[0].latency = Seconds(-1); },
              {"link 'a-host'", "latency_s", "-1"}},
        Fault{"NoRoute", [](ClusterSpec& s) { s.links.pop_back(); }, {"'a'", "'b'", "no route"}},
        Fault{"RouteOfUnknownDevice",
              [](ClusterSpec& s) {
                s.routes = {{"a", "z", {"a-host"}, false}};
              },
              {"'z'", "no device"}},
        Fault{"RouteToItself",
              [](ClusterSpec& s) {
                s.routes = {{"a", "a", {}, false}};
              },
              {"from 'a' to 'a'"}},
        Fault{"RouteWithAGap",
              [](ClusterSpec& s) {
                s.routes = {{"a", "b", {"host-b"}, false}};
              },
              {"from 'a' to 'b'", "'host-b'", "leaves 'a'"}},
        Fault{"RouteThatEndsElsewhere",
              [](ClusterSpec& s) {
                s.routes = {{"a", "b", {"a-host"}, false}};
              },
              {"ends at 'host'", "expected 'b'"}},
        Fault{"RouteBackAndForth",
              [](ClusterSpec& s) {
                s.routes = {{"a", "b", {"a-host", "a-host"}, false}};
              },
              {"passes 'a' twice"}},
        Fault{"RouteWithoutLinks",
              [](ClusterSpec& s) {
                s.routes = {{"a", "b", {}, false}};
              },
              {"ends at 'a'", "expected 'b'"}},
        Fault{"StagedNowhere",
              [](ClusterSpec& s) {
                s.routes = {{"a", "host", {"a-host"}, true}};
              },
              {"from 'a' to 'host'", "staged"}},
        Fault{"RouteTwice",
              [](ClusterSpec& s) {
                s.routes.assign(2, {"a", "b", {"a-host", "host-b"}, true});
              },
              {"from 'a' to 'b'", "twice"}}),
    [](const auto& c) { return c.param.what; });

TEST(FormatBytes, DecimalUnitsAndTwoDigits) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1000), "1.00 kB");
  EXPECT_EQ(FormatBytes(12'000'000'000), "12.00 GB");
  EXPECT_EQ(FormatBytes(999'999), "1.00 MB");
  EXPECT_EQ(FormatBytes(-1500), "-1.50 kB");
  EXPECT_EQ(FormatBytes(std::numeric_limits<std::int64_t>::max()), "9.22 EB");
}

}  // namespace
}  // namespace placer
