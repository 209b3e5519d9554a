#include "experiments/sweep/process_locks.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "graphs/base/error.h"

namespace placer {
namespace {

struct flock ByteOf(std::int64_t number, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = number;
  lock.l_len = 1;
  return lock;
}

}  // namespace

ProcessLocks::~ProcessLocks() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

void ProcessLocks::Hold(std::int64_t number) {
  if (fd_ < 0) {
    fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  }
  struct flock lock = ByteOf(number, F_WRLCK);
  // Of the open file: a lock of the process would end with any other descriptor for the file.
  if (fd_ < 0 || fcntl(fd_, F_OFD_SETLK, &lock) != 0) {
    throw InputError(path_.string() + ": cannot be locked: " + std::strerror(errno));
  }
}

bool ProcessLocks::IsHeld(std::int64_t number) const {
  const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  struct flock lock = ByteOf(number, F_RDLCK);
  const bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  close(fd);
  return held;
}

}  // namespace placer
