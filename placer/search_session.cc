#include "placer/search_session.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "graphs/base/error.h"
#include "placer/checkpoint.h"

namespace placer {
namespace {

/// Progress is told at most this often.
constexpr Seconds kProgressInterval{0.1};

/// A placement's hash is the exclusive-or of its groups' keys (Zobrist 1970), so that it follows
/// from that of a similar placement.
std::uint64_t KeyOf(std::size_t group, DeviceId device) noexcept {
  static_assert(Cluster::kMaxDevices <= 64);
  return MixBits(group * 64 + device.index());
}

}  // namespace

SearchSession::SearchSession(const PlaceRequest& request)
    : request_(request), start_(std::chrono::steady_clock::now()) {}

Seconds SearchSession::elapsed() const { return std::chrono::steady_clock::now() - start_; }

void SearchSession::AddElapsed(Seconds earlier) {
  start_ -= std::chrono::duration_cast<std::chrono::steady_clock::duration>(earlier);
}

bool SearchSession::exhausted() const {
  return samples_left() <= 0 || request_.stop.stop_requested() ||
         (request_.budget.seconds && elapsed() >= *request_.budget.seconds);
}

double SearchSession::spent() const {
  double share = static_cast<double>(samples_) / static_cast<double>(request_.budget.samples);
  if (request_.budget.seconds) {
    const double limit = request_.budget.seconds->count();
    share = std::max(share, limit > 0 ? elapsed().count() / limit : 1.0);
  }
  return std::min(share, 1.0);
}

std::span<const DeviceId> SearchSession::Repaired(std::span<const DeviceId> groups) const {
  const Separation& separation = request_.problem.separation();
  if (separation.Holds(groups)) {
    return groups;
  }
  repaired_.assign(groups.begin(), groups.end());
  separation.Repair(repaired_);
  return repaired_;
}

void SearchSession::Expand(std::span<const DeviceId> groups, std::size_t slot) {
  const Problem& problem = request_.problem;
  if (groups.size() != problem.num_groups()) {
    throw std::logic_error("SearchSession: the placement is not one of this problem's groups");
  }
  groups = Repaired(groups);
  if (slots_.size() <= slot) {
    slots_.resize(slot + 1);
    expanded_.resize(slot + 1);
  }
  Slot& last = slots_[slot];
  const bool fresh = last.groups.empty();
  if (fresh) {
    last.groups.assign(groups.begin(), groups.end());
    expanded_[slot] = Placement(problem.graph().num_ops(), DeviceId(0));
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!fresh && last.groups[g] == groups[g]) {
      continue;
    }
    if (groups[g].index() >= problem.num_devices() || !problem.allowed(GroupId(g), groups[g])) {
      last.groups.clear();
      last.hash = 0;
      throw std::logic_error("SearchSession: group " + std::to_string(g) +
                             " is on a device that it may not use");
    }
    last.hash ^= KeyOf(g, groups[g]) ^ (fresh ? 0 : KeyOf(g, last.groups[g]));
    last.groups[g] = groups[g];
    for (const OpId op : problem.grouping().ops(GroupId(g))) {
      expanded_[slot].set_device(op, groups[g]);
    }
  }
}

bool SearchSession::seen(std::span<const DeviceId> groups) const {
  std::uint64_t hash = 0;
  groups = Repaired(groups);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    hash ^= KeyOf(g, groups[g]);
  }
  return seen_.contains(hash);
}

std::optional<StepSummary> SearchSession::Evaluate(std::span<const DeviceId> groups) {
  if (exhausted()) {
    return std::nullopt;
  }
  Expand(groups, 0);
  StepSummary summary;
  request_.problem.runner().RunBatch(std::span(expanded_).first(1), std::span(&summary, 1));
  if (summary.outcome == StepOutcome::kInterrupted) {
    return std::nullopt;
  }
  Record(slots_[0].groups, slots_[0].hash, summary);
  ReportProgress();
  return summary;
}

std::size_t SearchSession::EvaluateBatch(std::span<const GroupPlacement> placements,
                                         std::span<StepSummary> summaries) {
  if (summaries.size() < placements.size()) {
    throw std::logic_error("SearchSession: fewer summaries than placements");
  }
  before_ = {samples_, best_groups_, best_, curve_.size(), {}};
  std::size_t done = 0;
  while (done < placements.size() && !exhausted()) {
    const std::size_t count =
        std::min({placements.size() - done, request_.problem.runner().preferred_batch(),
                  static_cast<std::size_t>(samples_left())});
    for (std::size_t i = 0; i < count; ++i) {
      Expand(placements[done + i], i);
    }
    const auto part = summaries.subspan(done, count);
    request_.problem.runner().RunBatch(std::span(expanded_).first(count), part);
    for (std::size_t i = 0; i < count; ++i) {
      if (part[i].outcome == StepOutcome::kInterrupted) {
        return done + i;
      }
      if (Record(slots_[i].groups, slots_[i].hash, part[i])) {
        before_.added.push_back(slots_[i].hash);
      }
    }
    done += count;
    ReportProgress();
  }
  return done;
}

bool SearchSession::Record(std::span<const DeviceId> groups, std::uint64_t hash,
                           const StepSummary& summary) {
  ++samples_;
  const bool is_new = seen_.insert(hash).second;
  if (!best_groups_ || IsBetter(summary, best_)) {
    best_groups_.emplace(groups.begin(), groups.end());
    best_ = summary;
    curve_.push_back({samples_, best_, elapsed()});
  }
  return is_new;
}

void SearchSession::ReportProgress() {
  if (!request_.progress) {
    return;
  }
  const Seconds now = elapsed();
  if (now - last_progress_ >= kProgressInterval) {
    last_progress_ = now;
    request_.progress({samples_, best_, now, unique_samples()});
  }
}

void SearchSession::Absorb(PlaceResult result) {
  samples_ += result.samples;
  seen_.merge(result.hashes);
  if (result.groups && (!best_groups_ || IsBetter(result.best, best_))) {
    best_groups_ = std::move(result.groups);
    best_ = result.best;
    curve_.push_back({samples_, best_, elapsed()});
  }
}

SearchSession SearchSession::BeforeLastBatch() const {
  SearchSession session = *this;
  session.samples_ = before_.samples;
  session.best_groups_ = before_.best_groups;
  session.best_ = before_.best;
  session.curve_.resize(before_.curve_size);
  for (const std::uint64_t hash : before_.added) {
    session.seen_.erase(hash);
  }
  session.before_.added.clear();
  return session;
}

std::string SearchSession::SaveState() const {
  ByteWriter out;
  const auto put = [&out](const StepSummary& summary) {
    out.Put(static_cast<std::uint64_t>(summary.outcome));
    out.Put(static_cast<std::uint64_t>(summary.step_time.count()));
    out.Put(static_cast<std::uint64_t>(summary.excess_bytes));
  };
  out.Put(static_cast<std::uint64_t>(samples_));
  std::vector<std::uint64_t> seen(seen_.begin(), seen_.end());
  std::sort(seen.begin(), seen.end());
  out.Put(static_cast<std::uint64_t>(seen.size()));
  for (const std::uint64_t hash : seen) {
    out.Put(hash);
  }
  out.Put(static_cast<std::uint64_t>(best_groups_ ? best_groups_->size() : 0));
  for (const DeviceId device : best_groups_.value_or(GroupPlacement{})) {
    out.Put(static_cast<std::uint64_t>(device.index()));
  }
  put(best_);
  out.Put(static_cast<std::uint64_t>(curve_.size()));
  for (const CurvePoint& point : curve_) {
    out.Put(static_cast<std::uint64_t>(point.samples));
    put(point.best);
  }
  return out.bytes();
}

void SearchSession::RestoreState(const std::string& state) {
  ByteReader in(state);
  const auto take = [&in] {
    StepSummary summary;
    summary.outcome = static_cast<StepOutcome>(in.TakeInteger());
    summary.step_time = Picoseconds(static_cast<std::int64_t>(in.TakeInteger()));
    summary.excess_bytes = static_cast<std::int64_t>(in.TakeInteger());
    return summary;
  };
  samples_ = static_cast<std::int64_t>(in.TakeInteger());
  seen_.clear();
  for (std::uint64_t left = in.TakeInteger(); left > 0; --left) {
    seen_.insert(in.TakeInteger());
  }
  const std::uint64_t num_groups = in.TakeInteger();
  if (num_groups != 0 && num_groups != request_.problem.num_groups()) {
    throw InputError("checkpoint: has " + std::to_string(num_groups) + " groups, expected " +
                     std::to_string(request_.problem.num_groups()));
  }
  best_groups_.reset();
  if (num_groups > 0) {
    best_groups_.emplace();
    for (std::uint64_t g = 0; g < num_groups; ++g) {
      best_groups_->emplace_back(in.TakeInteger());
    }
  }
  best_ = take();
  curve_.clear();
  for (std::uint64_t left = in.TakeInteger(); left > 0; --left) {
    const auto samples = static_cast<std::int64_t>(in.TakeInteger());
    curve_.push_back({samples, take(), Seconds(0)});
  }
}

PlaceResult SearchSession::Finish(std::string note) && {
  PlaceResult result;
  result.wall = elapsed();
  if (best_groups_) {
    if (curve_.back().samples != samples_) {
      curve_.push_back({samples_, best_, result.wall});
    }
    if (request_.progress) {
      request_.progress({samples_, best_, result.wall, unique_samples()});
    }
  }
  result.groups = std::move(best_groups_);
  result.best = best_;
  result.samples = samples_;
  result.unique_samples = unique_samples();
  if (request_.keep_hashes) {
    result.hashes = std::move(seen_);
  }
  result.curve = std::move(curve_);
  result.interrupted = request_.stop.stop_requested();
  result.note = std::move(note);
  return result;
}

}  // namespace placer
