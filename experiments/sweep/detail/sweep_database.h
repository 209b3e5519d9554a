#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "experiments/sweep/process_locks.h"
#include "graphs/base/error.h"

namespace placer {

/// The file of a SweepStore: its tables, and which processes that have worked on it live.
struct SweepDatabase {
  /// @param name  the file as SQLite is told of it
  SweepDatabase(const std::filesystem::path& path, const std::string& name, int flags);

  /// Makes the tables if they are missing. @throws InputError as SweepStore::Open()
  [[nodiscard]] static std::unique_ptr<SweepDatabase> Open(const std::filesystem::path& path);
  /// @throws InputError as SweepStore::OpenToRead()
  [[nodiscard]] static std::unique_ptr<SweepDatabase> OpenToRead(const std::filesystem::path& path);

  /// Enters this process, once.
  void Register();
  /// A process that has a trial and still lives. What it left is pending.
  [[nodiscard]] bool IsHeld(const SQLite::Column& process) const {
    return !process.isNull() && locks.IsHeld(process.getInt64());
  }

  std::filesystem::path path;
  SQLite::Database database;
  ProcessLocks locks;
  std::int64_t own = 0;  ///< this process's row, once it is entered
};

/// A write-ahead log needs a file beside the database, even to read. Where none can be made and the
/// log is empty, the database can be read as a file that nothing changes.
/// @return the URI that tells SQLite so; nothing where the database is to be read as it is
[[nodiscard]] std::optional<std::string> ImmutableUri(const std::filesystem::path& path,
                                                      bool folder_is_writable);

/// Runs something on the database; what goes wrong there is about the file.
template <typename Function>
auto Guarded(const std::filesystem::path& path, const Function& function) {
  try {
    return function();
  } catch (const SQLite::Exception& error) {
    throw InputError(path.string() + ": " + error.what());
  }
}

}  // namespace placer
