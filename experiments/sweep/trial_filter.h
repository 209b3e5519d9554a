#pragma once

#include <memory>
#include <string>
#include <vector>

namespace placer::proto {
class Experiment;
}  // namespace placer::proto

namespace placer {

/// A condition on the fields of an experiment: `FIELD OP VALUE`, several joined by `&&`. OP is one
/// of = != < <= > >=. Numbers compare as numbers; = and != take `*`, `?` and `[ab]` in VALUE as in
/// a shell. A field that is not set is empty, and neither less nor greater than anything.
/// Immutable.
class TrialFilter {
 public:
  /// @throws InputError for anything else, an unknown field, or a VALUE of < and the like that is
  /// no number
  explicit TrialFilter(const std::string& text);
  ~TrialFilter();
  TrialFilter(TrialFilter&&) noexcept;
  TrialFilter& operator=(TrialFilter&&) noexcept;
  TrialFilter(const TrialFilter&) = delete;
  TrialFilter& operator=(const TrialFilter&) = delete;

  [[nodiscard]] bool Matches(const proto::Experiment& experiment) const;

 private:
  struct Condition;
  std::vector<Condition> conditions_;
};

}  // namespace placer
