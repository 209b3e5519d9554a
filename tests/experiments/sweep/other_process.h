#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "experiments/sweep/sweep_store.h"

namespace placer::test {

/// A process that has claimed a trial of a store and does nothing more.
class OtherProcess {
 public:
  OtherProcess(const std::filesystem::path& store, const std::string& key) {
    int ends[2];
    if (pipe(ends) != 0) {
      return;
    }
    pid_ = fork();
    if (pid_ == 0) {
      SweepStore own = SweepStore::Open(store);
      const char claimed = own.Claim(key) ? 'y' : 'n';
      if (write(ends[1], &claimed, 1) == 1) {
        pause();
      }
      _exit(1);
    }
    char claimed = 0;
    has_claimed_ = read(ends[0], &claimed, 1) == 1 && claimed == 'y';
    close(ends[0]);
    close(ends[1]);
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;
  ~OtherProcess() { Kill(); }

  [[nodiscard]] bool has_claimed() const { return has_claimed_; }
  void Kill() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
      pid_ = -1;
    }
  }

 private:
  pid_t pid_ = -1;
  bool has_claimed_ = false;
};

}  // namespace placer::test
