#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "graphs/base/error.h"

namespace placer {

/// Which of several processes that work together this one is, and where they meet.
struct ProcessGroupAddress {
  std::string master_host;  ///< of rank 0
  std::uint16_t master_port = 0;
  std::size_t rank = 0, size = 1;
  bool operator==(const ProcessGroupAddress&) const = default;
};

/// From MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE, as torchrun, Kubernetes and others set them.
/// Nothing if WORLD_SIZE is not set, or 1. @throws InputError if another is missing or makes no
/// sense
[[nodiscard]] std::optional<ProcessGroupAddress> ProcessGroupFromEnvironment();

/// Another process that has ended, or whose machine is gone.
class LostRankError : public Error {
 public:
  LostRankError(std::size_t rank, const std::string& why)
      : Error("rank " + std::to_string(rank) + " is gone: " + why), rank_(rank) {}
  [[nodiscard]] std::size_t rank() const noexcept { return rank_; }

 private:
  std::size_t rank_;
};

/// Messages between processes. Not thread-safe.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  [[nodiscard]] virtual std::size_t rank() const noexcept = 0;
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
  /// Waits until the other has begun to receive. @throws LostRankError
  virtual void Send(std::size_t to, std::string_view bytes) = 0;
  /// The next message of the other, in the order of sending; waits for it as long as the other is
  /// there. @throws LostRankError
  [[nodiscard]] virtual std::string Receive(std::size_t from) = 0;

 protected:
  ProcessGroup() = default;
};

/// Waits until all ranks are there: LibTorch's TCPStore brings them together, Gloo carries the
/// messages. Loads the LibTorch part on first use; @throws UnavailableError if that cannot be
/// loaded, and Error if not all ranks come within five minutes
[[nodiscard]] std::unique_ptr<ProcessGroup> JoinProcessGroup(const ProcessGroupAddress& address);

}  // namespace placer
