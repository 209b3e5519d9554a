#include "runner/torch/detail/replay_engine.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "cost_model/device_list.h"
#include "graphs/base/error.h"
#include "runner/step_worker.h"
#include "runner/torch/detail/device_memory.h"
#include "runner/torch/detail/gpu.h"
#include "runner/torch/detail/host_threads.h"
#include "runner/torch/detail/model_step.h"
#include "runner/torch/detail/op_runner.h"
#include "runner/torch/detail/run_record.h"
#include "runner/torch/detail/work_queue.h"

namespace placer::detail {
namespace {

using Clock = std::chrono::steady_clock;

struct EngineDevice {
  std::string name;
  c10::Device where{c10::kCPU};
  int core = -1;  ///< of a host device
  WorkQueue queue;
  std::thread worker;
  RunRecord record;
  /// What a GPU was given and has not finished, as far as its worker knows; oldest first.
  struct InFlight {
    GpuEvent end;
    std::uint32_t op = 0;
  };
  std::deque<InFlight> in_flight;
  bool ran = false;  ///< anything in this step
};

/// So many ops a GPU is given at a time: launching one is hidden behind the other. With more, what
/// becomes ready meanwhile would run behind ops that it became ready before.
constexpr std::size_t kInFlight = 2;

}  // namespace

struct ReplayEngine::State {
  State(const Program& the_program, const Graph& the_graph)
      : program(the_program), graph(the_graph), waits(graph.num_ops()), cells(graph.num_tensors()) {
    runners.reserve(program.ops.size());
    for (const ProgramOp& op : program.ops) {
      runners.emplace_back(op);
    }
  }

  const Program& program;
  const Graph& graph;
  std::vector<std::unique_ptr<EngineDevice>> devices;
  std::vector<OpRunner> runners;
  std::vector<std::uint32_t> home;  ///< device of each resident
  ReplayPlan plan;
  bool shared = false;

  // One run.
  std::vector<std::atomic<std::uint32_t>> waits;  ///< by op
  std::vector<std::atomic<std::uint32_t>> uses;   ///< by cell
  std::vector<at::Tensor> cells;
  std::vector<std::atomic<std::int64_t>> requested;  ///< by copy, ns from the start
  std::atomic<std::size_t> num_left{0};
  bool record = false;
  StepContent* content = nullptr;
  Clock::time_point start, end;

  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t run_number = 0;
  std::size_t num_active = 0;  ///< workers in the present run
  bool stop = false;
  std::string fault;
  bool fault_is_memory = false;

  [[nodiscard]] Picoseconds Now() const {
    return std::chrono::duration_cast<Picoseconds>(Clock::now() - start);
  }
  [[nodiscard]] WorkQueue& QueueOf(std::uint32_t device) {
    return devices[shared ? 0 : device]->queue;
  }

  void Work(std::size_t index);
  [[nodiscard]] std::optional<WorkQueue::Item> Next(EngineDevice& device, WorkQueue& queue);
  void RunOp(std::uint32_t op, std::size_t device);
  void RunCopy(std::uint32_t copy, std::size_t device);
  [[nodiscard]] ExecutedTrace TakeTrace();
  void Signal(std::span<const std::uint32_t> ops, std::span<const std::uint32_t> copies);
  void Release(std::uint32_t cell);
  void KeepContent(const ProgramOp& op, std::uint32_t first_output);
  void KeepResidents();
  void Fail(const std::string& what, bool is_memory);
  void CloseAll();
  void Reset();
  void Launch();
};

void ReplayEngine::State::Work(std::size_t index) {
  EngineDevice& device = *devices[index];
  std::optional<CoreScope> core;
  if (device.core >= 0) {
    core.emplace(std::vector<int>{device.core});
  }
  std::vector<c10::Device> all;
  for (const auto& each : devices) {
    all.push_back(each->where);
  }
  const GpuScope gpu(device.where, all);
  DeviceMemory::SetDevice(index);
  at::init_num_threads();
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  const c10::AutoGradMode no_grad(false);
  for (std::uint64_t last = 0;;) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return stop || run_number != last; });
      if (stop) {
        return;
      }
      last = run_number;
    }
    WorkQueue& queue = QueueOf(static_cast<std::uint32_t>(index));
    std::string doing;
    try {
      if (record) {
        device.record.Start(device.where, [this] { return Now(); });
      }
      device.ran = false;
      device.in_flight.clear();
      while (const auto item = Next(device, queue)) {
        device.ran = true;
        if (item->is_copy) {
          doing = graph.op(graph.tensor(TensorId(plan.copies[item->index].tensor)).producer).name;
          RunCopy(item->index, index);
        } else {
          doing.clear();
          RunOp(item->index, index);
        }
      }
      doing.clear();
      WaitForGpu(device.where);
    } catch (const std::exception& error) {
      const std::string where = doing.empty() ? "" : "copy of '" + doing + "': ";
      Fail(where + OneLine(error), IsOutOfMemory(error));
    }
    const std::lock_guard lock(mutex);
    if (!device.where.is_cpu() && device.ran) {
      end = std::max(end, Clock::now());
    }
    if (--num_active == 0) {
      changed.notify_all();
    }
  }
}

/// Tells other devices what a GPU has finished, and takes the next item when it has room for one.
std::optional<WorkQueue::Item> ReplayEngine::State::Next(EngineDevice& device, WorkQueue& queue) {
  while (!device.in_flight.empty()) {
    const EngineDevice::InFlight oldest = device.in_flight.front();
    if (oldest.end.done()) {
      device.in_flight.pop_front();
      Signal(plan.ops[oldest.op].next_elsewhere, plan.ops[oldest.op].copies);
      continue;
    }
    if (queue.closed()) {
      return std::nullopt;
    }
    if (device.in_flight.size() < kInFlight) {
      if (const auto item = queue.TryPop()) {
        return item;
      }
    }
    std::this_thread::yield();
  }
  return queue.Pop();
}

void ReplayEngine::State::RunOp(std::uint32_t index, std::size_t device) {
  const ReplayPlan::OpPlan& op = plan.ops[index];
  const std::size_t own = index - program.residents.size();
  const auto first_output = static_cast<std::uint32_t>(graph.first_output(OpId(index)).index());
  EngineDevice& here = *devices[device];
  try {
    if (record) {
      here.record.Begin();
    }
    runners[own].Run(cells, op.cells, first_output, here.where);
  } catch (const std::exception& error) {
    const std::string where = "op '" + program.ops[own].name + "': ";
    if (IsOutOfMemory(error)) {
      throw WorkerError(StepOutcome::kOutOfMemory, where + "out of memory");
    }
    throw Error(where + OneLine(error));
  }
  if (content != nullptr) {
    KeepContent(program.ops[own], first_output);
  }
  if (record) {
    here.record.EndOp(OpId(index), DeviceId(device));
  }
  if (here.where.is_cpu()) {
    Signal(op.next_elsewhere, op.copies);
  } else {
    here.in_flight.push_back({GpuEvent::Record(here.where, /*timed=*/false), index});
  }
  Signal(op.next, {});
  for (const std::uint32_t cell : op.releases) {
    Release(cell);
  }
  if (num_left.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    end = Clock::now();
    CloseAll();
  }
}

void ReplayEngine::State::RunCopy(std::uint32_t index, std::size_t device) {
  const ReplayPlan::Copy& copy = plan.copies[index];
  EngineDevice& here = *devices[device];
  if (record) {
    here.record.Begin();
  }
  cells[copy.cell] = CopyAcross(cells[copy.tensor], here.where);
  if (record) {
    here.record.EndCopy({.payload = copy.tensor,
                         .from = DeviceId(copy.from),
                         .to = DeviceId(copy.to),
                         .bytes = graph.tensor(TensorId(copy.tensor)).bytes,
                         .requested = Picoseconds(requested[index].load() * 1000)});
  }
  Signal(copy.consumers, {});
  if (plan.cell_uses[copy.tensor] > 0) {
    Release(copy.tensor);
  }
}

ExecutedTrace ReplayEngine::State::TakeTrace() {
  ExecutedTrace trace;
  for (const auto& device : devices) {
    device->record.TakeGpuTimes();
    std::ranges::copy(device->record.ops(), std::back_inserter(trace.ops));
    std::ranges::copy(device->record.copies(), std::back_inserter(trace.copies));
  }
  std::ranges::stable_sort(trace.ops, {}, &Trace::OpRun::start);
  std::ranges::stable_sort(trace.copies, {}, &ExecutedTrace::Copy::start);
  return trace;
}

void ReplayEngine::State::Signal(std::span<const std::uint32_t> ops,
                                 std::span<const std::uint32_t> copies) {
  // Few devices: what is ready, device by device, in order of index.
  thread_local std::vector<std::pair<std::uint32_t, std::uint32_t>> ready;
  thread_local std::vector<std::uint32_t> batch_ops, batch_copies;
  ready.clear();
  for (const std::uint32_t op : ops) {
    if (waits[op].fetch_sub(1, std::memory_order_acq_rel) == 1) {
      ready.emplace_back(plan.ops[op].device, op);
    }
  }
  if (record) {
    for (const std::uint32_t copy : copies) {
      requested[copy] = std::chrono::duration_cast<std::chrono::nanoseconds>(Now()).count();
    }
  }
  for (std::uint32_t device = 0; device < devices.size(); ++device) {
    batch_ops.clear();
    batch_copies.clear();
    for (const auto& [where, op] : ready) {
      if (where == device) {
        batch_ops.push_back(op);
      }
    }
    for (const std::uint32_t copy : copies) {
      if (plan.copies[copy].to == device) {
        batch_copies.push_back(copy);
      }
    }
    QueueOf(device).Push(batch_ops, batch_copies);
  }
}

void ReplayEngine::State::Release(std::uint32_t cell) {
  if (uses[cell].fetch_sub(1, std::memory_order_acq_rel) == 1) {
    cells[cell] = at::Tensor();
  }
}

void ReplayEngine::State::KeepContent(const ProgramOp& op, std::uint32_t first_output) {
  const std::size_t num_outputs = op.results.size() + op.passes.size();
  for (std::uint32_t slot = first_output; slot < first_output + num_outputs; ++slot) {
    if (program.slots[slot].hash) {
      content->hashes[slot] = HashOf(cells[slot]);
    }
    const auto keep = [&](const std::vector<StepOutput>& wanted, std::vector<at::Tensor>& to) {
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].slot == slot) {
          to[i] = cells[slot];
        }
      }
    };
    keep(program.outputs, content->outputs);
    keep(program.gradients, content->gradients);
  }
}

/// What the step left in residents, and those that the model returns as they were: no op makes
/// such an output.
void ReplayEngine::State::KeepResidents() {
  for (std::size_t r = 0; r < program.residents.size(); ++r) {
    if (program.residents[r].written) {
      content->residents[r] = cells[r];
    }
  }
  const auto keep = [&](const std::vector<StepOutput>& wanted, std::vector<at::Tensor>& to) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i].slot < program.residents.size()) {
        to[i] = cells[wanted[i].slot];
      }
    }
  };
  keep(program.outputs, content->outputs);
  keep(program.gradients, content->gradients);
}

void ReplayEngine::State::Fail(const std::string& what, bool is_memory) {
  {
    const std::lock_guard lock(mutex);
    if (fault.empty()) {
      fault = what;
      fault_is_memory = is_memory;
    }
  }
  CloseAll();
}

void ReplayEngine::State::CloseAll() {
  for (const auto& device : devices) {
    device->queue.Close();
  }
}

/// Everything as at the start of the step.
void ReplayEngine::State::Reset() {
  cells.resize(plan.cell_uses.size());
  for (std::size_t i = program.residents.size(); i < cells.size(); ++i) {
    cells[i] = at::Tensor();
  }
  for (std::size_t r = 0; r < program.residents.size(); ++r) {
    const Resident& resident = program.residents[r];
    const std::uint32_t device = plan.ops[r].device;
    const c10::Device where = devices[device]->where;
    if (!cells[r].defined() || cells[r].device() != where) {
      DeviceMemory::SetDevice(device);
      cells[r] = CopyWithLayout(resident.initial, where);
      DeviceMemory::SetDevice(DeviceMemory::kMaxDevices);
    } else if (resident.written) {
      CopyInto(resident.initial, cells[r]);
    }
    if (home[r] != device && where.is_cpu()) {
      DeviceMemory::Move(cells[r].storage().data(), device);
    }
    home[r] = device;
  }
  for (std::size_t i = 0; i < waits.size(); ++i) {
    waits[i] = plan.ops[i].num_waits;
  }
  for (std::size_t i = 0; i < uses.size(); ++i) {
    uses[i] = plan.cell_uses[i];
  }
  num_left = plan.num_runs;
  fault.clear();
  for (const auto& device : devices) {
    device->queue.Open();
    ResetPeakOf(device->where);
    WaitForGpu(device->where);
  }
  DeviceMemory::ResetPeaks();
}

void ReplayEngine::State::Launch() {
  start = Clock::now();
  {
    const std::lock_guard lock(mutex);
    for (const std::uint32_t op : plan.first_ops) {
      ++waits[op];  // Signal() counts one down
    }
    num_active = devices.size();
    ++run_number;
  }
  Signal(plan.first_ops, plan.first_copies);
  if (plan.num_runs == 0) {  // there is no last op that would end the step
    end = Clock::now();
    CloseAll();
  }
  changed.notify_all();
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return num_active == 0; });
}

ReplayEngine::ReplayEngine(const Program& program, const Graph& graph,
                           const std::vector<std::string>& devices)
    : state_(std::make_unique<State>(program, graph)) {
  std::string list;
  for (const std::string& name : devices) {
    list += (list.empty() ? "" : ",") + name;
  }
  for (const std::string& name : ParseDeviceList(list)) {
    auto device = std::make_unique<EngineDevice>();
    device->name = name;
    const int number = std::stoi(name.substr(name.find(':') + 1));
    if (name.starts_with("cuda")) {
      device->where = FindGpu(number);
    } else {
      device->core = number;
    }
    state_->devices.push_back(std::move(device));
  }
  if (state_->devices.size() > DeviceMemory::kMaxDevices) {
    throw InputError("devices: found " + std::to_string(state_->devices.size()) +
                     ", expected at most " + std::to_string(DeviceMemory::kMaxDevices));
  }
  DeviceMemory::Install();
  SetIntraOpThreads(1);
  state_->home.assign(program.residents.size(), 0);
  for (std::size_t i = 0; i < state_->devices.size(); ++i) {
    state_->devices[i]->worker = std::thread([this, i] { state_->Work(i); });
  }
}

ReplayEngine::~ReplayEngine() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->changed.notify_all();
  for (const auto& device : state_->devices) {
    if (device->worker.joinable()) {
      device->worker.join();
    }
  }
}

void ReplayEngine::Place(const Placement& placement, bool shared) {
  State& state = *state_;
  state.shared = shared;
  state.plan = MakeReplayPlan(state.graph, placement, state.devices.size());
  state.uses = std::vector<std::atomic<std::uint32_t>>(state.plan.cell_uses.size());
  state.requested = std::vector<std::atomic<std::int64_t>>(state.plan.copies.size());
}

ExecutedStep ReplayEngine::Run(bool record, StepContent* content) {
  State& state = *state_;
  state.record = record;
  state.content = content;
  if (content != nullptr) {
    content->hashes.assign(state.graph.num_tensors(), std::nullopt);
    content->outputs.assign(state.program.outputs.size(), {});
    content->gradients.assign(state.program.gradients.size(), {});
    content->residents.assign(state.program.residents.size(), {});
  }
  state.Reset();
  state.Launch();
  if (!state.fault.empty()) {
    if (state.fault_is_memory) {
      throw WorkerError(StepOutcome::kOutOfMemory, state.fault);
    }
    throw Error(state.fault);
  }
  ExecutedStep step{.time = state.end - state.start};
  for (std::size_t i = 0; i < state.devices.size(); ++i) {
    step.peak_bytes.push_back(PeakBytesOf(state.devices[i]->where, i));
  }
  if (content != nullptr) {
    state.KeepResidents();
  }
  if (record) {
    step.trace = state.TakeTrace();
  }
  return step;
}

bool ReplayEngine::has_gpu() const {
  return std::ranges::any_of(state_->devices,
                             [](const auto& device) { return !device->where.is_cpu(); });
}

std::vector<int> ReplayEngine::cores() const {
  std::vector<int> cores;
  for (const auto& device : state_->devices) {
    if (device->core >= 0) {
      cores.push_back(device->core);
    }
  }
  return cores;
}

}  // namespace placer::detail
