// The built binary as several processes on the loopback interface.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "experiments/methods.h"
#include "tests/experiments/child_command.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/test_files.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using test::ChildCommand;
using test::CommandResult;
using test::RunPlacer;
using ::testing::HasSubstr;

/// A port that was free a moment ago.
int FreePort() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(probe, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  close(probe);
  return ntohs(address.sin_port);
}

class RanksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = WhyNoLearning()) {
      GTEST_SKIP() << *why;
    }
  }

  /// A small run that several ranks can share.
  [[nodiscard]] std::string Config(const std::string& run, int samples) const {
    return files_.dir.Write(
        run + std::to_string(samples) + ".txtpb",
        "name: \"toy\" model: \"" + files_.model + "\" cluster: \"" + files_.cluster +
            "\" output_dir: \"" + (files_.dir / run).string() + "\" method: \"reinforce\" " +
            "seeds: 5 space: \"ops\" samples: " + std::to_string(samples) +
            " options { key: \"hidden\" value: \"16\" } options { key: \"batch\" value: \"8\" }" +
            " options { key: \"micro_batches\" value: \"4\" }" +
            " options { key: \"checkpoint_every\" value: \"10\" }");
  }

  struct Exit {
    int code;
    std::string err;
  };
  /// One process per rank. @param during  while they run
  [[nodiscard]] std::vector<Exit> Train(
      const std::vector<std::vector<std::string>>& args_of_rank,
      const std::function<void(const std::vector<ChildCommand>&)>& during = {}) const {
    const std::string port = "MASTER_PORT=" + std::to_string(FreePort());
    std::vector<ChildCommand> ranks;
    for (std::size_t rank = 0; rank < args_of_rank.size(); ++rank) {
      ranks.emplace_back(
          args_of_rank[rank], (files_.dir / ("err" + std::to_string(rank))).string(),
          std::vector<std::string>{"MASTER_ADDR=127.0.0.1", port, "RANK=" + std::to_string(rank),
                                   "WORLD_SIZE=" + std::to_string(args_of_rank.size())});
    }
    if (during) {
      during(ranks);
    }
    std::vector<Exit> exits;
    for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
      const int code = ranks[rank].Wait();
      exits.push_back({code, files_.dir.Read("err" + std::to_string(rank))});
    }
    return exits;
  }

  void ExpectTheBytesOf(const std::string& expected, const std::string& run) const {
    for (const char* file : {"/seed-5/metrics.jsonl", "/seed-5/checkpoint.bin",
                             "/seed-5/placement.txtpb", "/placement.txtpb"}) {
      const std::string bytes = files_.dir.Read(run + file);
      EXPECT_FALSE(bytes.empty()) << run << file;
      EXPECT_EQ(bytes, files_.dir.Read(expected + file)) << run << file;
    }
  }

  void ExpectRanksGiveTheBytesOfOne(std::size_t num_ranks) const {
    ASSERT_EQ(RunPlacer({"train", Config("one", 240)}).code, 0);
    const std::string config = Config("many", 240);
    for (const Exit& exit : Train({num_ranks, {"train", config}})) {
      EXPECT_EQ(exit.code, 0) << exit.err;
    }
    ExpectTheBytesOf("one", "many");
  }

  /// Kills a rank in the middle, resumes, and holds the result against an undisturbed run.
  void ExpectAKilledRankCanBeResumed(std::size_t killed) const {
    constexpr int kSamples = 640;
    const std::string config = Config("killed", kSamples);
    const auto kill = [&](const std::vector<ChildCommand>& ranks) {
      for (int i = 0; i < 3000 && NumUpdates("killed") < 15; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      ranks[killed].Send(SIGKILL);
    };
    const std::vector<Exit> exits = Train({2, {"train", config}}, kill);
    EXPECT_EQ(exits[killed].code, -SIGKILL);
    const Exit& left = exits[1 - killed];
    EXPECT_EQ(left.code, 1);
    EXPECT_THAT(left.err, HasSubstr("rank " + std::to_string(killed) + " is gone: "));
    EXPECT_THAT(left.err, HasSubstr("start all ranks again with --resume"));
    EXPECT_TRUE(std::filesystem::exists(files_.dir / "killed/seed-5/checkpoint.bin"));
    EXPECT_LT(NumUpdates("killed"), std::size_t{kSamples / 8});

    for (const Exit& exit : Train({2, {"train", config, "--resume"}})) {
      EXPECT_EQ(exit.code, 0) << exit.err;
    }
    ASSERT_EQ(RunPlacer({"train", Config("one", kSamples)}).code, 0);
    ExpectTheBytesOf("one", "killed");
  }

  [[nodiscard]] std::size_t NumUpdates(const std::string& run) const {
    return test::Lines(files_.dir.Read(run + "/seed-5/metrics.jsonl")).size();
  }

  test::TestFiles files_{testing_support::RandomDag(12, 1),
                         testing_support::CompleteCluster(3).spec()};
};

TEST_F(RanksTest, TwoGiveTheBytesOfOne) { ExpectRanksGiveTheBytesOfOne(2); }
TEST_F(RanksTest, FourGiveTheBytesOfOne) { ExpectRanksGiveTheBytesOfOne(4); }
TEST_F(RanksTest, RankOneKilledAndResumed) { ExpectAKilledRankCanBeResumed(1); }
TEST_F(RanksTest, RankZeroKilledAndResumed) { ExpectAKilledRankCanBeResumed(0); }

TEST_F(RanksTest, OtherConfigsAreRefusedInOneLine) {
  for (const Exit& exit : Train({{"train", Config("run", 240)}, {"train", Config("run", 248)}})) {
    EXPECT_EQ(exit.code, 2);
    EXPECT_EQ(test::Lines(exit.err).size(), 1U) << exit.err;
    EXPECT_THAT(exit.err, HasSubstr("rank 1 runs something else: found config "));
  }
}

TEST_F(RanksTest, TheOthersHearThatRankZeroCannotBegin) {
  ASSERT_EQ(RunPlacer({"train", Config("run", 16)}).code, 0);
  const std::vector<Exit> exits = Train({2, {"train", Config("run", 16)}});
  EXPECT_EQ(exits[0].code, 2);
  EXPECT_THAT(exits[0].err, HasSubstr("holds a run already"));
  EXPECT_EQ(exits[1].code, 1);
  EXPECT_THAT(exits[1].err, HasSubstr("rank 0 has failed"));
}

TEST_F(RanksTest, AnInterruptedRunEndsOnAllRanks) {
  const auto interrupt = [&](const std::vector<ChildCommand>& ranks) {
    for (int i = 0; i < 3000 && NumUpdates("run") < 20; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    for (const ChildCommand& rank : ranks) {
      rank.Send(SIGINT);
    }
  };
  for (const Exit& exit : Train({2, {"train", Config("run", 80000)}}, interrupt)) {
    EXPECT_EQ(exit.code, 130) << exit.err;
  }
}

/// Sets variables for this process while it lives.
class Environment {
 public:
  using Variables = std::vector<std::pair<const char*, const char*>>;
  explicit Environment(Variables variables) : variables_(std::move(variables)) {
    for (const auto& [name, value] : variables_) {
      setenv(name, value, 1);
    }
  }
  ~Environment() {
    for (const auto& [name, value] : variables_) {
      unsetenv(name);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  Variables variables_;
};

class RankFaults : public RanksTest {
 protected:
  static void Expect(const std::string& config, const std::string& part) {
    const CommandResult result = RunPlacer({"train", config});
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(test::Lines(result.err).size(), 1U) << result.err;
    EXPECT_THAT(result.err, HasSubstr(part));
  }
};

TEST_F(RankFaults, OfTheEnvironmentAreNamed) {
  const std::string config = Config("run", 16);
  {
    const Environment one(Environment::Variables{{"WORLD_SIZE", "two"}});
    Expect(config, "WORLD_SIZE is 'two', expected a number from 1 to ");
  }
  const Environment size(Environment::Variables{{"WORLD_SIZE", "2"}});
  Expect(config, "RANK is '', expected a number from 0 to 1");
  {
    const Environment rank(Environment::Variables{{"RANK", "2"}});
    Expect(config, "RANK is '2'");
  }
  const Environment rank(Environment::Variables{{"RANK", "0"}});
  Expect(config, "MASTER_PORT is ''");
  const Environment port(Environment::Variables{{"MASTER_PORT", "29500"}});
  Expect(config, "MASTER_ADDR is ''");
  EXPECT_FALSE(std::filesystem::exists(files_.dir / "run"));
}

TEST_F(RankFaults, OfTheConfigAreNamed) {
  const Environment all(
      {{"WORLD_SIZE", "5"}, {"RANK", "0"}, {"MASTER_PORT", "29500"}, {"MASTER_ADDR", "127.0.0.1"}});
  Expect(Config("run", 16),
         "micro_batches is 4, expected at least one for each rank (WORLD_SIZE = 5)");
  Expect(files_.dir.Write("annealing.txtpb", "model: \"" + files_.model + "\" cluster: \"" +
                                                 files_.cluster +
                                                 "\" output_dir: \"run\" method: \"annealing\""),
         "annealing.txtpb: method: 'annealing' does not learn");
}

TEST_F(RankFaults, AWorldOfOneIsNoGroup) {
  const Environment one(Environment::Variables{{"WORLD_SIZE", "1"}, {"RANK", "0"}});
  EXPECT_EQ(RunPlacer({"train", Config("run", 16)}).code, 0);
}

}  // namespace
}  // namespace placer
