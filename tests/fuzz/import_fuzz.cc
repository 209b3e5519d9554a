// A libFuzzer target for any importer: whatever comes is imported or refused in one line.
//
//   import_fuzz IMPORTER [libFuzzer's options and folders]
//
// One program for all of them: linking and instrumenting is most of what building it costs.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "graphs/base/error.h"
#include "graphs/importers.h"
#include "tests/fuzz/mutate_input.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

const placer::Importer* target = nullptr;  // set once, before the first input

const placer::Importer* ImporterNamed(std::string_view name) {
  for (const placer::Importer& importer : placer::Importers()) {
    if (importer.name == name) {
      return &importer;
    }
  }
  return nullptr;
}

/// Faults are one line that starts with the file.
void Check(std::string_view message) {
  bool good = message.starts_with("fuzz:") && message.size() > 10;
  for (const char c : message) {
    good = good && static_cast<unsigned char>(c) >= 0x20 && c != '\x7f';
  }
  if (!good) {
    std::fprintf(stderr, "a bad message: %.*s\n", static_cast<int>(message.size()), message.data());
    std::abort();
  }
}

double CpuSeconds() {
  std::timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Processor time, so that a busy machine raises no false alarm. The first input pays for tables
/// that are made once.
class CpuLimit {
 public:
  ~CpuLimit() {
    static bool first = true;
    constexpr double kLimit = 1;
    if (const double took = CpuSeconds() - start_; took > kLimit && !first) {
      std::fprintf(stderr, "ERROR: an input took %.2f s\n", took);
      std::abort();
    }
    first = false;
  }

 private:
  double start_ = CpuSeconds();
};

}  // namespace

/// Takes the importer's name from the arguments; libFuzzer reads the others.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  target = *argc < 2 ? nullptr : ImporterNamed((*argv)[1]);
  if (target == nullptr) {
    std::fprintf(stderr, "import_fuzz: expected the name of an importer as the first argument\n");
    std::exit(2);
  }
  (*argv)[1] = (*argv)[0];
  ++*argv;
  --*argc;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const CpuLimit limit;
  const placer::ModelFile file("fuzz", std::string(data, data + size));
  for (const placer::Importer& importer : placer::Importers()) {
    (void)importer.recognizes(file);
  }
  const bool with_batch = target->takes_batch && size % 4 == 0;
  try {
    (void)target->load(file, with_batch ? std::optional<std::int64_t>(3) : std::nullopt);
  } catch (const placer::InputError& error) {
    Check(error.what());
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
  placer::Rng rng(seed);
  const std::string content(data, data + size);
  const std::string mutated =
      rng.Below(16) == 0 ? content : placer::fuzz::MutateInput(target->name, content, rng);
  if (mutated == content || mutated.size() > max_size) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  std::copy(mutated.begin(), mutated.end(), data);
  return mutated.size();
}
