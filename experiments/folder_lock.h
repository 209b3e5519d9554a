#pragma once

#include <filesystem>

namespace placer {

/// Says that a folder is being worked in, until this object or the process ends, however it ends.
/// Leaves no file. Where the file system knows no locks it does nothing.
class FolderLock {
 public:
  /// Waits two seconds at most: a process that was killed a moment ago may not be gone yet.
  /// @throws InputError if another object holds the folder, of this process or another
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace placer
