#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "experiments/experiment.pb.h"

namespace placer::detail {

/// A field of an experiment by its path, read and written as text (Axis.field in
/// experiments/experiment.proto says which paths there are). A regular value.
class ExperimentField {
 public:
  /// @throws InputError for a path that is none; says which there are
  explicit ExperimentField(std::string path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// How many parts follow the first: `model` is set before `model.batch`.
  [[nodiscard]] std::size_t depth() const noexcept { return fields_.size() + !key_.empty(); }
  /// A repeated field gets an element for each line. An empty value takes the field away.
  /// @throws InputError if the value is none of the field's type
  void Set(proto::Experiment& experiment, const std::string& value) const;
  /// Elements of a repeated field with commas; empty if it is not set.
  [[nodiscard]] std::string Get(const proto::Experiment& experiment) const;

 private:
  std::string path_;
  /// From the experiment down; at least one.
  std::vector<const google::protobuf::FieldDescriptor*> fields_;
  std::string key_;  ///< of an option, or a parameter of model or cluster
};

}  // namespace placer::detail
