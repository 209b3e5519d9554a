#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace placer::test {

/// A child process running the command, its standard error in a file.
class ChildCommand {
 public:
  /// @param environment  NAME=value, besides what this process has
  ChildCommand(const std::vector<std::string>& args, const std::string& err_file,
               const std::vector<std::string>& environment = {}) {
    std::vector<char*> argv;
    std::vector<std::string> all = {BINARY_DIR "/placer"};
    all.insert(all.end(), args.begin(), args.end());
    for (std::string& arg : all) {
      argv.push_back(arg.data());
    }
    argv.push_back(nullptr);
    std::vector<std::string> set = environment;
    pid_ = fork();
    if (pid_ == 0) {
      for (std::string& variable : set) {
        putenv(variable.data());
      }
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

}  // namespace placer::test
