#include "policy/detail/gloo_group.h"

#include <ATen/ATen.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <vector>

#include "policy/detail/heartbeat.h"

namespace placer {
namespace {

using std::chrono::milliseconds;

/// Until all ranks have started; machines of a cluster do not start at the same moment.
constexpr std::chrono::minutes kJoinTimeout{5};
/// A rank that computes answers when it is done, however long that takes. One that has ended is
/// noticed by its closed connection, one whose machine is gone or that hangs by its silence.
constexpr std::chrono::hours kMessageTimeout{24};
constexpr std::chrono::seconds kBeatPeriod{1};
constexpr int kBeatPatience = 20;
constexpr int kTag = 0;

/// The address by which this machine reaches the host: a host's own name may be that of a loopback,
/// which others cannot reach.
std::string LocalAddressTowards(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;  // connecting sends nothing
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    throw InputError("environment: MASTER_ADDR is '" + host + "', expected a host that is known");
  }
  std::string local;
  for (const addrinfo* at = found; at != nullptr && local.empty(); at = at->ai_next) {
    const int probe = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    char text[NI_MAXHOST] = "";
    if (probe >= 0 && connect(probe, at->ai_addr, at->ai_addrlen) == 0 &&
        getsockname(probe, reinterpret_cast<sockaddr*>(&name), &size) == 0 &&
        getnameinfo(reinterpret_cast<sockaddr*>(&name), size, text, sizeof text, nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      local = text;
    }
    if (probe >= 0) {
      close(probe);
    }
  }
  freeaddrinfo(found);
  return local;
}

std::shared_ptr<::gloo::transport::Device> MakeDevice(const ProcessGroupAddress& address) {
  // The variable that LibTorch's own launchers look at.
  if (const char* interface = std::getenv("GLOO_SOCKET_IFNAME"); interface != nullptr) {
    return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  }
  const std::string local = LocalAddressTowards(address.master_host, address.master_port);
  return local.empty() ? c10d::ProcessGroupGloo::createDefaultDevice()
                       : c10d::ProcessGroupGloo::createDeviceForHostname(local);
}

/// torchrun has a store of its own at the master's address.
bool StoreIsThereAlready() {
  const char* value = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
  return value != nullptr && std::string_view(value) == "True";
}

/// What LibTorch says without where it says it, on one line.
std::string Reason(const std::exception& error) {
  std::string text = error.what();
  text = text.substr(0, text.find('\n'));
  if (text.starts_with('[')) {
    const std::size_t end = text.find("] ");
    text = end == std::string::npos ? text : text.substr(end + 2);
  }
  return text;
}

class GlooGroup final : public ProcessGroup {
 public:
  explicit GlooGroup(const ProcessGroupAddress& address)
      : rank_(address.rank), size_(address.size) {
    c10d::TCPStoreOptions store;
    store.port = address.master_port;
    store.isServer = rank_ == 0 && !StoreIsThereAlready();
    store.numWorkers = size_;
    store.waitWorkers = !StoreIsThereAlready();
    store.timeout = kJoinTimeout;
    store_ = c10::make_intrusive<c10d::TCPStore>(address.master_host, store);
    const auto options = c10d::ProcessGroupGloo::Options::create(kMessageTimeout);
    options->devices = {MakeDevice(address)};
    options->threads = 1;
    group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store_, static_cast<int>(rank_),
                                                         static_cast<int>(size_), options);
    silent_.resize(size_, false);
    StartHeartbeat();
  }

  [[nodiscard]] std::size_t rank() const noexcept override { return rank_; }
  [[nodiscard]] std::size_t size() const noexcept override { return size_; }

  void Send(std::size_t to, std::string_view bytes) override {
    auto length = static_cast<std::int64_t>(bytes.size());
    Exchange(to, &length, sizeof length, /*sends=*/true);
    // Sending only reads.
    Exchange(to, const_cast<char*>(bytes.data()), bytes.size(), /*sends=*/true);
  }

  std::string Receive(std::size_t from) override {
    std::int64_t length = 0;
    Exchange(from, &length, sizeof length, /*sends=*/false);
    std::string bytes(static_cast<std::size_t>(length), '\0');
    Exchange(from, bytes.data(), bytes.size(), /*sends=*/false);
    return bytes;
  }

 private:
  void Exchange(std::size_t with, void* data, std::size_t size, bool sends) {
    if (size == 0) {
      return;
    }
    bool whole = false;
    try {
      std::vector<at::Tensor> tensors = {
          at::from_blob(data, {static_cast<std::int64_t>(size)}, at::kByte)};
      const int rank = static_cast<int>(with);
      const auto work =
          sends ? group_->send(tensors, rank, kTag) : group_->recv(tensors, rank, kTag);
      whole = SetCurrent(with, work) && work->wait();
      SetCurrent(with, {});
    } catch (const std::exception& error) {
      SetCurrent(with, {});
      throw LostRankError(with, Reason(error));
    }
    if (!whole) {
      throw LostRankError(with, "no sign of life for " + std::to_string(kBeatPatience) + " s");
    }
  }

  /// @return whether the other may still be there
  bool SetCurrent(std::size_t with, c10::intrusive_ptr<c10d::Work> work) {
    const std::lock_guard lock(mutex_);
    current_with_ = with;
    current_ = std::move(work);
    return !silent_[with];
  }

  void StartHeartbeat() {
    std::vector<std::size_t> watched;  // every rank exchanges messages with rank 0 alone
    for (std::size_t other = 0; other < size_; ++other) {
      if (other != rank_ && (rank_ == 0 || other == 0)) {
        watched.push_back(other);
      }
    }
    heartbeat_ = std::make_unique<detail::Heartbeat>(
        [store = store_](const std::string& key, std::int64_t value) {
          return store->add(key, value);
        },
        rank_, std::move(watched), /*keeper=*/0, [this](std::size_t other) { Abandon(other); },
        kBeatPeriod, kBeatPatience);
  }

  void Abandon(std::size_t other) {
    const std::lock_guard lock(mutex_);
    silent_[other] = true;
    if (current_ && current_with_ == other) {
      current_->abort();
    }
  }

  std::size_t rank_, size_;
  std::mutex mutex_;  ///< of what the heartbeat's thread looks at
  std::vector<bool> silent_;
  std::size_t current_with_ = 0;
  c10::intrusive_ptr<c10d::Work> current_;
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
  std::unique_ptr<detail::Heartbeat> heartbeat_;  // last: its threads use the others
};

}  // namespace
}  // namespace placer

placer::ProcessGroup* PlacerJoinProcessGroup(const placer::ProcessGroupAddress& address) {
  // Gloo writes to connections that may be closed; that must be an error, not the end.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return new placer::GlooGroup(address);
  } catch (const placer::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw placer::Error("rank " + std::to_string(address.rank) + ": cannot meet the other ranks (" +
                        std::to_string(address.size) + " expected) at " + address.master_host +
                        ":" + std::to_string(address.master_port) + ": " + placer::Reason(error));
  }
}
