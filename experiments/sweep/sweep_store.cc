#include "experiments/sweep/sweep_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <SQLiteCpp/VariadicBind.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "cost_model/device_list.h"
#include "experiments/command.h"
#include "experiments/sweep/process_locks.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

constexpr int kStoreVersion = 1;
constexpr int kApplicationId = 0x504c5357;  // "PLSW"
constexpr int kBusyMilliseconds = 60'000;

// Text for states and values: the database is read by other programs too.
constexpr const char* kSchema = R"sql(
CREATE TABLE sweep(name TEXT NOT NULL, config TEXT NOT NULL);
CREATE TABLE processes(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  host TEXT NOT NULL, pid INTEGER NOT NULL, version TEXT NOT NULL, processor TEXT NOT NULL,
  started TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')));
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

constexpr std::array<std::string_view, 5> kNames = {"pending", "running", "done", "failed",
                                                    "crashed"};

TrialState StateNamed(const std::string& name) {
  const auto* const it = std::find(kNames.begin(), kNames.end(), name);
  if (it == kNames.end()) {
    throw InputError("sweep store: found state '" + name + "'");
  }
  return static_cast<TrialState>(it - kNames.begin());
}

/// A text as SQLite binds it.
std::string Text(TrialState state) { return std::string(Name(state)); }

}  // namespace

std::string_view Name(TrialState state) noexcept { return kNames[static_cast<std::size_t>(state)]; }

std::optional<double> StoredTrial::metric(const std::string& name) const {
  const auto it = metrics.find(name);
  return it == metrics.end() ? std::nullopt : std::optional(it->second);
}

std::string StoredTrial::axis(const std::string& field) const {
  const auto it = std::find_if(axes.begin(), axes.end(),
                               [&field](const TrialAxis& each) { return each.field == field; });
  return it == axes.end() ? "" : it->value;
}

struct SweepStore::State {
  State(const fs::path& path_in, int flags)
      : path(path_in), database(path.string(), flags, kBusyMilliseconds), locks(LockPath(path)) {}

  static fs::path LockPath(const fs::path& path) {
    fs::path lock = path;
    return lock += "-processes";
  }
  [[nodiscard]] std::int64_t Id(const std::string& key);
  void Register();
  /// A process that has a trial and still lives. What it left is pending.
  [[nodiscard]] bool IsHeld(const SQLite::Column& process) const {
    return !process.isNull() && locks.IsHeld(process.getInt64());
  }
  void Clear(std::int64_t trial);

  fs::path path;
  SQLite::Database database;
  ProcessLocks locks;
  std::int64_t own = 0;  ///< this process's row, once it claims something
};

namespace {

/// Runs something on the database; what goes wrong there is about the file.
template <typename Function>
auto Guarded(const fs::path& path, const Function& function) {
  try {
    return function();
  } catch (const SQLite::Exception& error) {
    throw InputError(path.string() + ": " + error.what());
  }
}

int UserVersion(SQLite::Database& database) {
  return database.execAndGet("PRAGMA user_version").getInt();
}

void CheckVersion(SQLite::Database& database) {
  const int application = database.execAndGet("PRAGMA application_id").getInt();
  const int version = UserVersion(database);
  if (application != kApplicationId) {
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

void MakeTables(SQLite::Database& database) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  const bool empty = database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
  if (empty && UserVersion(database) == 0) {
    database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
    database.exec("PRAGMA user_version = " + std::to_string(kStoreVersion));
    database.exec(kSchema);
  }
  CheckVersion(database);
  transaction.commit();
}

}  // namespace

SweepStore SweepStore::Open(const fs::path& path) {
  return Guarded(path, [&] {
    try {
      auto state = std::make_unique<State>(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
      UseWriteAheadLog(state->database);
      MakeTables(state->database);
      return SweepStore(std::move(state));
    } catch (const InputError& error) {
      throw error.In(path.string());
    }
  });
}

SweepStore SweepStore::OpenToRead(const fs::path& given) {
  std::error_code ignored;
  const fs::path path = fs::is_directory(given, ignored) ? given / kSweepStoreName : given;
  if (!fs::exists(path, ignored)) {
    throw InputError(path.string() + ": does not exist, expected the results of a sweep");
  }
  return Guarded(path, [&] {
    try {
      auto state = std::make_unique<State>(path, SQLite::OPEN_READONLY);
      CheckVersion(state->database);
      return SweepStore(std::move(state));
    } catch (const InputError& error) {
      throw error.In(path.string());
    }
  });
}

SweepStore::SweepStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
SweepStore::~SweepStore() = default;
SweepStore::SweepStore(SweepStore&&) noexcept = default;

const fs::path& SweepStore::path() const noexcept { return state_->path; }

std::int64_t SweepStore::State::Id(const std::string& key) {
  SQLite::Statement select(database, "SELECT id FROM trials WHERE key = ?");
  select.bind(1, key);
  if (!select.executeStep()) {
    throw std::logic_error("sweep store: no trial has key " + key);
  }
  return select.getColumn(0).getInt64();
}

void SweepStore::State::Register() {
  if (own != 0) {
    return;
  }
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) {
    host.front() = '?';
  }
  SQLite::Statement insert(
      database, "INSERT INTO processes(host, pid, version, processor) VALUES(?, ?, ?, ?)");
  SQLite::bind(insert, std::string(host.data()), static_cast<std::int64_t>(getpid()),
               std::string(kVersionText), DetectHost().processor);
  insert.exec();
  own = database.getLastInsertRowid();
  locks.Hold(own);
}

void SweepStore::SetPlan(const std::string& name, const std::string& config,
                         std::span<const PlannedTrial> trials) {
  Guarded(state_->path, [&] {
    SQLite::Database& database = state_->database;
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    database.exec("DELETE FROM sweep");
    SQLite::Statement sweep(database, "INSERT INTO sweep(name, config) VALUES(?, ?)");
    SQLite::bind(sweep, name, config);
    sweep.exec();
    database.exec("UPDATE trials SET position = NULL");
    database.exec("DELETE FROM axes");
    SQLite::Statement insert(database,
                             "INSERT INTO trials(key, config, position) VALUES(?, ?, ?) "
                             "ON CONFLICT(key) DO UPDATE SET position = excluded.position");
    SQLite::Statement axis(database,
                           "INSERT INTO axes(trial, position, field, value) "
                           "SELECT id, ?, ?, ? FROM trials WHERE key = ?");
    std::int64_t position = 0;
    for (const PlannedTrial& trial : trials) {
      insert.reset();
      SQLite::bind(insert, trial.key, trial.config, position++);
      insert.exec();
      std::int64_t place = 0;
      for (const TrialAxis& each : trial.axes) {
        axis.reset();
        SQLite::bind(axis, place++, each.field, each.value, trial.key);
        axis.exec();
      }
    }
    transaction.commit();
  });
}

namespace {

std::string OnlyText(SQLite::Database& database, const char* query) {
  SQLite::Statement select(database, query);
  return select.executeStep() ? select.getColumn(0).getString() : std::string();
}

}  // namespace

std::string SweepStore::name() const {
  return Guarded(state_->path,
                 [&] { return OnlyText(state_->database, "SELECT name FROM sweep"); });
}

std::string SweepStore::config() const {
  return Guarded(state_->path,
                 [&] { return OnlyText(state_->database, "SELECT config FROM sweep"); });
}

std::vector<StoredTrial> SweepStore::Trials() const {
  return Guarded(state_->path, [&] {
    SQLite::Database& database = state_->database;
    SQLite::Transaction snapshot(database);
    std::vector<StoredTrial> trials;
    std::map<std::int64_t, std::size_t> index;
    SQLite::Statement select(
        database,
        "SELECT t.id, t.key, t.config, t.state, t.attempts, t.message, t.process, "
        "p.host || ', placer ' || p.version || ', ' || p.processor "
        "FROM trials t LEFT JOIN processes p ON p.id = t.process "
        "WHERE t.position IS NOT NULL ORDER BY t.position");
    while (select.executeStep()) {
      index[select.getColumn(0).getInt64()] = trials.size();
      StoredTrial& trial = trials.emplace_back();
      trial.key = select.getColumn(1).getString();
      trial.config = select.getColumn(2).getString();
      trial.state = StateNamed(select.getColumn(3).getString());
      trial.attempts = select.getColumn(4).getInt();
      trial.message = select.getColumn(5).getString();
      if (trial.state == TrialState::kRunning && !state_->IsHeld(select.getColumn(6))) {
        trial.state = TrialState::kPending;
      }
      trial.process = select.getColumn(7).getString();
    }
    SQLite::Statement axes(database,
                           "SELECT trial, field, value FROM axes ORDER BY trial, position");
    while (axes.executeStep()) {
      if (const auto it = index.find(axes.getColumn(0).getInt64()); it != index.end()) {
        trials[it->second].axes.push_back(
            {axes.getColumn(1).getString(), axes.getColumn(2).getString()});
      }
    }
    SQLite::Statement metrics(database, "SELECT trial, name, value FROM metrics");
    while (metrics.executeStep()) {
      if (const auto it = index.find(metrics.getColumn(0).getInt64()); it != index.end()) {
        trials[it->second].metrics[metrics.getColumn(1).getString()] =
            metrics.getColumn(2).getDouble();
      }
    }
    return trials;
  });
}

std::size_t SweepStore::NumOutsidePlan() const {
  return Guarded(state_->path, [&] {
    return static_cast<std::size_t>(
        state_->database.execAndGet("SELECT count(*) FROM trials WHERE position IS NULL")
            .getInt64());
  });
}

LearningCurve SweepStore::Curve(const std::string& key) const {
  return Guarded(state_->path, [&] {
    SQLite::Statement select(state_->database,
                             "SELECT samples, step_time_seconds FROM curves JOIN trials "
                             "ON trials.id = curves.trial WHERE key = ? ORDER BY samples");
    select.bind(1, key);
    LearningCurve curve;
    while (select.executeStep()) {
      curve.push_back({select.getColumn(0).getInt64(), Seconds(select.getColumn(1).getDouble())});
    }
    return curve;
  });
}

std::optional<SavedPlacement> SweepStore::Placement(const std::string& key) const {
  return Guarded(state_->path, [&]() -> std::optional<SavedPlacement> {
    SQLite::Statement select(state_->database,
                             "SELECT placement FROM placements JOIN trials "
                             "ON trials.id = placements.trial WHERE key = ?");
    select.bind(1, key);
    if (!select.executeStep()) {
      return std::nullopt;
    }
    const SQLite::Column bytes = select.getColumn(0);
    return PlacementFromBytes(
        {static_cast<const char*>(bytes.getBlob()), static_cast<std::size_t>(bytes.getBytes())},
        state_->path.string() + ": trial " + key);
  });
}

bool SweepStore::Claim(const std::string& key) {
  return Guarded(state_->path, [&] {
    state_->Register();  // not in the transaction: its number must stay taken
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement select(state_->database, "SELECT state, process FROM trials WHERE id = ?");
    const std::int64_t id = state_->Id(key);
    select.bind(1, id);
    select.executeStep();
    const TrialState state = StateNamed(select.getColumn(0).getString());
    if (IsFinished(state) ||
        (state == TrialState::kRunning && state_->IsHeld(select.getColumn(1)))) {
      return false;
    }
    SQLite::Statement update(state_->database,
                             "UPDATE trials SET state = 'running', process = ?, "
                             "attempts = attempts + 1, message = '' WHERE id = ?");
    SQLite::bind(update, state_->own, id);
    update.exec();
    transaction.commit();
    return true;
  });
}

void SweepStore::Release(const std::string& key) {
  Guarded(state_->path, [&] {
    SQLite::Statement update(
        state_->database,
        "UPDATE trials SET state = 'pending' WHERE key = ? AND state = 'running'");
    update.bind(1, key);
    update.exec();
  });
}

void SweepStore::State::Clear(std::int64_t trial) {
  for (const char* table : {"metrics", "curves", "placements"}) {
    SQLite::Statement remove(database, std::string("DELETE FROM ") + table + " WHERE trial = ?");
    remove.bind(1, trial);
    remove.exec();
  }
}

namespace {

void InsertResult(SQLite::Database& database, std::int64_t id, const TrialResult& result) {
  SQLite::Statement metric(database, "INSERT INTO metrics(trial, name, value) VALUES(?, ?, ?)");
  for (const auto& [name, value] : result.metrics) {
    metric.reset();
    SQLite::bind(metric, id, name, value);
    metric.exec();
  }
  SQLite::Statement point(database,
                          "INSERT OR REPLACE INTO curves(trial, samples, step_time_seconds) "
                          "VALUES(?, ?, ?)");
  for (const LearningPoint& each : result.curve) {
    point.reset();
    SQLite::bind(point, id, each.samples, each.best.count());
    point.exec();
  }
  if (result.placement) {
    const std::string bytes = PlacementToBytes(*result.placement);
    SQLite::Statement placement(database, "INSERT INTO placements(trial, placement) VALUES(?, ?)");
    placement.bind(1, id);
    placement.bind(2, bytes.data(), static_cast<int>(bytes.size()));
    placement.exec();
  }
}

}  // namespace

void SweepStore::Finish(const std::string& key, const TrialResult& result) {
  Guarded(state_->path, [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    const std::int64_t id = state_->Id(key);
    SQLite::Statement update(state_->database,
                             "UPDATE trials SET state = ?, message = ?, "
                             "finished = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?");
    SQLite::bind(update, Text(result.state), result.message, id);
    update.exec();
    state_->Clear(id);
    InsertResult(state_->database, id, result);
    transaction.commit();
  });
}

std::size_t SweepStore::RetryUnsuccessful() {
  return Guarded(state_->path, [&] {
    return static_cast<std::size_t>(state_->database.exec(
        "UPDATE trials SET state = 'pending' WHERE state IN ('failed', 'crashed') "
        "AND position IS NOT NULL"));
  });
}

std::vector<MergedTrial> MergeTrials(std::span<const SweepStore> stores) {
  const auto rank = [](const StoredTrial& trial) {
    switch (trial.state) {
      case TrialState::kDone:
        return 4;
      case TrialState::kFailed:
      case TrialState::kCrashed:
        return 3;
      case TrialState::kRunning:
        return 2;
      case TrialState::kPending:
        break;
    }
    return 1;
  };
  std::vector<MergedTrial> merged;
  std::map<std::string, std::size_t> index;
  for (std::size_t s = 0; s < stores.size(); ++s) {
    for (StoredTrial& trial : stores[s].Trials()) {
      const auto [it, is_new] = index.try_emplace(trial.key, merged.size());
      if (is_new) {
        merged.push_back({std::move(trial), s});
      } else if (rank(trial) > rank(merged[it->second].trial)) {
        merged[it->second] = {std::move(trial), s};
      }
    }
  }
  return merged;
}

}  // namespace placer
