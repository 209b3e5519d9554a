#pragma once

#include <memory>
#include <string>

namespace placer {

/// Which ops a user means: a glob over the whole name (`*` any text, `?` any character, `[ab]` one
/// of), as in a shell but with `*` across slashes; or `/regex/`, a POSIX extended regular
/// expression that is found anywhere in the name. Immutable; const access is thread-safe.
class OpPattern {
 public:
  /// @throws InputError for an empty pattern or a regular expression that does not compile
  explicit OpPattern(std::string text);

  [[nodiscard]] bool Matches(const std::string& name) const;
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  struct Regex;
  std::string text_;
  std::shared_ptr<const Regex> regex_;  ///< null: a glob
};

}  // namespace placer
