#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace placer {

/// Disjoint sets over 0..n-1. The leader of a set is its smallest member, so results do not depend
/// on the order of unions.
class UnionFind {
 public:
  explicit UnionFind(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0U); }

  [[nodiscard]] std::size_t Find(std::size_t x) {
    while (parent_[x] != x) {
      parent_[x] = parent_[parent_[x]];
      x = parent_[x];
    }
    return x;
  }
  /// @return false if the two were together already
  bool Union(std::size_t a, std::size_t b) {
    a = Find(a);
    b = Find(b);
    if (a == b) {
      return false;
    }
    if (b < a) {
      std::swap(a, b);
    }
    parent_[b] = static_cast<std::uint32_t>(a);
    return true;
  }
  /// The class of every member; classes are numbered by their smallest member.
  [[nodiscard]] std::vector<std::uint32_t> Classes() {
    std::vector<std::uint32_t> classes(parent_.size());
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < parent_.size(); ++i) {
      const std::size_t leader = Find(i);
      classes[i] = leader == i ? next++ : classes[leader];
    }
    num_classes_ = next;
    return classes;
  }
  /// After Classes().
  [[nodiscard]] std::size_t num_classes() const noexcept { return num_classes_; }

 private:
  std::vector<std::uint32_t> parent_;
  std::size_t num_classes_ = 0;
};

}  // namespace placer
