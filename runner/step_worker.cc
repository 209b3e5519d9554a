#include "runner/step_worker.h"

#include <dlfcn.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cost_model/cluster.h"
#include "cost_model/device_list.h"
#include "graphs/base/replace_file.h"
#include "graphs/graph_io.h"
#include "runner/child_process.h"
#include "runner/detail/worker_messages.h"
#include "runner/message_pipe.h"
#include "runner/stop_signal.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using BufferState = MessageBuffer::State;

/// How often the process's memory is looked at: seldom enough not to disturb it, often enough that
/// it cannot take much more than its limit (pages are touched at some GB/s).
constexpr int kWatchMilliseconds = 50;
constexpr double kMemoryShare = 0.8;
/// Checking a placement runs the step a few times and compares tensors.
constexpr int kStepsOfVerify = 10;

/// Beside the program in a build and for the installed command; else in the `bin` of the prefix
/// that the library with this code was installed in, such as libplacer.so or the Python module.
fs::path FindWorker(const fs::path& given) {
  if (!given.empty()) {
    return given;
  }
  if (const char* path = std::getenv("PLACER_WORKER"); path != nullptr && *path != '\0') {
    return path;
  }
  std::error_code ignored;
  const fs::path beside =
      fs::read_symlink("/proc/self/exe", ignored).parent_path() / "placer_worker";
  Dl_info library{};
  if (!fs::exists(beside, ignored) &&
      dladdr(reinterpret_cast<const void*>(&FindWorker), &library) != 0) {
    fs::path folder = fs::absolute(library.dli_fname, ignored).parent_path();
    constexpr int kDeepest = 5;  // PREFIX/lib/ARCHITECTURE/python3.11/site-packages/placer
    for (int level = 0; level < kDeepest; ++level) {
      folder = folder.parent_path();
      if (fs::exists(folder / "bin" / "placer_worker", ignored)) {
        return folder / "bin" / "placer_worker";
      }
    }
  }
  return beside;
}

/// The running process and the conversation with it.
class Process {
 public:
  Process(const fs::path& program, const WorkerOptions& options_in)
      : options(options_in), child(program) {}

  /// @throws WorkerError; the process is ended then
  detail::WorkerReply Call(const detail::WorkerRequest& request, Seconds limit) {
    const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
    MessageBuffer buffer;
    if (!SendMessage(child.socket(), request)) {
      Fail(StepOutcome::kFailed, "the process that executes the model");
    }
    for (;;) {
      switch (Wait(deadline) ? buffer.Read(child.socket()) : BufferState::kPartial) {
        case BufferState::kComplete: {
          detail::WorkerReply reply;
          if (!buffer.Parse(reply)) {
            Fail(StepOutcome::kFailed, "the process that executes the model sent no answer and");
          }
          return reply;
        }
        case BufferState::kClosed:
          Fail(StepOutcome::kFailed, "the process that executes the model");
        case BufferState::kPartial:
          break;
      }
      Check(deadline, limit);
    }
  }

  /// @return whether there is something to read
  [[nodiscard]] bool Wait(Clock::time_point deadline) const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    std::array<pollfd, 2> ready{{{child.socket(), POLLIN, 0}, {stop.fd(), POLLIN, 0}}};
    const int timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, kWatchMilliseconds));
    return poll(ready.data(), ready.size(), timeout) > 0 && ready[0].revents != 0;
  }

  void Check(Clock::time_point deadline, Seconds limit) {
    if (options.stop.stop_requested()) {
      static_cast<void>(child.Kill());
      throw WorkerError(StepOutcome::kInterrupted, "interrupted while a step was executed");
    }
    if (const std::int64_t resident = child.ResidentBytes(); resident > memory_limit) {
      static_cast<void>(child.Kill());
      throw WorkerError(StepOutcome::kOutOfMemory, "the process that executes the model held " +
                                                       FormatBytes(resident) + ", its limit is " +
                                                       FormatBytes(memory_limit));
    }
    if (Clock::now() >= deadline) {
      static_cast<void>(child.Kill());
      throw WorkerError(StepOutcome::kTimedOut,
                        "no answer from the process that executes the model within " +
                            std::to_string(limit.count()) + " s");
    }
  }

  [[noreturn]] void Fail(StepOutcome outcome, const std::string& who) {
    throw WorkerError(outcome, who + " " + child.Kill());
  }

  const WorkerOptions& options;
  std::int64_t memory_limit = options.memory_limit_bytes > 0 ? options.memory_limit_bytes
                                                             : DefaultMemoryLimit();
  StopSignal stop{options.stop};
  ChildProcess child;
};

[[noreturn]] void ThrowFault(const proto::worker::Fault& fault) {
  if (fault.input()) {
    throw InputError(fault.text());
  }
  throw WorkerError(fault.out_of_memory() ? StepOutcome::kOutOfMemory : StepOutcome::kFailed,
                    fault.text());
}

/// What ReplaceFile() had begun in a process that was ended meanwhile.
void RemoveTemporaries(const fs::path& folder, pid_t writer) {
  const std::string ending = TemporarySuffix(writer);
  std::vector<fs::path> found;
  std::error_code ignored;
  for (fs::directory_iterator each(folder, ignored), end; each != end; each.increment(ignored)) {
    if (each->path().filename().string().ends_with(ending)) {
      found.push_back(each->path());
    }
  }
  for (const fs::path& path : found) {
    fs::remove(path, ignored);
  }
}

}  // namespace

struct StepWorker::State {
  void Start();
  detail::WorkerReply Ask(const detail::WorkerRequest& request, int steps);

  StepSource source;
  WorkerOptions options;
  std::unique_ptr<Process> process;
  Graph graph;
  std::vector<std::string> warnings;
  int num_starts = 0;
};

void StepWorker::State::Start() {
  auto fresh = std::make_unique<Process>(options.program, options);
  ++num_starts;
  detail::WorkerRequest request;
  detail::ToMessage(source, *request.mutable_load());
  const detail::WorkerReply reply = fresh->Call(request, options.load_limit);
  if (reply.has_fault()) {
    ThrowFault(reply.fault());
  }
  Graph loaded = GraphFromBytes(reply.loaded().graph());
  if (num_starts == 1) {
    graph = std::move(loaded);
    warnings.assign(reply.loaded().warnings().begin(), reply.loaded().warnings().end());
  } else if (loaded.fingerprint() != graph.fingerprint()) {
    throw WorkerError(StepOutcome::kFailed,
                      source.model.string() + ": was captured as another graph than before");
  }
  process = std::move(fresh);
}

detail::WorkerReply StepWorker::State::Ask(const detail::WorkerRequest& request, int steps) {
  if (process == nullptr) {
    Start();
  }
  try {
    detail::WorkerReply reply = process->Call(request, options.time_limit * std::max(steps, 1));
    if (reply.has_fault()) {
      ThrowFault(reply.fault());
    }
    return reply;
  } catch (const WorkerError&) {
    process.reset();  // even where it answered: a step that failed may have left anything behind
    throw;
  }
}

StepWorker::StepWorker(StepSource source, WorkerOptions options)
    : state_(std::make_unique<State>()) {
  state_->source = std::move(source);
  state_->options = std::move(options);
  state_->options.program = FindWorker(state_->options.program);
  state_->Start();
}
StepWorker::~StepWorker() = default;

const StepSource& StepWorker::source() const noexcept { return state_->source; }
const Graph& StepWorker::graph() const noexcept { return state_->graph; }
const std::vector<std::string>& StepWorker::warnings() const noexcept { return state_->warnings; }
int StepWorker::num_starts() const noexcept { return state_->num_starts; }
Seconds StepWorker::time_limit() const noexcept { return state_->options.time_limit; }
void StepWorker::set_time_limit(Seconds limit) noexcept { state_->options.time_limit = limit; }
pid_t StepWorker::pid() const noexcept {
  return state_->process == nullptr ? 0 : state_->process->child.pid();
}
void StepWorker::Restart() { state_->process.reset(); }

bool IsTorchScriptFile(const fs::path& path) {
  std::array<char, 4> magic{};
  std::ifstream file(path, std::ios::binary);
  return file.read(magic.data(), magic.size()) && std::string_view(magic.data(), 4) == "PK\x03\x04";
}

std::int64_t DefaultMemoryLimit() {
  return static_cast<std::int64_t>(kMemoryShare * static_cast<double>(DetectHost().memory_bytes));
}

MeasuredSteps StepWorker::Measure(const StepPlan& plan, int warmup, int repeats, bool record) {
  detail::WorkerRequest request;
  proto::worker::Measure& measure = *request.mutable_measure();
  detail::ToMessage(plan, *measure.mutable_plan());
  measure.set_warmup(warmup);
  measure.set_repeats(repeats);
  measure.set_record(record);
  const detail::WorkerReply reply = state_->Ask(request, warmup + repeats);
  MeasuredSteps steps;
  for (const double seconds : reply.measured().seconds()) {
    steps.times.emplace_back(seconds);
  }
  steps.peak_bytes.assign(reply.measured().peak_bytes().begin(),
                          reply.measured().peak_bytes().end());
  for (const proto::worker::Trace& trace : reply.measured().traces()) {
    steps.traces.push_back(detail::FromMessage(trace));
  }
  return steps;
}

std::optional<StepMismatch> StepWorker::Verify(const Placement& placement) {
  detail::WorkerRequest request;
  detail::ToMessage(placement, *request.mutable_verify()->mutable_device_of_op());
  const detail::WorkerReply reply = state_->Ask(request, kStepsOfVerify);
  if (reply.verified().equal()) {
    return std::nullopt;
  }
  return StepMismatch{reply.verified().op(), reply.verified().what()};
}

std::vector<fs::path> StepWorker::WriteOutputs(const Placement& placement, const fs::path& folder) {
  detail::WorkerRequest request;
  detail::ToMessage(placement, *request.mutable_write_outputs()->mutable_device_of_op());
  request.mutable_write_outputs()->set_folder(folder.string());
  if (state_->process == nullptr) {
    state_->Start();
  }
  const pid_t writer = pid();
  try {
    const detail::WorkerReply reply = state_->Ask(request, kStepsOfVerify);
    return {reply.written().files().begin(), reply.written().files().end()};
  } catch (const WorkerError&) {  // it has ended
    RemoveTemporaries(folder, writer);
    throw;
  }
}

}  // namespace placer
