#include "placer/op_pattern.h"

#include <fnmatch.h>
#include <regex.h>

#include <array>
#include <utility>

#include "graphs/base/error.h"

namespace placer {

struct OpPattern::Regex {
  explicit Regex(const std::string& text) {
    const int status = regcomp(&compiled, text.c_str(), REG_EXTENDED | REG_NOSUB);
    if (status != 0) {
      std::array<char, 256> reason{};
      (void)regerror(status, &compiled, reason.data(), reason.size());
      throw InputError("pattern '/" + text + "/': " + reason.data() +
                       ", expected a POSIX extended regular expression");
    }
  }
  ~Regex() { regfree(&compiled); }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  regex_t compiled{};
};

OpPattern::OpPattern(std::string text) : text_(std::move(text)) {
  if (text_.empty()) {
    throw InputError("pattern: is empty, expected a glob or /regex/ over op names");
  }
  if (text_.size() > 2 && text_.front() == '/' && text_.back() == '/') {
    regex_ = std::make_shared<const Regex>(text_.substr(1, text_.size() - 2));
  }
}

bool OpPattern::Matches(const std::string& name) const {
  return regex_ ? regexec(&regex_->compiled, name.c_str(), 0, nullptr, 0) == 0
                : fnmatch(text_.c_str(), name.c_str(), 0) == 0;
}

}  // namespace placer
