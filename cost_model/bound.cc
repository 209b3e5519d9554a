// The load bound is the Lagrangian dual of R||Cmax (Martello, Soumis and Toth, "Exact and
// approximation algorithms for makespan minimization on unrelated parallel machines", Discrete
// Applied Mathematics 75, 1997): for any weights w >= 0 with sum 1,
//     makespan >= sum_d w_d load_d >= sum over classes of min_d w_d time(class, d),
// so that weights may come from any method. The method here is deterministic: equal devices get
// equal weights (the dual is concave and symmetric in them), multiplicative updates move weight to
// devices that the relaxed problem overloads, and golden-section searches along pairs finish it.
#include "cost_model/bound.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace placer {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

/// Time of every co-location class on every device, in picoseconds; kNever where not allowed.
struct ClassTimes {
  std::size_t num_devices = 0;
  std::vector<double> time;  ///< [classes, devices]
  [[nodiscard]] std::size_t size() const {
    return num_devices == 0 ? 0 : time.size() / num_devices;
  }
};

ClassTimes TimesOfClasses(const Graph& graph, const CostModel& costs) {
  ClassTimes result;
  const std::size_t n = result.num_devices = costs.num_devices();
  result.time.assign(graph.num_colocation_classes() * n, 0);
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    double* row = &result.time[graph.colocation_class(OpId(i)) * n];
    for (std::size_t d = 0; d < n; ++d) {
      row[d] += costs.allowed(OpId(i), DeviceId(d))
                    ? static_cast<double>(costs.op_time(OpId(i), DeviceId(d)).count())
                    : kNever;
    }
  }
  return result;
}

Picoseconds CriticalPath(const Graph& graph, const CostModel& costs, const ClassTimes& classes) {
  std::vector<std::int64_t> finish(graph.num_ops(), 0);
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const OpId id(i);
    std::int64_t ready = 0;
    for (const TensorId input : graph.inputs(id)) {
      ready = std::max(ready, finish[graph.tensor(input).producer.index()]);
    }
    for (const OpId before : graph.control_inputs(id)) {
      ready = std::max(ready, finish[before.index()]);
    }
    const double* row = &classes.time[graph.colocation_class(id) * classes.num_devices];
    std::int64_t fastest = std::numeric_limits<std::int64_t>::max();
    for (std::size_t d = 0; d < classes.num_devices; ++d) {
      if (row[d] < kNever) {
        fastest = std::min(fastest, costs.op_time(id, DeviceId(d)).count());
      }
    }
    finish[i] = ready + fastest;
    longest = std::max(longest, finish[i]);
  }
  return Picoseconds(longest);
}

/// The dual problem after devices with equal columns are joined and classes with equal rows merged.
class Dual {
 public:
  explicit Dual(const ClassTimes& classes) {
    JoinEqualDevices(classes);
    MergeEqualRows(classes);
  }

  [[nodiscard]] double Maximum() {
    if (count_.size() == 1) {
      double total = 0;
      for (const double time : rows_) {
        total += time;
      }
      return total / count_[0];
    }
    StartFromSpeeds();
    Climb();
    Polish();
    return best_;
  }
  /// Relative error that sums of this many terms may have, generously.
  [[nodiscard]] double Slack() const {
    return 4 * std::numeric_limits<double>::epsilon() * static_cast<double>(rows_.size() + 64);
  }

 private:
  [[nodiscard]] std::size_t kinds() const { return count_.size(); }

  void JoinEqualDevices(const ClassTimes& classes) {
    const std::size_t n = classes.num_devices;
    for (std::size_t d = 0; d < n; ++d) {
      bool joined = false;
      for (std::size_t k = 0; k < kinds() && !joined; ++k) {
        joined = true;
        for (std::size_t c = 0; c < classes.size() && joined; ++c) {
          joined = classes.time[c * n + d] == classes.time[c * n + device_[k]];
        }
        count_[k] += joined ? 1 : 0;
      }
      if (!joined) {
        device_.push_back(d);
        count_.push_back(1);
      }
    }
  }

  void MergeEqualRows(const ClassTimes& classes) {
    std::vector<std::vector<double>> rows;
    for (std::size_t c = 0; c < classes.size(); ++c) {
      std::vector<double> row;
      for (const std::size_t d : device_) {
        row.push_back(classes.time[c * classes.num_devices + d]);
      }
      if (*std::min_element(row.begin(), row.end()) > 0) {
        rows.push_back(std::move(row));
      }
    }
    std::sort(rows.begin(), rows.end());
    for (std::size_t begin = 0; begin < rows.size();) {
      std::size_t end = begin;
      while (end < rows.size() && rows[end] == rows[begin]) {
        ++end;
      }
      for (const double time : rows[begin]) {
        rows_.push_back(time * static_cast<double>(end - begin));
      }
      begin = end;
    }
  }

  /// The bound for weights per kind; `load` gets what the relaxed problem puts on each kind.
  double Evaluate(std::span<const double> weight, std::vector<double>* load) const {
    double total = 0;
    for (std::size_t begin = 0; begin < rows_.size(); begin += kinds()) {
      double least = kNever;
      std::size_t where = 0;
      for (std::size_t k = 0; k < kinds(); ++k) {
        const double time = rows_[begin + k];
        if (time < kNever && weight[k] * time < least) {
          least = weight[k] * time;
          where = k;
        }
      }
      total += least;
      if (load != nullptr) {
        (*load)[where] += rows_[begin + where];
      }
    }
    double sum = 0;
    for (std::size_t k = 0; k < kinds(); ++k) {
      sum += weight[k] * count_[k];
    }
    return total / sum;
  }

  void Normalize(std::vector<double>& weight) const {
    double sum = 0;
    for (std::size_t k = 0; k < kinds(); ++k) {
      sum += weight[k] * count_[k];
    }
    for (double& w : weight) {
      w /= sum;
    }
  }

  void Keep(std::span<const double> weight, double value) {
    if (value > best_) {
      best_ = value;
      weight_.assign(weight.begin(), weight.end());
    }
  }

  /// A device twice as slow gets half the weight; a device that some class cannot use counts the
  /// classes it can.
  void StartFromSpeeds() {
    weight_.assign(kinds(), 0);
    for (std::size_t k = 0; k < kinds(); ++k) {
      double log_sum = 0;
      double entries = 0;
      for (std::size_t begin = 0; begin < rows_.size(); begin += kinds()) {
        if (rows_[begin + k] < kNever && rows_[begin + k] > 0) {
          log_sum += std::log(rows_[begin + k]);
          ++entries;
        }
      }
      weight_[k] = entries > 0 ? std::exp(-log_sum / entries) : 0;
    }
    if (rows_.empty()) {
      weight_.assign(kinds(), 1);
    }
    Normalize(weight_);
    best_ = Evaluate(weight_, nullptr);
    const std::vector<double> equal(kinds(), 1);
    Keep(equal, Evaluate(equal, nullptr));
  }

  void Climb() {
    constexpr int kIterations = 200;
    std::vector<double> weight = weight_;
    for (int i = 0; i < kIterations; ++i) {
      Normalize(weight);
      std::vector<double> load(kinds(), 0);
      Keep(weight, Evaluate(weight, &load));
      double largest = 0;
      for (std::size_t k = 0; k < kinds(); ++k) {
        load[k] /= count_[k];
        largest = std::max(largest, load[k]);
      }
      if (largest <= 0) {
        return;
      }
      const double step = 0.5 / std::sqrt(1.0 + i);
      for (std::size_t k = 0; k < kinds(); ++k) {
        weight[k] *= std::exp(step * load[k] / largest);
      }
    }
  }

  /// Golden-section searches along pairs of kinds, as many as the budget of multiplications allows.
  void Polish() {
    constexpr double kBudget = 6e7;
    constexpr int kRounds = 3;
    double budget = kBudget;
    const double cost = kSteps * static_cast<double>(rows_.size() + 1);
    for (int round = 0; round < kRounds; ++round) {
      for (std::size_t a = 0; a + 1 < kinds(); ++a) {
        for (std::size_t b = a + 1; b < kinds() && budget > 0; ++b, budget -= cost) {
          SearchAlong(a, b);
        }
      }
    }
  }

  /// Along the line that moves weight between two kinds the bound is concave.
  void SearchAlong(std::size_t a, std::size_t b) {
    constexpr double kGolden = 0.6180339887498949;
    const std::vector<double> base = weight_;
    const double mass = base[a] * count_[a] + base[b] * count_[b];
    const auto value_at = [&](double share) {
      std::vector<double> weight = base;
      weight[a] = mass * share / count_[a];
      weight[b] = mass * (1 - share) / count_[b];
      const double value = Evaluate(weight, nullptr);
      Keep(weight, value);
      return value;
    };
    double low = 0;
    double high = 1;
    double left = high - kGolden;
    double right = low + kGolden;
    double left_value = value_at(left);
    double right_value = value_at(right);
    for (int i = 0; i < kSteps; ++i) {
      if (left_value < right_value) {
        low = std::exchange(left, right);
        left_value = right_value;
        right = low + (high - low) * kGolden;
        right_value = value_at(right);
      } else {
        high = std::exchange(right, left);
        right_value = left_value;
        left = high - (high - low) * kGolden;
        left_value = value_at(left);
      }
    }
  }

  static constexpr int kSteps = 40;  ///< narrows an interval to 4e-9 of its width
  std::vector<std::size_t> device_;  ///< one device of each kind
  std::vector<double> count_;        ///< devices of each kind
  std::vector<double> rows_;         ///< [rows, kinds]
  std::vector<double> weight_;       ///< of one device of each kind; best so far
  double best_ = 0;
};

}  // namespace

LowerBound ComputeLowerBound(const Graph& graph, const Cluster& /*cluster*/,
                             const CostModel& costs) {
  LowerBound bound;
  if (graph.num_ops() == 0) {
    return bound;
  }
  const ClassTimes classes = TimesOfClasses(graph, costs);
  bound.critical_path = CriticalPath(graph, costs, classes);
  // A class runs on one device, one op at a time.
  double largest_class = 0;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto row = classes.time.begin() + static_cast<std::ptrdiff_t>(c * classes.num_devices);
    largest_class =
        std::max(largest_class,
                 *std::min_element(row, row + static_cast<std::ptrdiff_t>(classes.num_devices)));
  }
  Dual dual(classes);
  // Step times are whole picoseconds: what is left of a fraction counts as one.
  const double load = std::max(largest_class, dual.Maximum()) * (1 - dual.Slack());
  bound.load = Picoseconds(static_cast<std::int64_t>(std::ceil(load)));
  return bound;
}

}  // namespace placer
