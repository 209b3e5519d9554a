#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "graphs/graph.h"

namespace placer {

/// A whole number that a zoo graph takes.
struct ZooNumber {
  std::string_view name;
  std::int64_t default_value = 0;
  std::int64_t min = 1;
  std::int64_t max = 1;
  std::string_view meaning;
};

/// The numbers of one graph, all of them set.
class ZooNumbers {
 public:
  void Set(std::string_view name, std::int64_t value) { values_[std::string(name)] = value; }
  /// @throws std::logic_error for a name the model does not declare
  [[nodiscard]] std::int64_t operator[](std::string_view name) const;

 private:
  std::map<std::string, std::int64_t, std::less<>> values_;
};

/// One family of graphs. `make` returns the forward graph; its outputs are logits.
struct ZooModel {
  std::string_view name;
  std::string_view summary;
  std::string_view optimizer;  ///< by default, for training
  std::span<const ZooNumber> numbers;
  Graph (*make)(const ZooNumbers& numbers) = nullptr;
};

[[nodiscard]] ZooModel InceptionV3Model();
[[nodiscard]] ZooModel NmtModel();
[[nodiscard]] ZooModel Resnet50Model();
[[nodiscard]] ZooModel RnnlmModel();
[[nodiscard]] ZooModel TransformerModel();

}  // namespace placer
