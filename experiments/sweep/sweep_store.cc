#include "experiments/sweep/sweep_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <SQLiteCpp/VariadicBind.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "experiments/sweep/detail/sweep_database.h"
#include "graphs/base/error.h"
#include "graphs/base/text.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kNames = {"pending", "running", "done", "failed",
                                                    "crashed"};

TrialState StateNamed(const std::string& name) {
  const auto* const it = std::find(kNames.begin(), kNames.end(), name);
  if (it == kNames.end()) {
    throw InputError("sweep store: found state '" + name + "'");
  }
  return static_cast<TrialState>(it - kNames.begin());
}

std::optional<Environment> EnvironmentOf(const std::string& text) {
  const Environment environment =
      EnvironmentFromJson(nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false));
  return environment == Environment() ? std::nullopt : std::optional(environment);
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

SweepStore SweepStore::Open(const fs::path& path) { return SweepStore(SweepDatabase::Open(path)); }

SweepStore SweepStore::OpenToRead(const fs::path& path) {
  return SweepStore(SweepDatabase::OpenToRead(path));
}

SweepStore::SweepStore(std::unique_ptr<SweepDatabase> file) : file_(std::move(file)) {}
SweepStore::~SweepStore() = default;
SweepStore::SweepStore(SweepStore&&) noexcept = default;

const fs::path& SweepStore::path() const noexcept { return file_->path; }

void SweepStore::SetPlan(const std::string& name, const std::string& config,
                         std::span<const PlannedTrial> trials) {
  Guarded(file_->path, [&] {
    SQLite::Database& database = file_->database;
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
  return Guarded(file_->path, [&] { return OnlyText(file_->database, "SELECT name FROM sweep"); });
}

std::string SweepStore::config() const {
  return Guarded(file_->path,
                 [&] { return OnlyText(file_->database, "SELECT config FROM sweep"); });
}

std::vector<StoredTrial> SweepStore::Trials() const {
  return Select("WHERE t.position IS NOT NULL ORDER BY t.position");
}

std::vector<StoredTrial> SweepStore::AllTrials() const {
  return Select("ORDER BY t.position IS NULL, t.position, t.id");
}

std::vector<StoredTrial> SweepStore::Select(const std::string& which) const {
  return Guarded(file_->path, [&] {
    SQLite::Database& database = file_->database;
    SQLite::Transaction snapshot(database);
    std::vector<StoredTrial> trials;
    std::map<std::int64_t, std::size_t> index;
    SQLite::Statement select(
        database,
        std::string("SELECT t.id, t.key, t.config, t.state, t.attempts, t.message, t.process, "
                    "p.host || ', placer ' || p.version || ', ' || p.processor, p.environment "
                    "FROM trials t LEFT JOIN processes p ON p.id = t.process ") +
            which);
    while (select.executeStep()) {
      index[select.getColumn(0).getInt64()] = trials.size();
      StoredTrial& trial = trials.emplace_back();
      trial.key = select.getColumn(1).getString();
      trial.config = select.getColumn(2).getString();
      trial.state = StateNamed(select.getColumn(3).getString());
      trial.attempts = select.getColumn(4).getInt();
      trial.message = ValidUtf8(select.getColumn(5).getString());
      if (trial.state == TrialState::kRunning && !file_->IsHeld(select.getColumn(6))) {
        trial.state = TrialState::kPending;
      }
      trial.process = select.getColumn(7).getString();
      trial.environment = EnvironmentOf(select.getColumn(8).getString());
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

std::map<std::string, TrialState> SweepStore::States() const {
  return Guarded(file_->path, [&] {
    std::map<std::string, TrialState> states;
    SQLite::Statement select(file_->database, "SELECT key, state, process FROM trials");
    while (select.executeStep()) {
      const TrialState state = StateNamed(select.getColumn(1).getString());
      const bool is_left = state == TrialState::kRunning && !file_->IsHeld(select.getColumn(2));
      states[select.getColumn(0).getString()] = is_left ? TrialState::kPending : state;
    }
    return states;
  });
}

std::size_t SweepStore::NumOutsidePlan() const {
  return Guarded(file_->path, [&] {
    return static_cast<std::size_t>(
        file_->database.execAndGet("SELECT count(*) FROM trials WHERE position IS NULL")
            .getInt64());
  });
}

LearningCurve SweepStore::Curve(const std::string& key) const {
  return Guarded(file_->path, [&] {
    SQLite::Statement select(file_->database,
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
  return Guarded(file_->path, [&]() -> std::optional<SavedPlacement> {
    SQLite::Statement select(file_->database,
                             "SELECT placement FROM placements JOIN trials "
                             "ON trials.id = placements.trial WHERE key = ?");
    select.bind(1, key);
    if (!select.executeStep()) {
      return std::nullopt;
    }
    const SQLite::Column bytes = select.getColumn(0);
    return PlacementFromBytes(
        {static_cast<const char*>(bytes.getBlob()), static_cast<std::size_t>(bytes.getBytes())},
        file_->path.string() + ": trial " + key);
  });
}

namespace {

std::int64_t IdOf(SQLite::Database& database, const std::string& key) {
  SQLite::Statement select(database, "SELECT id FROM trials WHERE key = ?");
  select.bind(1, key);
  if (!select.executeStep()) {
    throw std::logic_error("sweep store: no trial has key " + key);
  }
  return select.getColumn(0).getInt64();
}

}  // namespace

bool SweepStore::Claim(const std::string& key) {
  return Guarded(file_->path, [&] {
    file_->Register();  // not in the transaction: its number must stay taken
    SQLite::Transaction transaction(file_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement select(file_->database, "SELECT state, process FROM trials WHERE id = ?");
    const std::int64_t id = IdOf(file_->database, key);
    select.bind(1, id);
    select.executeStep();
    const TrialState state = StateNamed(select.getColumn(0).getString());
    if (IsFinished(state) ||
        (state == TrialState::kRunning && file_->IsHeld(select.getColumn(1)))) {
      return false;
    }
    SQLite::Statement update(file_->database,
                             "UPDATE trials SET state = 'running', process = ?, "
                             "attempts = attempts + 1, message = '' WHERE id = ?");
    SQLite::bind(update, file_->own, id);
    update.exec();
    transaction.commit();
    return true;
  });
}

void SweepStore::Release(const std::string& key) {
  Guarded(file_->path, [&] {
    SQLite::Statement update(
        file_->database, "UPDATE trials SET state = 'pending' WHERE key = ? AND state = 'running'");
    update.bind(1, key);
    update.exec();
  });
}

namespace {

void ClearResult(SQLite::Database& database, std::int64_t trial) {
  for (const char* table : {"metrics", "curves", "placements"}) {
    SQLite::Statement remove(database, std::string("DELETE FROM ") + table + " WHERE trial = ?");
    remove.bind(1, trial);
    remove.exec();
  }
}

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
  Guarded(file_->path, [&] {
    SQLite::Transaction transaction(file_->database, SQLite::TransactionBehavior::IMMEDIATE);
    const std::int64_t id = IdOf(file_->database, key);
    SQLite::Statement update(file_->database,
                             "UPDATE trials SET state = ?, message = ?, "
                             "finished = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?");
    SQLite::bind(update, Text(result.state), result.message, id);
    update.exec();
    ClearResult(file_->database, id);
    InsertResult(file_->database, id, result);
    transaction.commit();
  });
}

std::size_t SweepStore::RetryUnsuccessful(const SweepShard& shard) {
  return Guarded(file_->path, [&] {
    // A position that is NULL, outside the plan, equals nothing.
    SQLite::Statement update(file_->database,
                             "UPDATE trials SET state = 'pending' "
                             "WHERE state IN ('failed', 'crashed') AND position % ? = ?");
    SQLite::bind(update, static_cast<std::int64_t>(shard.count),
                 static_cast<std::int64_t>(shard.index));
    return static_cast<std::size_t>(update.exec());
  });
}

namespace {

using ListTrials = std::vector<StoredTrial> (SweepStore::*)() const;

std::vector<MergedTrial> Merge(std::span<const SweepStore> stores, ListTrials list) {
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
    for (StoredTrial& trial : (stores[s].*list)()) {
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

}  // namespace

std::vector<MergedTrial> MergeTrials(std::span<const SweepStore> stores) {
  return Merge(stores, &SweepStore::Trials);
}

std::vector<MergedTrial> MergeAllTrials(std::span<const SweepStore> stores) {
  return Merge(stores, &SweepStore::AllTrials);
}

}  // namespace placer
