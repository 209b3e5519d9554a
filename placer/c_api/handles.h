#pragma once

#include <algorithm>
#include <exception>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cost_model/cluster.h"
#include "cost_model/placement_io.h"
#include "graphs/base/error.h"
#include "graphs/model_loader.h"
#include "placer/c_api/placer.h"
#include "placer/optimize.h"

/// What the handles of placer.h are, and how faults become statuses. Private to placer/c_api.

struct placer_graph {
  placer::LoadedModel model;
};

struct placer_cluster {
  placer::Cluster cluster;
};

struct placer_plan {
  explicit placer_plan(placer::SavedPlacement placement) : saved(std::move(placement)) {
    for (std::size_t op = 0; op < saved.device_of_op.size(); ++op) {
      op_by_name.emplace(saved.device_of_op[op].first, op);
    }
  }
  /// Index of an op; null if there is none of that name.
  [[nodiscard]] const std::size_t* Find(const std::string& op_name) const {
    const auto op = op_by_name.find(op_name);
    return op == op_by_name.end() ? nullptr : &op->second;
  }

  placer::SavedPlacement saved;
  std::unordered_map<std::string, std::size_t> op_by_name;
};

struct placer_report {
  placer::SimulatedStep step;
  placer::Picoseconds bound{0};
};

namespace placer::c_api {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// Keeps the message for placer_last_error().
placer_status Fail(placer_status status, const char* message) noexcept;
void ClearError() noexcept;

/// Thrown for a NULL where there must be something.
inline void Require(const void* argument, const char* name) {
  if (argument == nullptr) {
    throw InputError(std::string(name) + ": found NULL, expected a value");
  }
}

/// A word that may be left out.
inline std::string WordOr(const char* word, const char* fallback) {
  return word == nullptr ? fallback : word;
}

/// Options as this library knows them: what the caller's structure is too old to have keeps its
/// default, what it has and this library is too old for is not read.
template <typename Options>
Options ReadOptions(const Options* given, Options defaults) {
  if (given == nullptr) {
    return defaults;
  }
  if (given->size < sizeof(std::size_t)) {
    throw InputError("options: size is " + std::to_string(given->size) +
                     ", expected that of the structure; start from its _INIT macro");
  }
  std::copy_n(reinterpret_cast<const char*>(given), std::min(given->size, sizeof(Options)),
              reinterpret_cast<char*>(&defaults));
  return defaults;
}

/// Runs `body`, which returns a status, and turns what it throws into one.
template <typename Body>
placer_status Guarded(Body&& body) noexcept {
  ClearError();
  try {
    return body();
  } catch (const InputError& error) {
    return Fail(PLACER_INVALID_INPUT, error.what());
  } catch (const InfeasibleError& error) {
    return Fail(PLACER_INFEASIBLE, error.what());
  } catch (const Error& error) {
    return Fail(PLACER_UNAVAILABLE, error.what());
  } catch (const std::exception& error) {
    return Fail(PLACER_INTERNAL_ERROR, error.what());
  } catch (...) {
    return Fail(PLACER_INTERNAL_ERROR, "unknown fault");
  }
}

}  // namespace placer::c_api
