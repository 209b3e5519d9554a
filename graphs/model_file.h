#pragma once

#include <filesystem>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace placer {

/// A file that importers are asked about. Read when first needed, and once. Not thread-safe.
class ModelFile {
 public:
  explicit ModelFile(std::filesystem::path path) : path_(std::move(path)) {}
  /// Content that is in memory already; the path is only its name.
  ModelFile(std::filesystem::path path, std::string content)
      : path_(std::move(path)), content_(std::move(content)) {}

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// For graphs: the file's name without its suffix.
  [[nodiscard]] std::string stem() const { return path_.stem().string(); }

  /// All of it. @throws InputError naming the file
  [[nodiscard]] const std::string& content() const;
  /// The same as a stream, for who does not need all of it. @throws InputError naming the file
  [[nodiscard]] std::unique_ptr<std::istream> Open() const;
  /// At most the first 64 KiB. @throws InputError naming the file
  [[nodiscard]] std::string_view head() const;
  /// No control characters but white space in the head, which has something else than white space.
  [[nodiscard]] bool is_text() const;
  /// Text that starts with a brace.
  [[nodiscard]] bool is_json() const;

 private:
  std::filesystem::path path_;
  mutable std::optional<std::string> content_;
  mutable std::optional<std::string> head_;
};

}  // namespace placer
