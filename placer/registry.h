#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "placer/placer.h"

namespace placer {

/// Methods by name.
class PlacerRegistry {
 public:
  using Factory = std::function<std::unique_ptr<Placer>()>;
  struct Entry {
    std::string name;
    std::string summary;  ///< one line, with the source
    Factory make;
  };

  void Add(Entry entry) { entries_.push_back(std::move(entry)); }
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::vector<std::string> Names() const;
  /// @throws InputError for an unknown name; the message lists the known ones
  [[nodiscard]] std::unique_ptr<Placer> Make(const std::string& name) const;

 private:
  std::vector<Entry> entries_;
};

/// Every method that does not need LibTorch. The command adds `reinforce` and `reinforce+warm`.
[[nodiscard]] PlacerRegistry HeuristicPlacers();

}  // namespace placer
