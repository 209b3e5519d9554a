#include "runner/torch/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <new>
#include <set>
#include <stdexcept>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/rng.h"
#include "graphs/graph_io.h"
#include "runner/step_worker.h"
#include "runner/torch/detail/aten_costs.h"
#include "runner/torch/detail/captured_state.h"
#include "runner/torch/detail/graph_of_program.h"
#include "runner/torch/detail/op_runner.h"
#include "tests/runner/torch/step_models.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using ::testing::HasSubstr;

struct ModelCase {
  const char* name;
  torch::jit::Module (*make)();
  const char* input;
};
const ModelCase kModels[] = {
    {"lstm", &testing_support::LstmLanguageModel, "int64[3,6]<50"},
    {"transformer", &testing_support::TransformerEncoder, "float32[2,5,16]"},
    {"experts", &testing_support::MixtureOfExperts, "float32[20,8]"},
    {"branches", &testing_support::BranchyNet, "float32[2,3,8,8]"},
    {"views", &testing_support::ViewWriter, "float32[4,6]"},
    {"overwrites", &testing_support::Overwriter, "float32[4,6]"},
    {"passes", &testing_support::PassesThrough, "float32[4,6]"},
};

CapturedStep Capture(const torch::jit::Module& module, const std::string& input, bool training,
                     Optimizer optimizer = Optimizer::kMomentum, std::uint64_t seed = 1) {
  return detail::CaptureModule(module, "model.pt",
                               {.inputs = {ParseInputSpec(input)},
                                .training = training,
                                .optimizer = optimizer,
                                .seed = seed});
}

Placement RandomPlacement(const Graph& graph, Seed seed) {
  Rng rng(seed);
  std::vector<DeviceId> of_class;
  for (std::size_t i = 0; i < graph.num_colocation_classes(); ++i) {
    of_class.emplace_back(rng.Below(2));
  }
  std::vector<DeviceId> devices;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    devices.push_back(of_class[graph.colocation_class(OpId(i))]);
  }
  return Placement(std::move(devices));
}

std::vector<std::string> BothCores() { return {"cpu:0", "cpu:1"}; }

class ReplayOfModel : public ::testing::TestWithParam<std::tuple<ModelCase, bool>> {};

TEST_P(ReplayOfModel, IsBitEqualUnderRandomPlacements) {
  const auto& [model, training] = GetParam();
  for (const std::uint64_t seed : {1, 2}) {
    CapturedStep step = Capture(model.make(), model.input, training, Optimizer::kMomentum, seed);
    ReplayExecutor executor(std::move(step), BothCores());
    for (Seed placement = 0; placement < 6; ++placement) {
      const auto mismatch = executor.Verify(RandomPlacement(executor.graph(), placement));
      EXPECT_FALSE(mismatch.has_value()) << mismatch->op << ": " << mismatch->what;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ReplayOfModel,
                         ::testing::Combine(::testing::ValuesIn(kModels), ::testing::Bool()),
                         [](const auto& each) {
                           return std::string(std::get<0>(each.param).name) +
                                  (std::get<1>(each.param) ? "Training" : "Forward");
                         });

TEST(Replay, UpdatesAsEveryOptimizerDoes) {
  for (const Optimizer optimizer : {Optimizer::kSgd, Optimizer::kAdam}) {
    ReplayExecutor executor(Capture(testing_support::BranchyNet(), "float32[2,3,8,8]",
                                    /*training=*/true, optimizer),
                            BothCores());
    const auto mismatch = executor.Verify(RandomPlacement(executor.graph(), 7));
    EXPECT_FALSE(mismatch.has_value()) << mismatch->op << ": " << mismatch->what;
  }
}

TEST(Replay, SurvivesManyRuns) {
  ReplayExecutor executor(Capture(testing_support::TransformerEncoder(), "float32[2,5,16]", true),
                          BothCores());
  for (Seed seed = 0; seed < 40; ++seed) {
    const StepPlan plan{.placement = RandomPlacement(executor.graph(), seed)};
    EXPECT_GT(executor.Run(plan, false).time.count(), 0);
    EXPECT_GT(executor.Run({.kind = StepPlan::Kind::kWorkConserving}, false).time.count(), 0);
    EXPECT_GT(executor.Run({.kind = StepPlan::Kind::kNative, .threads = 1}, false).time.count(), 0);
  }
  EXPECT_FALSE(executor.Verify(RandomPlacement(executor.graph(), 1)).has_value());
}

TEST(Replay, NamesTheFirstOpThatDiffers) {
  CapturedStep step = Capture(testing_support::BranchyNet(), "float32[2,3,8,8]", false);
  auto& ops = step.state().program.ops;
  const auto norm = std::ranges::find(ops, "b/aten::native_batch_norm", &detail::ProgramOp::name);
  ASSERT_NE(norm, ops.end());
  norm->arguments[7] = 0.5;  // epsilon
  ReplayExecutor executor(std::move(step), BothCores());
  const auto mismatch = executor.Verify(Placement(executor.graph().num_ops(), DeviceId(0)));
  ASSERT_TRUE(mismatch.has_value());
  EXPECT_EQ(mismatch->op, "b/aten::native_batch_norm");
  EXPECT_THAT(mismatch->what, HasSubstr("output 'out.0' differs by"));
}

TEST(Replay, NamesTheOpThatMadeWhatIsBeyondTheTolerance) {
  const CapturedStep step = Capture(testing_support::PassesThrough(), "float32[4,6]", true);
  const detail::Program& program = step.state().program;
  detail::StepContent content;
  content.outputs.resize(program.outputs.size());
  content.gradients.resize(program.gradients.size());
  content.residents.resize(program.residents.size());
  const auto mismatch = [&] {
    return detail::FindMismatch(step.state(), content, /*tolerant=*/true);
  };
  const auto take = [&](const char* name) {  // as the original step left it
    for (const auto& [output, tensor] : step.state().step->Outputs()) {
      if (output == name) {
        return tensor.clone();
      }
    }
    return at::Tensor();
  };
  step.state().step->Reset();
  step.state().step->Run(nullptr);
  content.outputs[0] = take("out.0") * 2;
  auto found = mismatch();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->op, "aten::mul");
  EXPECT_THAT(found->what, HasSubstr("output 'out.0' differs by"));
  content.outputs[0] = take("out.0") * (1 + 1e-5);
  found = mismatch();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->op, "x");
  EXPECT_EQ(found->what, "output 'out.1' is missing");
}

TEST(Replay, RunsAStepWithoutOps) {
  torch::jit::Module module = testing_support::EmptyModule("Identity");
  module.define("def forward(self, x):\n    return x\n");
  ReplayExecutor executor(Capture(module, "float32[4]", false), BothCores());
  ASSERT_EQ(executor.graph().num_ops(), 1);
  const Placement placement(1, DeviceId(1));
  const ExecutedStep step = executor.Run({.placement = placement}, /*record=*/true);
  ASSERT_TRUE(step.trace.has_value());
  EXPECT_TRUE(step.trace->ops.empty());
  EXPECT_FALSE(executor.Verify(placement).has_value());
  executor.Run({.kind = StepPlan::Kind::kWorkConserving}, /*record=*/false);
}

TEST(IsOutOfMemory, KnowsTheWaysOfLibTorch) {
  EXPECT_TRUE(detail::IsOutOfMemory(std::bad_alloc()));
  EXPECT_TRUE(detail::IsOutOfMemory(std::runtime_error("CUDA error: out of memory")));
  EXPECT_TRUE(detail::IsOutOfMemory(std::runtime_error("RuntimeError: std::bad_alloc")));
  EXPECT_TRUE(detail::IsOutOfMemory(WorkerError(StepOutcome::kOutOfMemory, "op 'a'")));
  EXPECT_FALSE(detail::IsOutOfMemory(WorkerError(StepOutcome::kFailed, "op 'a'")));
  EXPECT_FALSE(detail::IsOutOfMemory(InputError("out of memory.pt: cannot be opened")));
  EXPECT_FALSE(detail::IsOutOfMemory(std::runtime_error("a shape does not fit")));
}

TEST(UseDevice, ReplacesTheHostAndFillsWhatAFactoryLeavesOpen) {
  const c10::Device gpu(c10::kCUDA, 0);
  const c10::IValue none, sizes(std::vector<std::int64_t>{4}), tensor(torch::ones({4}));
  const auto used = [&](const char* op, torch::jit::Stack stack) {
    const auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(op, "");
    detail::UseDevice(handle.schema(), stack, gpu);
    return stack;
  };
  // Size, then type, layout, device, whether it is pinned.
  const auto open = used("aten::zeros", {sizes, none, none, none, none});
  EXPECT_EQ(open[3].toDevice(), gpu);
  EXPECT_TRUE(open[1].isNone() && open[2].isNone() && open[4].isNone());
  EXPECT_EQ(open[0].toIntVector(), sizes.toIntVector());
  const c10::IValue host = c10::Device(c10::kCPU);
  EXPECT_EQ(used("aten::zeros", {sizes, none, none, host, none})[3].toDevice(), gpu);
  // What it reads says where: the tensor, then the same and a memory format.
  EXPECT_TRUE(used("aten::zeros_like", {tensor, none, none, none, none, none})[3].isNone());
  EXPECT_EQ(used("aten::zeros_like", {tensor, none, none, host, none, none})[3].toDevice(), gpu);
}

TEST(CostOf, CountsBothProductsOfAttention) {
  detail::ProgramOp op(c10::Dispatcher::singleton().findSchemaOrThrow(
      "aten::_scaled_dot_product_attention_math", ""));
  op.arguments.resize(op.handle.schema().arguments().size());
  detail::Program program;
  const std::vector<std::vector<std::int64_t>> shapes{
      {2, 4, 5, 8}, {2, 4, 7, 8}, {2, 4, 7, 6}, {2, 4, 5, 6}};
  for (const auto& shape : shapes) {
    const auto slot = static_cast<detail::Slot>(program.slots.size());
    program.slots.push_back(
        {.dtype = DataType::kFloat32, .shape = shape, .bytes = 1000, .base = slot});
    if (slot < 3) {
      op.reads.push_back({slot, detail::kNone, slot});
    } else {
      op.results.push_back({0, detail::kNone, slot});
    }
  }
  const OpCosts costs = detail::CostOf(op, program);
  const TensorSpec scores{.shape = {2, 4, 5, 7}};
  const OpCosts softmax = CostOf("Softmax", {.inputs = {scores}, .outputs = {scores}});
  EXPECT_EQ(costs.op_class, OpClass::kMatMul);
  EXPECT_EQ(costs.flops, 2 * (2 * 4 * 5 * 7) * 8 + 2 * (2 * 4 * 5 * 6) * 7 + softmax.flops);
  EXPECT_EQ(costs.traffic_bytes, 4000);
}

TEST(DifferenceOf, ComparesWithinAShareOfTheLargestValue) {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto difference = [](std::vector<double> found, std::vector<double> expected) {
    return detail::DifferenceOf(torch::tensor(found), torch::tensor(expected), 1e-3);
  };
  EXPECT_EQ(difference({0.09, 100}, {0, 100}), "");
  EXPECT_EQ(difference({0.5, 100}, {0, 100}), " differs by 0.5 where values go up to 100");
  EXPECT_EQ(difference({nan, inf, 1}, {nan, inf, 1}), "");
  EXPECT_EQ(difference({nan, 1}, {1, 1}), " differs by nan where values go up to 1");
  EXPECT_EQ(difference({1, 1}, {nan, 1}), " differs by nan where values go up to 1");
  EXPECT_EQ(difference({inf, 1}, {1, 1}), " differs by inf where values go up to 1");
  EXPECT_EQ(difference({-inf, 1}, {inf, 1}), " differs by inf where values go up to 1");
  EXPECT_EQ(difference({1, 2}, {1}), " has shape [2], expected [1]");
  EXPECT_EQ(difference({}, {}), "");
  EXPECT_EQ(detail::DifferenceOf({}, torch::ones(1), 1e-3), " is missing");
  EXPECT_EQ(detail::DifferenceOf(torch::ones(1), {}, 1e-3), " is there, and should not be");
  EXPECT_EQ(detail::DifferenceOf({}, {}, 1e-3), "");
}

TEST(Replay, RecordsEveryOpAndOneCopyPerDestination) {
  ReplayExecutor executor(Capture(testing_support::BranchyNet(), "float32[2,3,8,8]", true),
                          BothCores());
  const Graph& graph = executor.graph();
  const Placement placement = RandomPlacement(graph, 3);
  const ExecutedStep step = executor.Run({.placement = placement}, /*record=*/true);
  ASSERT_TRUE(step.trace.has_value());
  std::set<OpId> ran;
  for (const Trace::OpRun& run : step.trace->ops) {
    EXPECT_EQ(run.device, placement.device(run.op));
    EXPECT_LE(run.start, run.end);
    ran.insert(run.op);
  }
  std::set<std::pair<std::size_t, DeviceId>> needed, copied;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    EXPECT_EQ(ran.contains(OpId(i)), !graph.is_resident(OpId(i))) << graph.op(OpId(i)).name;
    for (const TensorId tensor : graph.inputs(OpId(i))) {
      if (placement.device(graph.tensor(tensor).producer) != placement.device(OpId(i))) {
        needed.emplace(tensor.index(), placement.device(OpId(i)));
      }
    }
  }
  for (const ExecutedTrace::Copy& copy : step.trace->copies) {
    EXPECT_TRUE(copied.emplace(copy.payload, copy.to).second) << "copied twice";
    EXPECT_LE(copy.requested, copy.start);
    EXPECT_EQ(copy.bytes, graph.tensor(TensorId(copy.payload)).bytes);
  }
  EXPECT_EQ(copied, needed);
}

TEST(Replay, CountsTheMemoryOfEachDevice) {
  ReplayExecutor executor(Capture(testing_support::BranchyNet(), "float32[2,3,8,8]", false),
                          BothCores());
  const Graph& graph = executor.graph();
  std::int64_t resident = 0;
  for (const Tensor& tensor : graph.tensors()) {
    resident += graph.is_resident(tensor.producer) ? tensor.bytes : 0;
  }
  const ExecutedStep step =
      executor.Run({.placement = Placement(graph.num_ops(), DeviceId(1))}, false);
  ASSERT_EQ(step.peak_bytes.size(), 2);
  EXPECT_EQ(step.peak_bytes[0], 0);
  EXPECT_GT(step.peak_bytes[1], resident);
}

TEST(Replay, WritesOutputsThatLoad) {
  const test::TempDir folder;
  ReplayExecutor executor(Capture(testing_support::MixtureOfExperts(), "float32[20,8]", false),
                          BothCores());
  const auto files = executor.WriteOutputs(RandomPlacement(executor.graph(), 1), folder / "");
  ASSERT_EQ(files.size(), 2);
  const std::string bytes = ReadWholeFile(folder / "out.y.pt");
  const auto value = torch::jit::pickle_load(std::vector<char>(bytes.begin(), bytes.end()));
  EXPECT_EQ(value.toTensor().sizes().vec(), (std::vector<std::int64_t>{20, 8}));
}

TEST(Replay, WritesOutputsThatNoOpMakes) {
  const test::TempDir folder;
  ReplayExecutor executor(Capture(testing_support::PassesThrough(), "float32[4,6]", false),
                          BothCores());
  const auto files = executor.WriteOutputs(RandomPlacement(executor.graph(), 1), folder / "");
  ASSERT_EQ(files.size(), 4);
  const std::vector<std::vector<std::int64_t>> sizes{{4, 6}, {4, 6}, {6, 6}, {6}};
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string bytes = ReadWholeFile(files[i]);
    const auto value = torch::jit::pickle_load(std::vector<char>(bytes.begin(), bytes.end()));
    EXPECT_EQ(value.toTensor().sizes().vec(), sizes[i]) << files[i];
  }
}

TEST(Replay, WritesNoOutputBesideItsFolder) {
  const test::TempDir folder;
  torch::jit::Module module = testing_support::EmptyModule("Keys");
  module.define(R"JIT(
def forward(self, x):
    return {"/../x": x + 1, "/abs": x * 2, ".._x": x - 1}
)JIT");
  ReplayExecutor executor(Capture(module, "float32[4]", false), BothCores());
  const Placement placement(executor.graph().num_ops(), DeviceId(0));
  const std::set<std::filesystem::path> files = [&] {
    const auto all = executor.WriteOutputs(placement, folder / "");
    return std::set<std::filesystem::path>(all.begin(), all.end());
  }();
  EXPECT_EQ(files.size(), 3);
  for (const auto& file : files) {
    EXPECT_EQ(file.string(), (folder / file.filename().string()).string());
    EXPECT_TRUE(std::filesystem::exists(file)) << file;
  }
}

TEST(Capture, TakesInputsThatAreNamedLikeSomethingElse) {
  torch::jit::Module module = testing_support::EmptyModule("Masked");
  module.register_buffer("mask", torch::ones({4}));
  module.define("def forward(self, constant_1, mask):\n    return constant_1 * mask * self.mask\n");
  const CapturedStep step = detail::CaptureModule(
      module, "model.pt", {.inputs = {ParseInputSpec("float32[4]"), ParseInputSpec("float32[4]")}});
  const Graph& graph = step.graph();
  const auto buffer = graph.FindOp("mask"), input = graph.FindOp("mask_1");
  ASSERT_TRUE(buffer && input && graph.FindOp("constant_1"));
  EXPECT_EQ(graph.op(*buffer).type, "parameter");
  EXPECT_EQ(graph.op(*input).type, "input");
}

TEST(Capture, NamesOutputsByKeysOfAnyType) {
  torch::jit::Module module = testing_support::EmptyModule("Keys");
  module.define(R"JIT(
def forward(self, x):
    return {2: x + 1, 1: x * 2}, {0.5: x - 1}, {True: x * 3}, {"a": x * 4}
)JIT");
  const CapturedStep step = Capture(module, "float32[4]", false);
  EXPECT_EQ(step.output_names(),
            (std::vector<std::string>{"out.0.2", "out.0.1", "out.1.0.5", "out.2.True", "out.3.a"}));
}

TEST(Capture, NamesOpsByModuleAndCountsTheirWork) {
  const CapturedStep step = Capture(testing_support::BranchyNet(), "float32[2,3,8,8]", true);
  const Graph& graph = step.graph();
  const auto forward = graph.FindOp("a/aten::convolution");
  ASSERT_TRUE(forward.has_value());
  // 2 x batch 2 x 8 x 8 places x 4 filters x (3 x 3 x 3).
  EXPECT_EQ(graph.op(*forward).flops, 2 * 2 * 64 * 4 * 27);
  EXPECT_EQ(graph.op(*forward).op_class, OpClass::kConvolution);
  const auto backward = graph.FindOp("a/aten::convolution_backward");
  ASSERT_TRUE(backward.has_value());
  EXPECT_EQ(graph.op(*backward).role, OpRole::kBackward);
  EXPECT_EQ(graph.op(*backward).flops, graph.op(*forward).flops);  // the image needs no gradient
  const auto weight = graph.FindOp("a.weight"), momentum = graph.FindOp("a.weight.momentum");
  ASSERT_TRUE(weight && momentum);
  EXPECT_EQ(graph.op(*weight).type, "parameter");
  EXPECT_EQ(graph.op(*momentum).type, "optimizer_state");
  EXPECT_EQ(graph.colocation_class(*weight), graph.colocation_class(*momentum));
  EXPECT_NE(graph.colocation_class(*weight), graph.colocation_class(*forward));
  EXPECT_EQ(GraphFromBytes(GraphToBytes(graph)), graph);
  EXPECT_EQ(step.output_names(), (std::vector<std::string>{"out.0", "out.1", "loss"}));
}

TEST(Capture, TiesRunningStatisticsToTheOpThatUpdatesThem) {
  const CapturedStep step = Capture(testing_support::BranchyNet(), "float32[2,3,8,8]", true);
  const Graph& graph = step.graph();
  EXPECT_EQ(graph.colocation_class(*graph.FindOp("a.mean")),
            graph.colocation_class(*graph.FindOp("a/aten::native_batch_norm")));
}

TEST(Capture, SeesTheCopiesThatAutogradKeepsOfOverwrittenTensors) {
  const auto count = [](bool training) {
    const CapturedStep step = Capture(testing_support::Overwriter(), "float32[4,6]", training);
    const auto ops = step.graph().ops();
    EXPECT_TRUE(
        std::ranges::none_of(ops, [](const Op& op) { return op.name.starts_with("constant_"); }));
    return std::ranges::count_if(ops, [](const Op& op) {
      return op.role == OpRole::kForward && op.name.starts_with("aten::clone");
    });
  };
  EXPECT_EQ(count(/*training=*/false), 0);
  EXPECT_EQ(count(/*training=*/true), 4);  // hardswish_, both mul_, pow_
}

TEST(Capture, WarnsOfSizesThatFollowFromData) {
  const CapturedStep step = Capture(testing_support::MixtureOfExperts(), "float32[20,8]", false);
  ASSERT_EQ(step.warnings().size(), 1);
  EXPECT_THAT(step.warnings()[0], HasSubstr("op 'aten::nonzero"));
}

std::string FaultOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "no fault";
}

TEST(Capture, RefusesControlFlowThatFollowsData) {
  torch::jit::Module counts = testing_support::EmptyModule("Counts");
  counts.define("def forward(self, x):\n    return x * int(x.sum() * 1000)\n");
  EXPECT_THAT(FaultOf([&] { static_cast<void>(Capture(counts, "float32[4]", false)); }),
              HasSubstr("op 'aten::mul"));
  torch::jit::Module loops = testing_support::EmptyModule("Loops");
  loops.define(R"JIT(
def forward(self, x):
    for i in range(int(x.abs().sum() * 10)):
        x = x + 1
    return x
)JIT");
  EXPECT_THAT(FaultOf([&] { static_cast<void>(Capture(loops, "float32[4]", false)); }),
              HasSubstr("expected a step that does not follow the data"));
}

TEST(Capture, RefusesWhatComesFromNoOperator) {
  // An op of the interpreter alone: no dispatcher, and so no recorder, sees it.
  const torch::jit::RegisterOperators unseen({torch::jit::Operator(
      "aten::placer_unseen(Tensor x) -> Tensor",
      [](torch::jit::Stack& stack) {
        const at::Tensor x = torch::jit::pop(stack).toTensor().contiguous();
        const at::Tensor twice(at::detail::empty_cpu(x.sizes(), x.options()));
        std::ranges::transform(std::span(x.data_ptr<float>(), x.numel()), twice.data_ptr<float>(),
                               [](float value) { return 2 * value; });
        torch::jit::push(stack, twice);
      },
      c10::AliasAnalysisKind::FROM_SCHEMA)});
  torch::jit::Module module = testing_support::EmptyModule("Unseen");
  module.define("def forward(self, x):\n    return torch.placer_unseen(x) + 1\n");
  EXPECT_THAT(
      FaultOf([&] { static_cast<void>(Capture(module, "float32[4]", false)); }),
      HasSubstr("a tensor that op 'aten::add' reads comes from no operator and differs from "
                "run to run"));
  torch::jit::Module returns = testing_support::EmptyModule("UnseenResult");
  returns.define("def forward(self, x):\n    return torch.placer_unseen(x)\n");
  EXPECT_THAT(FaultOf([&] { static_cast<void>(Capture(returns, "float32[4]", false)); }),
              HasSubstr("output 'out' comes from no operator and differs from run to run"));
}

TEST(Capture, TakesTheLossThatIsNamed) {
  torch::jit::Module module = testing_support::EmptyModule("TwoOutputs");
  testing_support::AddWeight(module, "w", {4});
  module.define(R"JIT(
def forward(self, x):
    return {"scores": x * self.w, "cost": (x * self.w).exp()}
)JIT");
  // The gradient of exp() multiplies once more than that of the product.
  const auto backward_products = [&](const std::string& loss) {
    ReplayExecutor executor(
        detail::CaptureModule(
            module, "model.pt",
            {.inputs = {ParseInputSpec("float32[4]")}, .training = true, .loss = loss}),
        BothCores());
    EXPECT_FALSE(executor.Verify(RandomPlacement(executor.graph(), 1)).has_value());
    return std::ranges::count_if(executor.graph().ops(), [](const Op& op) {
      return op.role == OpRole::kBackward && op.type == "aten::mul";
    });
  };
  EXPECT_EQ(backward_products("scores"), 1);
  EXPECT_EQ(backward_products("cost"), 2);
  EXPECT_EQ(backward_products("out.cost"), 2);
}

TEST(Capture, RefusesInputsThatDoNotSuit) {
  const auto fault = [](const std::string& input, bool training = false) {
    return FaultOf(
        [&] { static_cast<void>(Capture(testing_support::BranchyNet(), input, training)); });
  };
  EXPECT_THAT(fault("float32[2,4,8,8]"), HasSubstr("to have 3 channels, but got 4 channels"));
  EXPECT_THAT(fault("int64[2,3,8,8]"), HasSubstr("model.pt: forward() with inputs int64[2,3,8,8]"));
  EXPECT_THAT(FaultOf([] {
                static_cast<void>(detail::CaptureModule(testing_support::BranchyNet(), "model.pt",
                                                        CaptureOptions{}));
              }),
              HasSubstr("inputs: found 0, expected one for each of forward(image)"));
  EXPECT_THAT(
      FaultOf([] {
        static_cast<void>(detail::CaptureModule(
            testing_support::BranchyNet(), "model.pt",
            {.inputs = {ParseInputSpec("float32[2,3,8,8]")}, .training = true, .loss = "cost"}));
      }),
      HasSubstr("loss: found 'cost', expected an output that has a gradient, of out.0"));
}

TEST(Capture, RefusesFilesThatAreNoModels) {
  const test::TempDir folder;
  const auto whole = folder / "whole.pt", cut = folder / "cut.pt";
  testing_support::BranchyNet().save(whole.string());
  const std::string bytes = ReadWholeFile(whole);
  ReplaceFile(cut, bytes.substr(0, bytes.size() / 2));
  const CaptureOptions options{.inputs = {ParseInputSpec("float32[2,3,8,8]")}};
  EXPECT_GT(CaptureTorchScript(whole, options).graph().num_ops(), 10);
  EXPECT_THAT(FaultOf([&] { static_cast<void>(CaptureTorchScript(cut, options)); }),
              HasSubstr("cut.pt: expected a TorchScript model"));
  EXPECT_THAT(FaultOf([&] { static_cast<void>(CaptureTorchScript(folder / "none.pt", options)); }),
              HasSubstr("none.pt"));
}

TEST(Replay, RefusesDevicesThatAreNotThere) {
  const auto fault = [](std::vector<std::string> devices) {
    return FaultOf([&] {
      ReplayExecutor executor(Capture(testing_support::ViewWriter(), "float32[4,6]", false),
                              std::move(devices));
    });
  };
  EXPECT_THAT(fault({"cpu:0", "cpu:9999"}), HasSubstr("found 'cpu:9999'"));
  EXPECT_THAT(fault({"cpu:0", "cpu:0"}), HasSubstr("cpu:0"));
}

TEST(Replay, RefusesPlacementsThatPullSharedMemoryApart) {
  ReplayExecutor executor(Capture(testing_support::ViewWriter(), "float32[4,6]", false),
                          BothCores());
  Placement placement(executor.graph().num_ops(), DeviceId(0));
  placement.set_device(*executor.graph().FindOp("calls"), DeviceId(1));
  EXPECT_THAT(FaultOf([&] { executor.Run({.placement = placement}, false); }),
              HasSubstr("shares its memory"));
}

}  // namespace
}  // namespace placer
