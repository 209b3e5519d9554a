#include "runner/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/text.h"

namespace placer {
namespace {

constexpr std::size_t kLongestLine = 300;  ///< of standard error that is quoted

[[noreturn]] void ThrowSystemError(const std::string& what) {
  throw Error(what + ": " + std::strerror(errno));
}

/// What runs between fork and exec: only what may be called there.
[[noreturn]] void BecomeProgram(char* const* argv, int socket, int errors, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(127);  // the parent was quicker to die
  }
  // A Ctrl-C goes to every process of the terminal, and SIGTERM from a job scheduler to every
  // process of the job: the parent decides what becomes of this one.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  fcntl(socket, F_SETFD, 0);
  dup2(errors, STDERR_FILENO);
  // The results of a command go to standard output: nothing else may.
  dup2(errors, STDOUT_FILENO);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  execv(argv[0], argv);
  _exit(126);
}

std::string LastLine(int fd) {
  const off_t size = lseek(fd, 0, SEEK_END);
  std::string text(static_cast<std::size_t>(std::min<off_t>(std::max<off_t>(size, 0), 65536)),
                   '\0');
  const ssize_t count = pread(fd, text.data(), text.size(), size - static_cast<off_t>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  const std::size_t line = text.rfind('\n');
  const std::string last = text.substr(line == std::string::npos ? 0 : line + 1);
  return Shortened(WithoutControlCharacters(ValidUtf8(last)), kLongestLine);
}

}  // namespace

ChildProcess::ChildProcess(const std::filesystem::path& program,
                           const std::vector<std::string>& args) {
  std::array<int, 2> ends{};
  if (access(program.c_str(), X_OK) != 0) {
    ThrowSystemError(program.string() + ": cannot be run");
  }
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    ThrowSystemError("socketpair");
  }
  socket_ = ends[0];
  errors_ = memfd_create("placer_worker_errors", MFD_CLOEXEC);
  std::vector<std::string> argv = {program.string()};
  argv.insert(argv.end(), args.begin(), args.end());
  argv.push_back(std::to_string(ends[1]));
  starter_ = std::thread([this, argv = std::move(argv), child_socket = ends[1]]() mutable {
    Run(std::move(argv), child_socket);
  });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return started_; });
  close(ends[1]);
  if (pid_ < 0) {
    done_ = true;
    changed_.notify_all();
    lock.unlock();
    starter_.join();
    close(socket_);
    close(errors_);
    errno = start_error_;
    ThrowSystemError("fork");
  }
}

void ChildProcess::Run(std::vector<std::string> argv, int child_socket) {
  std::vector<char*> pointers;
  for (std::string& argument : argv) {
    pointers.push_back(argument.data());
  }
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    BecomeProgram(pointers.data(), child_socket, errors_, parent);
  }
  std::unique_lock lock(mutex_);
  pid_ = child;
  start_error_ = errno;
  started_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return done_; });
}

ChildProcess::~ChildProcess() {
  static_cast<void>(Kill());
  {
    const std::scoped_lock lock(mutex_);
    done_ = true;
  }
  changed_.notify_all();
  starter_.join();
  close(socket_);
  close(errors_);
}

std::int64_t ChildProcess::ResidentBytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::int64_t total = 0, resident = 0;
  return file >> total >> resident ? resident * sysconf(_SC_PAGESIZE) : 0;
}

std::string ChildProcess::Kill() {
  if (pid_ < 0) {
    return ending_;
  }
  int status = 0;
  const bool ended_before = waitpid(pid_, &status, WNOHANG) == pid_;
  if (!ended_before) {
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  pid_ = -1;
  ending_ = WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status))
                                : "ended with status " + std::to_string(WEXITSTATUS(status));
  if (const std::string line = LastLine(errors_); !line.empty()) {
    ending_ += ": " + line;
  }
  return ending_;
}

}  // namespace placer
