#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace placer {

/// One point of a curve.
struct EventScalar {
  std::string_view tag;
  double value = 0;
};

/// A file of curves for TensorBoard: records of a length, its checksum, a protobuf message
/// (experiments/tensorboard.proto) and its checksum. A record is appended by one write(), so that a
/// process that is killed leaves at most a torn last one; readers wait for the rest of it. One
/// writer at a time. All calls @throw InputError where the file cannot be read or written.
/// Source: TFRecord format, https://www.tensorflow.org/tutorials/load_data/tfrecord.
class EventFile {
 public:
  /// What TensorBoard looks for in a folder is a name with `tfevents` in it.
  static constexpr const char* kName = "events.out.tfevents.placer";

  explicit EventFile(std::filesystem::path path) : path_(std::move(path)) {}

  /// Makes the file, or goes on with the one that is there: what a killed writer left of a record
  /// is cut off. A new file begins with `text`, shown as it is, under `tag`.
  void Open(std::string_view tag, const std::string& text) const;
  /// Cuts the file off before its first record of `first_step` or later, in place: a reader that
  /// was further along finds the new records where the old ones were.
  void Trim(std::int64_t first_step) const;
  void Append(std::int64_t step, std::span<const EventScalar> scalars) const;

 private:
  std::filesystem::path path_;
};

}  // namespace placer
