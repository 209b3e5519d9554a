#include "experiments/sweep/sweep_worker.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <sstream>
#include <thread>

#include "cost_model/placement_io.h"
#include "experiments/detail/sweep_worker.pb.h"
#include "experiments/experiment_config.h"
#include "experiments/experiment_run.h"
#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "placer/auto_placer.h"
#include "runner/message_pipe.h"
#include "runner/stop_signal.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using proto::sweep::TrialEnded;
using proto::sweep::TrialReply;
using proto::sweep::TrialRequest;

constexpr std::chrono::milliseconds kProgressPeriod{500};

class Server {
 public:
  Server(int socket, std::stop_token stop) : socket_(socket), stop_(std::move(stop)) {}

  [[nodiscard]] TrialEnded Answer(const TrialRequest& request) {
    TrialEnded ended;
    try {
      Run(request, ended);
    } catch (const std::bad_alloc&) {
      Forget();
      Fail("out of memory", ended);
    } catch (const std::exception& error) {
      Forget();
      Fail(error.what(), ended);
    }
    return ended;
  }

 private:
  /// What a trial leaves when it throws, the next one must not find.
  void Forget() {
    execution_.reset();
    problem_.clear();
  }

  void Fail(const std::string& why, TrialEnded& ended) const {
    ended.Clear();
    ended.set_interrupted(stop_.stop_requested());
    ended.set_failed(true);
    ended.set_message(ValidUtf8(why));
  }

  void Run(const TrialRequest& request, TrialEnded& ended) {
    const ExperimentConfig config = ParseExperiment(request.config(), "trial");
    // Progress and warnings would end up where a crash's last words are looked for.
    std::ostringstream unseen;
    const Console console{unseen, unseen, /*err_is_terminal=*/false, stop_};
    if (execution_ == nullptr || request.problem() != problem_) {
      Forget();  // before the next one takes its memory
      execution_ =
          std::make_unique<Execution>(config.model, config.problem, config.execution, console);
      problem_ = request.problem();
    }
    const RunDirectory directory(config, /*resume=*/true);
    ExperimentRun run(config, registry_, directory, *execution_);
    run.Observe([this](Seed, const Progress& progress) { Report(progress); });
    run.RunSeeds(console, /*jobs=*/1);
    if (request.write_report()) {
      static_cast<void>(run.WriteReport());
    }
    if (run.results().empty()) {
      Fail("out of time before the first sample", ended);
      return;
    }
    Describe(run.results().front(), directory.SeedPath(config.seeds.front()), ended);
  }

  void Report(const Progress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_report_ < kProgressPeriod) {
      return;
    }
    last_report_ = now;
    TrialReply reply;
    reply.mutable_progress()->set_samples(progress.samples);
    reply.mutable_progress()->set_wall_seconds(progress.wall.count());
    // If the other end is gone, so is this process soon.
    static_cast<void>(SendMessage(socket_, reply));
  }

  void Describe(const nlohmann::ordered_json& result, const fs::path& folder, TrialEnded& ended) {
    const Workbench& bench = execution_->bench();
    auto& metrics = *ended.mutable_metrics();
    const bool feasible = result.at("feasible").get<bool>();
    ended.set_interrupted(result.at("interrupted").get<bool>());
    ended.set_message(ValidUtf8(result.at("note").get<std::string>()));
    metrics["feasible"] = feasible ? 1 : 0;
    for (const char* name : {"samples", "unique_samples", "wall_seconds"}) {
      metrics[name] = result.at(name).get<double>();
    }
    if (feasible) {
      metrics["step_time_seconds"] = result.at("step_time_seconds").get<double>();
      metrics["gap_limit"] = result.at("gap_limit").get<double>();
    }
    metrics["bound_seconds"] = ToSeconds(bench.bound()).count();
    metrics["ops"] = static_cast<double>(bench.graph().num_ops());
    metrics["groups"] = static_cast<double>(bench.problem().num_groups());
    metrics["devices"] = static_cast<double>(bench.cluster().num_devices());
    for (const auto& point : result.at("curve")) {
      ended.add_curve_samples(point.at(0).get<std::int64_t>());
      ended.add_curve_seconds(point.at(1).get<double>());
    }
    const SavedPlacement saved = ReadPlacement(folder / "placement.txtpb");
    DescribePlan(Restore(saved, bench.graph(), bench.cluster()), ended);
    ended.set_placement(PlacementToBytes(saved));
  }

  /// Memory as the simulator sees it, and how many devices have something to do.
  void DescribePlan(const Placement& placement, TrialEnded& ended) const {
    const StepReport report = execution_->bench().runner().Run(placement);
    std::int64_t largest = 0, total = 0;
    for (const std::int64_t bytes : report.peak_bytes) {
      largest = std::max(largest, bytes);
      total += bytes;
    }
    std::vector<bool> used(execution_->bench().cluster().num_devices(), false);
    for (std::size_t op = 0; op < execution_->bench().graph().num_ops(); ++op) {
      used[placement.device(OpId(op)).index()] = true;
    }
    auto& metrics = *ended.mutable_metrics();
    metrics["peak_bytes"] = static_cast<double>(largest);
    metrics["total_peak_bytes"] = static_cast<double>(total);
    metrics["devices_used"] = static_cast<double>(std::count(used.begin(), used.end(), true));
  }

  int socket_;
  std::stop_token stop_;
  PlacerRegistry registry_ = LibraryPlacers();
  std::unique_ptr<Execution> execution_;
  std::string problem_;
  std::chrono::steady_clock::time_point last_report_;
};

}  // namespace

int RunSweepWorker(int socket, const std::stop_token& stop) {
  std::stop_source source;
  const std::stop_callback from_signal(stop, [&source] { source.request_stop(); });
  const std::jthread watcher([&](const std::stop_token& finished) {
    const StopSignal end(finished);
    pollfd ready[] = {{socket, POLLRDHUP, 0}, {end.fd(), POLLIN, 0}};
    while (poll(ready, 2, -1) < 0 && errno == EINTR) {
    }
    source.request_stop();
  });
  Server server(socket, source.get_token());
  TrialReply hello;
  hello.set_ready(true);
  if (!SendMessage(socket, hello)) {
    return 0;
  }
  for (;;) {
    TrialRequest request;
    if (!ReceiveMessage(socket, request)) {
      return 0;
    }
    TrialReply begun;
    begun.set_begun(true);
    if (!SendMessage(socket, begun)) {
      return 0;
    }
    TrialReply reply;
    *reply.mutable_ended() = server.Answer(request);
    if (!SendMessage(socket, reply)) {
      return 0;
    }
  }
}

}  // namespace placer
