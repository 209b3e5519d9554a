// The built binary under real signals.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "cost_model/placement_io.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

/// A child process running the command, its output in files.
class Child {
 public:
  Child(const std::vector<std::string>& args, const std::string& err_file) {
    std::vector<char*> argv;
    std::vector<std::string> all = {BINARY_DIR "/placer"};
    all.insert(all.end(), args.begin(), args.end());
    for (std::string& arg : all) {
      argv.push_back(arg.data());
    }
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      const int err = open(err_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      const int out = open("/dev/null", O_WRONLY);
      dup2(err, STDERR_FILENO);
      dup2(out, STDOUT_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  void Send(int signal) const { kill(pid_, signal); }
  /// Returns when it has computed for so long, however slow the machine is; at the latest after a
  /// minute.
  void WaitUntilComputed(std::chrono::milliseconds cpu_time) const {
    const std::string stat = "/proc/" + std::to_string(pid_) + "/stat";
    const long wanted = static_cast<long>(cpu_time.count()) * sysconf(_SC_CLK_TCK) / 1000;
    long used = 0;
    for (int i = 0; i < 6000 && used < wanted; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      std::ifstream file(stat);
      std::string skipped;
      for (int field = 1; field < 14; ++field) {  // proc(5): utime is the 14th
        file >> skipped;
      }
      file >> used;
    }
  }
  /// @return the exit status, or minus the signal that ended it; -1000 after half a minute
  [[nodiscard]] int Wait() const {
    for (int i = 0; i < 3000; ++i) {
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    return -1000;
  }

 private:
  pid_t pid_ = -1;
};

class SignalTest : public ::testing::TestWithParam<int> {};

TEST_P(SignalTest, StopsCleanlyAndKeepsTheBestSoFar) {
  const test::TestFiles files;
  const std::string err = (files.dir / "err.txt").string();
  const Child child({"optimize", files.model, "--cluster", files.cluster, "--space", "ops",
                     "--method", "annealing", "--samples", "1000000000000", "-o", files.plan},
                    err);
  child.WaitUntilComputed(std::chrono::milliseconds(200));
  child.Send(GetParam());
  EXPECT_EQ(child.Wait(), 130) << files.dir.Read("err.txt");
  EXPECT_NE(files.dir.Read("err.txt").find("interrupted"), std::string::npos);
  const SavedPlacement saved = ReadPlacement(files.plan);
  EXPECT_NEAR(saved.step_time_seconds.value(), 131e-12, 1e-18);
}

INSTANTIATE_TEST_SUITE_P(, SignalTest, ::testing::Values(SIGINT, SIGTERM), [](const auto& param) {
  return std::string(param.param == SIGINT ? "SIGINT" : "SIGTERM");
});

TEST(Binary, ReturnsTheExitCodeOfTheCommand) {
  const test::TempDir dir;
  EXPECT_EQ(Child({"--help"}, (dir / "err.txt").string()).Wait(), 0);
  EXPECT_EQ(Child({"optimize"}, (dir / "err.txt").string()).Wait(), 2);
  EXPECT_EQ(dir.Read("err.txt").find("placer: error: "), 0U);
}

TEST(Binary, SaysInOneLineThatWhatLearnsIsMissing) {
  const test::TestFiles files;
  const std::string err = (files.dir / "err.txt").string();
  setenv("PLACER_POLICY_LIBRARY", "/nonexistent/placer_policy_torch.so", 1);
  const Child child({"optimize", files.model, "--cluster", files.cluster, "--method", "reinforce",
                     "--samples", "16"},
                    err);
  unsetenv("PLACER_POLICY_LIBRARY");
  EXPECT_EQ(child.Wait(), 2);
  const std::string text = files.dir.Read("err.txt");
  EXPECT_EQ(text.find("placer: error: the LSTM policy needs placer_policy_torch.so"), 0U) << text;
  EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
}

}  // namespace
}  // namespace placer
