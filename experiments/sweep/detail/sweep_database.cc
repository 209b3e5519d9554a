#include "experiments/sweep/detail/sweep_database.h"

#include <SQLiteCpp/VariadicBind.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <thread>

#include "experiments/environment.h"
#include "experiments/sweep/sweep_store.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

constexpr int kStoreVersion = 2;
constexpr int kApplicationId = 0x504c5357;  // "PLSW"
constexpr int kBusyMilliseconds = 60'000;

// Text for states and values: the database is read by other programs too.
constexpr const char* kSchema = R"sql(
CREATE TABLE sweep(name TEXT NOT NULL, config TEXT NOT NULL);
CREATE TABLE processes(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  host TEXT NOT NULL, pid INTEGER NOT NULL, version TEXT NOT NULL, processor TEXT NOT NULL,
  started TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  environment TEXT NOT NULL DEFAULT '{}');
CREATE TABLE trials(
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  config TEXT NOT NULL,
  position INTEGER,
  state TEXT NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'running', 'done', 'failed', 'crashed')),
  process INTEGER REFERENCES processes(id),
  attempts INTEGER NOT NULL DEFAULT 0,
  finished TEXT,
  message TEXT NOT NULL DEFAULT '');
CREATE INDEX trials_position ON trials(position);
CREATE TABLE axes(
  trial INTEGER NOT NULL REFERENCES trials(id), position INTEGER NOT NULL,
  field TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(trial, position)) WITHOUT ROWID;
CREATE TABLE metrics(
  trial INTEGER NOT NULL REFERENCES trials(id), name TEXT NOT NULL, value REAL NOT NULL,
  PRIMARY KEY(trial, name)) WITHOUT ROWID;
CREATE TABLE curves(
  trial INTEGER NOT NULL REFERENCES trials(id), samples INTEGER NOT NULL,
  step_time_seconds REAL NOT NULL, PRIMARY KEY(trial, samples)) WITHOUT ROWID;
CREATE TABLE placements(
  trial INTEGER PRIMARY KEY REFERENCES trials(id), placement BLOB NOT NULL);
)sql";

fs::path LockPath(fs::path store) { return store += "-processes"; }

int UserVersion(SQLite::Database& database) {
  return database.execAndGet("PRAGMA user_version").getInt();
}

int ApplicationId(SQLite::Database& database) {
  return database.execAndGet("PRAGMA application_id").getInt();
}

void CheckVersion(SQLite::Database& database) {
  const int version = UserVersion(database);
  if (ApplicationId(database) != kApplicationId) {
    throw InputError("is a database of something else, expected the store of a sweep");
  }
  if (version != kStoreVersion) {
    throw InputError("is a sweep store of version " + std::to_string(version) + ", expected " +
                     std::to_string(kStoreVersion));
  }
}

/// Two processes that do this at once may both be told "busy" without any waiting.
void UseWriteAheadLog(SQLite::Database& database) {
  for (int attempt = 0;; ++attempt) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      break;
    } catch (const SQLite::Exception& error) {
      constexpr int kAttempts = 200;
      if (error.getErrorCode() != SQLITE_BUSY || attempt == kAttempts) {
        throw;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  // With a write-ahead log a killed process loses nothing; only a power cut may lose the last
  // trials, which then run again.
  database.exec("PRAGMA synchronous = NORMAL");
  database.exec("PRAGMA foreign_keys = ON");
}

/// Version 1 did not keep the environment of a process.
void Upgrade(SQLite::Database& database) {
  if (ApplicationId(database) == kApplicationId && UserVersion(database) == 1) {
    database.exec("ALTER TABLE processes ADD COLUMN environment TEXT NOT NULL DEFAULT '{}'");
    database.exec("PRAGMA user_version = 2");
  }
}

void MakeTables(SQLite::Database& database) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  const bool empty = database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
  if (empty && UserVersion(database) == 0) {
    database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
    database.exec("PRAGMA user_version = " + std::to_string(kStoreVersion));
    database.exec(kSchema);
  }
  Upgrade(database);
  CheckVersion(database);
  transaction.commit();
}

/// Of what was found in a file, the message names the file.
template <typename Function>
std::unique_ptr<SweepDatabase> OpenChecked(const fs::path& path, const std::string& name, int flags,
                                           const Function& check) {
  return Guarded(path, [&] {
    try {
      auto opened = std::make_unique<SweepDatabase>(path, name, flags);
      check(opened->database);
      return opened;
    } catch (const InputError& error) {
      throw error.In(path.string());
    }
  });
}

bool IsWritable(const fs::path& folder) { return access(folder.c_str(), W_OK) == 0; }

}  // namespace

SweepDatabase::SweepDatabase(const fs::path& path_in, const std::string& name, int flags)
    : path(path_in), database(name, flags, kBusyMilliseconds), locks(LockPath(path)) {}

std::unique_ptr<SweepDatabase> SweepDatabase::Open(const fs::path& path) {
  return OpenChecked(path, path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
                     [](SQLite::Database& database) {
                       UseWriteAheadLog(database);
                       MakeTables(database);
                     });
}

std::unique_ptr<SweepDatabase> SweepDatabase::OpenToRead(const fs::path& given) {
  std::error_code ignored;
  const fs::path path = fs::is_directory(given, ignored) ? given / kSweepStoreName : given;
  if (!fs::exists(path, ignored)) {
    throw InputError(path.string() + ": does not exist, expected the results of a sweep");
  }
  const fs::path folder = fs::canonical(path, ignored).parent_path();
  const std::optional<std::string> uri = ImmutableUri(path, IsWritable(folder));
  return OpenChecked(path, uri.value_or(path.string()),
                     SQLite::OPEN_READONLY | (uri ? SQLite::OPEN_URI : 0), CheckVersion);
}

std::optional<std::string> ImmutableUri(const fs::path& given, bool folder_is_writable) {
  std::error_code error;
  const fs::path path = fs::canonical(given, error);  // the log lies beside what a link points to
  if (error || folder_is_writable) {
    return std::nullopt;
  }
  fs::path log = path;
  log += "-wal";
  if (fs::exists(log, error) && fs::file_size(log, error) > 0) {
    return std::nullopt;
  }
  std::string uri = "file:";
  for (const char c : path.string()) {
    switch (c) {  // what ends a path in a URI, or begins an escape
      case '?':
        uri += "%3f";
        break;
      case '#':
        uri += "%23";
        break;
      case '%':
        uri += "%25";
        break;
      default:
        uri += c;
    }
  }
  return uri + "?immutable=1";
}

void SweepDatabase::Register() {
  if (own != 0) {
    return;
  }
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) {
    host.front() = '?';
  }
  const Environment environment = ThisEnvironment();
  SQLite::Statement insert(
      database,
      "INSERT INTO processes(host, pid, version, processor, environment) VALUES(?, ?, ?, ?, ?)");
  SQLite::bind(insert, std::string(host.data()), static_cast<std::int64_t>(getpid()),
               environment.version, environment.processor, EnvironmentToJson(environment).dump());
  insert.exec();
  own = database.getLastInsertRowid();
  locks.Hold(own);
}

}  // namespace placer
