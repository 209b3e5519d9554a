#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runner/torch/detail/program.h"

namespace placer::detail {

/// Which slot of a program has the present content of a tensor, by the memory it lies in. Fills the
/// program's slots and residents, and what its ops produce, pass on and must wait for.
class TensorHistory {
 public:
  /// @param complete  gives an op that is made up here its role and name
  TensorHistory(Program& program, std::function<void(ProgramOp&)> complete)
      : program_(program), complete_(std::move(complete)) {}

  void AddResident(const std::string& name, OpRole role, const at::Tensor& tensor,
                   const std::string& colocation);
  [[nodiscard]] bool Knows(const at::Tensor& tensor) const;
  /// Whether it lies in the memory of a resident tensor. @pre Knows(tensor)
  [[nodiscard]] bool IsResident(const at::Tensor& tensor) const;
  /// The slot that has the tensor's present content. Memory never seen before becomes a resident;
  /// a tensor that autograd made on memory it knows gets a view op.
  Slot Find(const at::Tensor& tensor);
  /// The op has run: it read these tensors and wrote to some of them (its `writes`).
  void AddAccesses(std::uint32_t op, std::span<const std::pair<Slot, at::Tensor>> tensors);
  /// @param position, element  in the op's results
  void AddResult(std::uint32_t op, std::uint32_t position, std::uint32_t element,
                 const at::Tensor& tensor);
  /// Of each resident that was written, as it is now.
  void HashWrittenResidents();

 private:
  struct Geometry {
    c10::ScalarType type;
    std::int64_t offset;
    std::vector<std::int64_t> sizes, strides;
    bool operator==(const Geometry&) const = default;
  };
  struct Storage {
    c10::weak_intrusive_ptr<c10::StorageImpl> alive;  ///< so that the address is not used again
    std::vector<std::pair<Geometry, Slot>> tensors;
    std::uint32_t last_writer = kNone;
    std::vector<std::uint32_t> readers;  ///< since the last write
    std::uint32_t resident = kNone;
  };

  Slot Current(Storage& storage, std::pair<Geometry, Slot>& entry);
  Slot AddView(Storage& storage, const Geometry& geometry, const at::Tensor& tensor);
  Slot NewSlot(const at::Tensor& tensor, std::uint32_t producer, std::optional<Slot> base);
  /// The last write is the version; a slot made before it is stale.
  [[nodiscard]] bool IsStale(const Storage& storage, Slot slot) const;
  void ApplyWrite(std::uint32_t op, Storage& storage);
  [[nodiscard]] Storage& StorageOf(const at::Tensor& tensor);
  [[nodiscard]] static Geometry GeometryOf(const at::Tensor& tensor);

  Program& program_;
  std::function<void(ProgramOp&)> complete_;
  std::unordered_map<const c10::StorageImpl*, Storage> storages_;
  std::vector<at::Tensor> keep_;  ///< residents, alive until the end
};

/// @param what  whose tensor it is
/// @throws InputError for what cannot be recorded: no dense tensor in host memory
void CheckSupported(const at::Tensor& tensor, const std::string& what);

}  // namespace placer::detail
