// Clusters made from public data sheets. What no data sheet says (launch overheads, effective
// rates of buses) is an assumption and marked so.
#include <algorithm>
#include <array>
#include <functional>

#include "cost_model/cluster_io.h"
#include "cost_model/tf_k80.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

void SetPeak(Device& device, DataType dtype, double flops_per_s) {
  device.peak_flops_per_s[static_cast<std::size_t>(dtype)] = flops_per_s;
}

// Assumption: what a framework's executor spends on starting one op on a CPU.
constexpr Seconds kCpuLaunch{2e-6};
// Assumption: launching one CUDA kernel from a framework, 5 us and more (about 10 us on Kepler).
constexpr Seconds kGpuLaunch{5e-6};
constexpr Seconds kKeplerLaunch{10e-6};
// PCIe 3.0 x16: 15.75 GB/s per direction (PCI-SIG, 8 GT/s x 16 lanes x 128b/130b). Assumption: 12
// GB/s of it reach a pinned copy, which takes 10 us to start.
constexpr double kPcie3BytesPerS = 12e9;
constexpr Seconds kPcieLatency{10e-6};

Device Cpu(std::string name, double peak_float32, double memory_bytes_per_s,
           std::int64_t memory_bytes) {
  Device cpu;
  cpu.name = std::move(name);
  cpu.kind = "cpu";
  SetPeak(cpu, DataType::kFloat32, peak_float32);
  SetPeak(cpu, DataType::kFloat64, peak_float32 / 2);  // half as many lanes
  cpu.memory_bytes_per_s = memory_bytes_per_s;
  cpu.memory_bytes = memory_bytes;
  cpu.launch_overhead = kCpuLaunch;
  return cpu;
}

Link Wire(std::string a, std::string b, double bytes_per_s, Seconds latency) {
  Link link;
  link.name = a + "--" + b;
  link.a = std::move(a);
  link.b = std::move(b);
  link.bytes_per_s = bytes_per_s;
  link.latency = latency;
  return link;
}

/// One GK210 of a Tesla K80 board. NVIDIA, "Tesla K80 GPU accelerator board specification"
/// (BD-07317-001): the board has 8.74 TFLOP/s single and 2.91 double precision with boost, 480 GB/s
/// and 24 GB, half of each per GPU.
Device K80Gpu(std::string name) {
  Device gpu;
  gpu.name = std::move(name);
  gpu.kind = "gpu";
  SetPeak(gpu, DataType::kFloat32, 4.37e12);
  SetPeak(gpu, DataType::kFloat64, 1.455e12);
  gpu.memory_bytes_per_s = 240e9;
  gpu.memory_bytes = 12'000'000'000;
  gpu.launch_overhead = kKeplerLaunch;
  return gpu;
}

/// The machine of arXiv 1706.04972, section 4: a Haswell host with 18 cores and GPUs that reach
/// each other through it. The host is taken for a Xeon E5-2699 v3 (Intel ARK: 18 cores, 2.3 GHz, 4
/// channels of DDR4-2133 = 68 GB/s): 2.3 GHz x 18 cores x 32 flop per cycle (two 8-lane FMAs).
/// Assumption: 128 GB of memory.
ClusterSpec K80(std::string name, std::size_t num_gpus) {
  ClusterSpec spec;
  spec.name = std::move(name);
  spec.devices.push_back(Cpu("/cpu:0", 2.3e9 * 18 * 32, 68e9, 128'000'000'000));
  for (std::size_t i = 0; i < num_gpus; ++i) {
    const std::string gpu = "/gpu:" + std::to_string(i);
    spec.devices.push_back(K80Gpu(gpu));
    spec.links.push_back(Wire("/cpu:0", gpu, kPcie3BytesPerS, kPcieLatency));
  }
  return spec;
}

/// NVIDIA, "Tesla V100 GPU accelerator" data sheet, SXM2: 15.7 TFLOP/s single, 7.8 double, 125
/// half precision on tensor cores, 900 GB/s, 16 GB.
Device V100(std::string name) {
  Device gpu;
  gpu.name = std::move(name);
  gpu.kind = "gpu";
  SetPeak(gpu, DataType::kFloat32, 15.7e12);
  SetPeak(gpu, DataType::kFloat64, 7.8e12);
  SetPeak(gpu, DataType::kFloat16, 125e12);
  gpu.memory_bytes_per_s = 900e9;
  gpu.memory_bytes = 16'000'000'000;
  gpu.launch_overhead = kGpuLaunch;
  return gpu;
}

/// NVIDIA, "DGX-1 with Tesla V100 system architecture" (WP-08437-002): hybrid cube mesh, 6 NVLinks
/// of 25 GB/s per direction and GPU, some of them in pairs; a PCIe switch per pair of GPUs; two
/// Xeon E5-2698 v4 (Intel ARK: 20 cores, 2.2 GHz, 76.8 GB/s), 512 GB. GPUs without a common NVLink
/// are reached over a GPU between them (the way with the fewest links and the lowest index).
ClusterSpec V100x8() {
  constexpr double kNvlink2 = 25e9;
  // Assumption: a peer copy over NVLink takes 5 us to start.
  constexpr Seconds kNvlinkLatency{5e-6};
  struct Edge {
    int a, b, links;
  };
  constexpr std::array<Edge, 16> kMesh = {{{0, 1, 1},
                                           {0, 2, 1},
                                           {0, 3, 2},
                                           {0, 4, 2},
                                           {1, 2, 2},
                                           {1, 3, 1},
                                           {1, 5, 2},
                                           {2, 3, 2},
                                           {2, 6, 1},
                                           {3, 7, 1},
                                           {4, 5, 1},
                                           {4, 6, 1},
                                           {4, 7, 2},
                                           {5, 6, 2},
                                           {5, 7, 1},
                                           {6, 7, 2}}};
  ClusterSpec spec;
  spec.name = "v100x8";
  spec.devices.push_back(Cpu("/cpu:0", 2.2e9 * 40 * 32, 153.6e9, 512'000'000'000));
  const auto gpu = [](int i) { return "/gpu:" + std::to_string(i); };
  for (int i = 0; i < 8; ++i) {
    spec.devices.push_back(V100(gpu(i)));
  }
  for (const Edge& edge : kMesh) {
    spec.links.push_back(Wire(gpu(edge.a), gpu(edge.b), kNvlink2 * edge.links, kNvlinkLatency));
  }
  for (int pair = 0; pair < 4; ++pair) {
    const std::string plx = "pcie:" + std::to_string(pair);
    spec.switches.push_back(plx);
    spec.links.push_back(Wire("/cpu:0", plx, kPcie3BytesPerS, kPcieLatency / 2));
    for (const int i : {2 * pair, 2 * pair + 1}) {
      spec.links.push_back(Wire(plx, gpu(i), kPcie3BytesPerS, kPcieLatency / 2));
    }
  }
  return spec;
}

/// NVIDIA, "H100 Tensor Core GPU" data sheet, SXM5: 67 TFLOP/s single, 34 double precision, 989
/// float16 and bfloat16 and 1,979 int8 on tensor cores without sparsity, 3.35 TB/s, 80 GB.
Device H100(std::string name) {
  Device gpu;
  gpu.name = std::move(name);
  gpu.kind = "gpu";
  SetPeak(gpu, DataType::kFloat32, 67e12);
  SetPeak(gpu, DataType::kFloat64, 34e12);
  SetPeak(gpu, DataType::kFloat16, 989e12);
  SetPeak(gpu, DataType::kBFloat16, 989e12);
  SetPeak(gpu, DataType::kInt8, 1979e12);
  gpu.memory_bytes_per_s = 3.35e12;
  gpu.memory_bytes = 80'000'000'000;
  gpu.launch_overhead = kGpuLaunch;
  return gpu;
}

/// NVIDIA, "DGX H100" data sheet: 8 GPUs on NVSwitch, 900 GB/s per GPU counting both directions;
/// two Xeon Platinum 8480C (56 cores, 2.0 GHz, 8 channels of DDR5-4800 = 307.2 GB/s each), 2 TB. 64
/// flop per cycle and core: two 16-lane FMAs. PCIe 5.0 x16: 63 GB/s per direction. Assumption: 50
/// GB/s of it reach a copy.
ClusterSpec H100x8() {
  ClusterSpec spec;
  spec.name = "h100x8";
  spec.devices.push_back(Cpu("/cpu:0", 2.0e9 * 112 * 64, 614.4e9, 2'000'000'000'000));
  spec.switches.emplace_back("nvswitch");
  for (int i = 0; i < 8; ++i) {
    spec.devices.push_back(H100("/gpu:" + std::to_string(i)));
    spec.links.push_back(Wire(spec.devices.back().name, "nvswitch", 450e9, Seconds(2.5e-6)));
  }
  for (int i = 0; i < 8; ++i) {
    spec.links.push_back(Wire("/cpu:0", "/gpu:" + std::to_string(i), 50e9, kPcieLatency));
  }
  return spec;
}

/// An edge board in the manner of the Rockchip RK3588 (its data sheet and technical reference
/// manual): four Cortex-A76 at 2.4 GHz (16 float32 flop per cycle) and four A55 at 1.8 GHz (8); a
/// Mali-G610 MP4 at 1 GHz (512 float32 flop per cycle, twice that in float16); an NPU with 6 TOP/s
/// int8 (assumption: half of it in float16, a quarter in 32-bit arithmetic). One LPDDR4X-4224
/// memory, 64 bits wide: 33.8 GB/s. Copies between the devices' parts of it read and write the same
/// chips: half of that, one at a time; the three shared stubs have it so, since any two routes have
/// one in common. The CPU copies what it sends by itself. Assumption: the split of 16 GB, the
/// overheads.
ClusterSpec CpuGpuNpu() {
  constexpr double kMemory = 33.8e9;
  ClusterSpec spec;
  spec.name = "cpu_gpu_npu";
  Device cpu = Cpu("/cpu:0", 4 * 2.4e9 * 16 + 4 * 1.8e9 * 8, kMemory, 8'000'000'000);
  cpu.copied_by = CopiedBy::kSender;
  Device gpu = cpu;
  gpu.name = "/gpu:0";
  gpu.kind = "gpu";
  gpu.peak_flops_per_s = {};
  SetPeak(gpu, DataType::kFloat32, 512e9);
  SetPeak(gpu, DataType::kFloat16, 1024e9);
  gpu.memory_bytes = 4'000'000'000;
  gpu.launch_overhead = Seconds(30e-6);
  gpu.copied_by = CopiedBy::kDma;
  Device npu = gpu;
  npu.name = "/npu:0";
  npu.kind = "npu";
  npu.peak_flops_per_s = {};
  SetPeak(npu, DataType::kFloat32, 1.5e12);
  SetPeak(npu, DataType::kFloat16, 3e12);
  SetPeak(npu, DataType::kBFloat16, 3e12);
  SetPeak(npu, DataType::kInt8, 6e12);
  npu.launch_overhead = Seconds(50e-6);
  spec.devices = {cpu, gpu, npu};
  spec.switches.emplace_back("memory");
  for (const Device& device : spec.devices) {
    spec.links.push_back(Wire(device.name, "memory", kMemory / 2, Seconds(5e-6)));
    spec.links.back().shared = true;
  }
  return spec;
}

/// Two hosts with PCIe GPUs. NVIDIA, "Tesla P100 PCIe GPU accelerator" data sheet: 9.3 TFLOP/s
/// single, 4.7 double, 18.7 half precision, 732 GB/s, 16 GB. Host: Xeon E5-2690 v4 (Intel ARK: 14
/// cores, 2.6 GHz, 76.8 GB/s), 32 flop per cycle and core. 25 Gb/s Ethernet is 3.125 GB/s;
/// assumptions: 2.8 GB/s of it reach the application, 15 us to the switch and as much from it, 256
/// GB per host.
ClusterSpec TwoHosts(std::string name, int gpus_per_host) {
  ClusterSpec spec;
  spec.name = std::move(name);
  spec.switches.emplace_back("ethernet");
  for (int h = 0; h < 2; ++h) {
    const std::string host = "/host:" + std::to_string(h);
    const std::string cpu = host + "/cpu:0";
    spec.devices.push_back(Cpu(cpu, 2.6e9 * 14 * 32, 76.8e9, 256'000'000'000));
    spec.links.push_back(Wire(cpu, "ethernet", 2.8e9, Seconds(15e-6)));
    for (int i = 0; i < gpus_per_host; ++i) {
      Device gpu;
      gpu.name = host + "/gpu:" + std::to_string(i);
      gpu.kind = "gpu";
      SetPeak(gpu, DataType::kFloat32, 9.3e12);
      SetPeak(gpu, DataType::kFloat64, 4.7e12);
      SetPeak(gpu, DataType::kFloat16, 18.7e12);
      gpu.memory_bytes_per_s = 732e9;
      gpu.memory_bytes = 16'000'000'000;
      gpu.launch_overhead = kGpuLaunch;
      spec.links.push_back(Wire(cpu, gpu.name, kPcie3BytesPerS, kPcieLatency));
      spec.devices.push_back(std::move(gpu));
    }
  }
  return spec;
}

struct Recipe {
  const char* name;
  const char* summary;
  std::function<ClusterSpec()> make;
};

/// Sorted by name.
const std::vector<Recipe>& Recipes() {
  static const std::vector<Recipe> recipes = {
      {"cpu_gpu_npu", "edge board: CPU, GPU and NPU on one shared memory bus", CpuGpuNpu},
      {"h100x8", "8 H100 on NVSwitch and their host", H100x8},
      {"k80x2", "Haswell host with 2 K80 GPUs, each on its own PCIe link",
       [] { return K80("k80x2", 2); }},
      {"k80x4", "Haswell host with 4 K80 GPUs, each on its own PCIe link",
       [] { return K80("k80x4", 4); }},
      {"tf_k80x2", "k80x2 as TensorFlow r0.12 ran it, calibrated (docs/paper.md)",
       [] { return TfK80("tf_k80x2", 2, FittedTfK80()); }},
      {"tf_k80x4", "k80x4 as TensorFlow r0.12 ran it, calibrated (docs/paper.md)",
       [] { return TfK80("tf_k80x4", 4, FittedTfK80()); }},
      {"two_hosts", "two hosts with 2 P100 GPUs each, joined by 25 Gb/s Ethernet",
       [] { return TwoHosts("two_hosts", 2); }},
      {"two_hosts_4", "two hosts with 4 P100 GPUs each, joined by 25 Gb/s Ethernet",
       [] { return TwoHosts("two_hosts_4", 4); }},
      {"v100x8", "8 V100 in an NVLink cube mesh and their host", V100x8},
  };
  return recipes;
}

}  // namespace

std::vector<ClusterZooEntry> ClusterZoo() {
  std::vector<ClusterZooEntry> entries;
  for (const Recipe& recipe : Recipes()) {
    entries.push_back({recipe.name, recipe.summary});
  }
  return entries;
}

Cluster MakeZooCluster(const std::string& name) {
  std::string known;
  for (const Recipe& recipe : Recipes()) {
    if (name == recipe.name) {
      return Cluster(recipe.make());
    }
    known += (known.empty() ? "" : ", ") + std::string(recipe.name);
  }
  throw InputError("zoo cluster '" + name + "' is unknown, expected one of " + known);
}

}  // namespace placer
