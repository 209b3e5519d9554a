#include "experiments/sweep/sweep_run.h"

#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <system_error>
#include <utility>
#include <vector>

#include "experiments/detail/sweep_worker.pb.h"
#include "experiments/experiment_config.h"
#include "experiments/output_file.h"
#include "experiments/sweep/sweep_progress.h"
#include "graphs/base/error.h"
#include "runner/child_process.h"
#include "runner/message_pipe.h"
#include "runner/stop_signal.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using proto::sweep::TrialReply;
using BufferState = MessageBuffer::State;

constexpr int kPollMilliseconds = 200;
/// A trial looks at a stop between batches, and then writes its checkpoint.
constexpr std::chrono::seconds kGrace{30};
constexpr int kMaxFailedStarts = 5;
/// How often the trials that other processes have finished are counted.
constexpr std::chrono::seconds kCountPeriod{5};

/// The command itself; a program that has the command's code in it, such as a test, has it beside
/// itself.
fs::path CommandPath() {
  const fs::path self = "/proc/self/exe";
  std::error_code ignored;
  const fs::path target = fs::read_symlink(self, ignored);
  // By the link it is the same program even when the file was replaced meanwhile.
  return target.filename() == "placer" ? self : target.parent_path() / "placer";
}

TrialResult ResultOf(const proto::sweep::TrialEnded& ended) {
  TrialResult result;
  result.state = ended.failed() ? TrialState::kFailed : TrialState::kDone;
  result.message = ended.message();
  result.metrics = {ended.metrics().begin(), ended.metrics().end()};
  for (int i = 0; i < std::min(ended.curve_samples_size(), ended.curve_seconds_size()); ++i) {
    result.curve.push_back({ended.curve_samples(i), Seconds(ended.curve_seconds(i))});
  }
  if (!ended.placement().empty()) {
    result.placement = PlacementFromBytes(ended.placement(), "a worker's reply");
  }
  return result;
}

/// A worker process and what it does.
struct Worker {
  std::unique_ptr<ChildProcess> child;
  MessageBuffer buffer;
  bool ready = false;  ///< it has said something
  std::optional<std::size_t> trial;
  bool begun = false;       ///< it has said that it began this trial
  bool sent_again = false;  ///< the worker before it was gone when this trial was sent
  Clock::time_point started;
  std::string problem;  ///< of its last trial
};

class Run {
 public:
  Run(const SweepPlan& plan, SweepStore& store, const SweepRunOptions& options,
      const Console& console)
      : plan_(plan), store_(store), options_(options), console_(console), stop_(console.stop) {
    store.SetPlan(plan.name, plan.config,
                  std::vector<PlannedTrial>(plan.trials.begin(), plan.trials.end()));
    if (options.retry) {
      static_cast<void>(store.RetryUnsuccessful(options.shard));
    }
    std::size_t mine = 0;
    const States states = store.States();
    for (std::size_t i = options.shard.index; i < plan.trials.size(); i += options.shard.count) {
      ++mine;
      if (StateOf(i, states) == TrialState::kDone) {
        RemoveRun(i);
      }
    }
    static_cast<void>(TakePending(states));
    if (OneAtATime() && options.jobs > 1) {
      console.err << "placer: warning: trials execute the model: they run one at a time\n";
    }
    progress_.emplace(console, plan.name, mine, CountFinished(states),
                      std::max(1, static_cast<int>(workers_.size())));
  }

  void Loop() {
    for (;;) {
      if (console_.stop.stop_requested() && !stopping_) {
        BeginToStop();
      }
      for (Worker& worker : workers_) {
        if (!worker.trial && !stopping_) {
          Assign(worker);
        }
      }
      if (std::none_of(workers_.begin(), workers_.end(),
                       [](const Worker& worker) { return worker.trial.has_value(); })) {
        if (stopping_ || !TakePending(store_.States())) {
          return;
        }
        continue;
      }
      Wait();
      for (Worker& worker : workers_) {
        if (worker.trial) {
          CheckTime(worker);
        }
      }
      if (const Clock::time_point now = Clock::now(); now >= next_count_) {
        next_count_ = now + kCountPeriod;
        progress_->SetFinished(CountFinished(store_.States()));
      }
      progress_->ShowIfDue();
    }
  }

 private:
  /// By key: another process may have given the store another plan.
  using States = std::map<std::string, TrialState>;

  [[nodiscard]] std::optional<TrialState> StateOf(std::size_t trial, const States& states) const {
    const auto it = states.find(plan_.trials[trial].key);
    return it == states.end() ? std::nullopt : std::optional(it->second);
  }
  /// Of the shard, by whatever process.
  [[nodiscard]] std::size_t CountFinished(const States& states) const {
    std::size_t finished = 0;
    for (std::size_t i = options_.shard.index; i < plan_.trials.size(); i += options_.shard.count) {
      const std::optional<TrialState> state = StateOf(i, states);
      finished += state && IsFinished(*state) ? 1 : 0;
    }
    return finished;
  }
  /// While no worker has a trial: what nobody runs waits, that of a process that is gone included.
  /// @return whether anything waits
  bool TakePending(const States& states) {
    waiting_.clear();
    for (std::size_t i = options_.shard.index; i < plan_.trials.size(); i += options_.shard.count) {
      if (StateOf(i, states) == TrialState::kPending) {
        waiting_.push_back(i);
      }
    }
    workers_.resize(
        OneAtATime() ? 1 : std::min(static_cast<std::size_t>(options_.jobs), waiting_.size()));
    return !waiting_.empty();
  }
  /// Steps that are executed at the same time would slow each other down.
  [[nodiscard]] bool OneAtATime() const {
    return std::any_of(waiting_.begin(), waiting_.end(),
                       [this](std::size_t i) { return plan_.trials[i].executes; });
  }
  [[nodiscard]] const std::string& KeyOf(const Worker& worker) const {
    return plan_.trials[*worker.trial].key;
  }
  [[nodiscard]] fs::path RunPath(std::size_t trial) const {
    return plan_.output_dir / "trials" / plan_.trials[trial].key;
  }
  /// What is in the store is not needed twice. What an unsuccessful trial left may say why.
  void RemoveRun(std::size_t trial) const {
    std::error_code ignored;
    if (!plan_.keep_runs) {
      fs::remove_all(RunPath(trial), ignored);
    }
  }

  /// A trial for a worker: one of the problem it knows, or else of one that no other works on.
  [[nodiscard]] std::list<std::size_t>::iterator Choose(const Worker& worker) {
    const auto same = [&](std::size_t i) { return plan_.trials[i].problem == worker.problem; };
    auto chosen = std::find_if(waiting_.begin(), waiting_.end(), same);
    if (chosen == waiting_.end()) {
      chosen = std::find_if(waiting_.begin(), waiting_.end(), [&](std::size_t i) {
        return std::none_of(workers_.begin(), workers_.end(), [&](const Worker& other) {
          return other.problem == plan_.trials[i].problem;
        });
      });
    }
    return chosen == waiting_.end() ? waiting_.begin() : chosen;
  }

  void Assign(Worker& worker) {
    while (!waiting_.empty()) {
      const auto chosen = Choose(worker);
      const std::size_t trial = *chosen;
      waiting_.erase(chosen);
      if (!store_.Claim(plan_.trials[trial].key)) {
        continue;  // another process was quicker
      }
      worker.trial = trial;
      worker.sent_again = false;
      worker.problem = plan_.trials[trial].problem;
      progress_->Start(trial);
      Send(worker);
      return;
    }
    worker = Worker();  // nothing left: its memory is free for the others
  }

  void Send(Worker& worker) {
    if (worker.child == nullptr) {
      worker.child =
          std::make_unique<ChildProcess>(CommandPath(), std::vector<std::string>{"sweep-worker"});
      worker.buffer = MessageBuffer();
      worker.ready = false;
    }
    worker.begun = false;
    worker.started = Clock::now();
    const SweepTrial& trial = plan_.trials[*worker.trial];
    ExperimentConfig config = ParseExperiment(trial.config, plan_.name);
    config.name = plan_.name + " " + trial.key;
    config.output_dir = RunPath(*worker.trial);
    proto::sweep::TrialRequest request;
    request.set_config(ExperimentToText(config));
    request.set_problem(trial.problem);
    request.set_write_report(plan_.keep_runs);
    // If it is gone already, its end of the socket says so.
    static_cast<void>(SendMessage(worker.child->socket(), request));
  }

  void Wait() {
    std::vector<pollfd> ready;
    if (!stopping_) {
      ready.push_back({stop_.fd(), POLLIN, 0});
    }
    std::vector<Worker*> busy;
    for (Worker& worker : workers_) {
      if (worker.trial) {
        busy.push_back(&worker);
        ready.push_back({worker.child->socket(), POLLIN, 0});
      }
    }
    if (poll(ready.data(), ready.size(), kPollMilliseconds) <= 0) {
      return;
    }
    const std::size_t first = ready.size() - busy.size();
    for (std::size_t i = 0; i < busy.size(); ++i) {
      if (ready[first + i].revents != 0) {
        Read(*busy[i]);
      }
    }
  }

  void Read(Worker& worker) {
    switch (worker.buffer.Read(worker.child->socket())) {
      case BufferState::kPartial:
        return;
      case BufferState::kClosed:
        return Died(worker, worker.child->Kill());
      case BufferState::kComplete:
        break;
    }
    TrialReply reply;
    if (!std::exchange(worker.buffer, MessageBuffer()).Parse(reply)) {
      return Died(worker, "sent no answer and " + worker.child->Kill());
    }
    worker.ready = true;
    if (reply.kind_case() != TrialReply::kReady) {
      worker.begun = true;
      failed_starts_ = 0;
    }
    if (reply.has_progress()) {
      Report(worker, reply.progress());
    } else if (reply.has_ended()) {
      Ended(worker, reply.ended());
    }
  }

  void Report(const Worker& worker, const proto::sweep::TrialProgress& progress) {
    const ExperimentConfig config = ParseExperiment(plan_.trials[*worker.trial].config, plan_.name);
    double share = static_cast<double>(progress.samples()) / static_cast<double>(config.samples);
    if (config.seconds) {
      share = std::max(share, progress.wall_seconds() / *config.seconds);
    }
    progress_->Report(*worker.trial, share);
  }

  void Ended(Worker& worker, const proto::sweep::TrialEnded& ended) {
    if (ended.interrupted()) {
      Release(worker);
      worker.child.reset();  // who was told to stop, stays so
      return;
    }
    Finish(worker, ResultOf(ended));
  }

  void Died(Worker& worker, const std::string& how) {
    const bool was_ready = worker.ready;
    worker.child.reset();
    if (stopping_) {
      Release(worker);
      return;
    }
    if (!worker.begun) {
      // What ended the worker was not this trial.
      if (was_ready && !std::exchange(worker.sent_again, true)) {
        Send(worker);
        return;
      }
      Release(worker);
      if (++failed_starts_ == kMaxFailedStarts) {
        throw Error("a worker of the sweep cannot be started: it " + how);
      }
      return;
    }
    TrialResult result;
    result.state = TrialState::kCrashed;
    result.message = how;
    Finish(worker, result);
  }

  void Finish(Worker& worker, const TrialResult& result) {
    const std::size_t trial = *worker.trial;
    store_.Finish(KeyOf(worker), result);
    if (result.state == TrialState::kDone) {
      RemoveRun(trial);
    }
    progress_->Finish(trial, result.state == TrialState::kDone);
    worker.trial.reset();
  }

  void Release(Worker& worker) {
    store_.Release(KeyOf(worker));
    progress_->Drop(*worker.trial);
    waiting_.push_back(*worker.trial);
    worker.trial.reset();
  }

  void BeginToStop() {
    stopping_ = true;
    give_up_ = Clock::now() + kGrace;
    for (Worker& worker : workers_) {
      if (worker.child != nullptr) {
        // An end that sends no more asks for no more.
        shutdown(worker.child->socket(), SHUT_WR);
      }
    }
  }

  void CheckTime(Worker& worker) {
    if (stopping_ && Clock::now() > give_up_) {
      Died(worker, worker.child->Kill());
    } else if (!stopping_ && options_.trial_limit &&
               Clock::now() - worker.started > *options_.trial_limit) {
      static_cast<void>(worker.child->Kill());
      Died(worker, fmt::format("ran longer than its limit of {} s", options_.trial_limit->count()));
    }
  }

  const SweepPlan& plan_;
  SweepStore& store_;
  const SweepRunOptions& options_;
  const Console& console_;
  StopSignal stop_;
  std::list<std::size_t> waiting_;  ///< trials, as indices into the plan
  std::vector<Worker> workers_;
  std::optional<SweepProgress> progress_;
  bool stopping_ = false;
  Clock::time_point give_up_;
  Clock::time_point next_count_ = Clock::now() + kCountPeriod;
  int failed_starts_ = 0;
};

}  // namespace

SweepShard ParseShard(const std::string& text) {
  SweepShard shard;
  const char* const end = text.data() + text.size();
  const auto [slash, first] = std::from_chars(text.data(), end, shard.index);
  if (first == std::errc() && slash != end && *slash == '/') {
    const auto [stop, second] = std::from_chars(slash + 1, end, shard.count);
    if (second == std::errc() && stop == end && shard.index < shard.count) {
      return shard;
    }
  }
  throw InputError("shard: found '" + text +
                   "', expected i/n with i from 0 to n - 1 (Slurm: --array=0-7 for n = 8)");
}

SweepCounts CountTrials(const std::vector<StoredTrial>& trials, const SweepShard& shard) {
  SweepCounts counts;
  for (std::size_t i = shard.index; i < trials.size(); i += shard.count) {
    switch (trials[i].state) {
      case TrialState::kPending:
        ++counts.pending;
        break;
      case TrialState::kRunning:
        ++counts.running;
        break;
      case TrialState::kDone:
        ++counts.done;
        counts.infeasible += trials[i].feasible() ? 0 : 1;
        break;
      case TrialState::kFailed:
        ++counts.failed;
        break;
      case TrialState::kCrashed:
        ++counts.crashed;
        break;
    }
  }
  return counts;
}

std::string DescribeMissing(const SweepCounts& counts, std::string_view what, bool can_retry) {
  const std::size_t unsuccessful = counts.failed + counts.crashed;
  if (unsuccessful + counts.pending == 0) {
    return {};
  }
  std::string message =
      fmt::format("{} of {} {}: {} failed, {} crashed", unsuccessful + counts.pending,
                  counts.total(), what, counts.failed, counts.crashed);
  if (unsuccessful > 0 && can_retry) {
    message += " (--retry runs them again)";
  }
  if (counts.pending > 0) {
    message += fmt::format(", {} pending (the same command runs them)", counts.pending);
  }
  return message;
}

void WarnOfRepeated(const SweepPlan& plan, std::string_view what, const Console& console) {
  if (plan.repeated > 0) {
    console.err << fmt::format(
        "placer: warning: {} {} are left out: they have the same config as earlier ones\n",
        plan.repeated, what);
  }
}

void RunSweep(const SweepPlan& plan, SweepStore& store, const SweepRunOptions& options,
              const Console& console) {
  MakeFolder(plan.output_dir);
  Run(plan, store, options, console).Loop();
}

}  // namespace placer
