#include "runner/worker_loop.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <new>

#include "graphs/base/error.h"
#include "graphs/graph_io.h"
#include "runner/detail/worker_messages.h"
#include "runner/message_pipe.h"
#include "runner/step_worker.h"

namespace placer {
namespace {

using detail::FromMessage;
using detail::ToMessage;

class Server {
 public:
  explicit Server(const StepExecutorFactory& make_executor) : make_executor_(make_executor) {}

  [[nodiscard]] detail::WorkerReply Answer(const detail::WorkerRequest& request) {
    detail::WorkerReply reply;
    try {
      Handle(request, reply);
    } catch (const InputError& error) {
      SetFault(reply, error.what());
      reply.mutable_fault()->set_input(true);
    } catch (const WorkerError& error) {
      SetFault(reply, error.what());
      reply.mutable_fault()->set_out_of_memory(error.outcome() == StepOutcome::kOutOfMemory);
    } catch (const std::bad_alloc&) {
      SetFault(reply, "out of memory");
      reply.mutable_fault()->set_out_of_memory(true);
    } catch (const std::exception& error) {
      SetFault(reply, error.what());
    }
    return reply;
  }

 private:
  static void SetFault(detail::WorkerReply& reply, const std::string& text) {
    reply.mutable_fault()->set_text(text);
  }

  void Handle(const detail::WorkerRequest& request, detail::WorkerReply& reply) {
    if (request.has_load()) {
      executor_ = make_executor_(FromMessage(request.load()));
      reply.mutable_loaded()->set_graph(GraphToBytes(executor_->graph()));
      for (const std::string& warning : executor_->warnings()) {
        reply.mutable_loaded()->add_warnings(warning);
      }
      return;
    }
    if (executor_ == nullptr) {
      throw Error("the worker was asked for a step before it had a model");
    }
    switch (request.kind_case()) {
      case detail::WorkerRequest::kMeasure:
        Measure(request.measure(), *reply.mutable_measured());
        break;
      case detail::WorkerRequest::kVerify:
        Verify(request.verify(), *reply.mutable_verified());
        break;
      case detail::WorkerRequest::kWriteOutputs:
        for (const auto& file :
             executor_->WriteOutputs(FromMessage(request.write_outputs().device_of_op()),
                                     request.write_outputs().folder())) {
          reply.mutable_written()->add_files(file.string());
        }
        break;
      default:
        throw Error("the worker was asked for something it does not know");
    }
  }

  void Measure(const proto::worker::Measure& measure, proto::worker::Measured& to) {
    const StepPlan plan = FromMessage(measure.plan());
    for (int i = 0; i < measure.warmup(); ++i) {
      executor_->Run(plan, /*record=*/false);
    }
    std::vector<std::int64_t> peak;
    for (int i = 0; i < measure.repeats(); ++i) {
      const ExecutedStep step = executor_->Run(plan, measure.record());
      to.add_seconds(step.time.count());
      peak.resize(std::max(peak.size(), step.peak_bytes.size()));
      for (std::size_t d = 0; d < step.peak_bytes.size(); ++d) {
        peak[d] = std::max(peak[d], step.peak_bytes[d]);
      }
      if (step.trace) {
        ToMessage(*step.trace, *to.add_traces());
      }
    }
    to.mutable_peak_bytes()->Assign(peak.begin(), peak.end());
  }

  void Verify(const proto::worker::Verify& verify, proto::worker::Verified& to) {
    const std::optional<StepMismatch> mismatch =
        executor_->Verify(FromMessage(verify.device_of_op()));
    to.set_equal(!mismatch);
    if (mismatch) {
      to.set_op(mismatch->op);
      to.set_what(mismatch->what);
    }
  }

  const StepExecutorFactory& make_executor_;
  std::unique_ptr<StepExecutor> executor_;
};

}  // namespace

int RunWorkerLoop(int socket, const StepExecutorFactory& make_executor) {
  Server server(make_executor);
  for (;;) {
    detail::WorkerRequest request;
    if (!ReceiveMessage(socket, request)) {
      return 0;
    }
    if (!SendMessage(socket, server.Answer(request))) {
      return 0;
    }
  }
}

}  // namespace placer
