#include "graphs/model_file.h"

#include <fstream>
#include <sstream>
#include <system_error>

#include "graphs/base/error.h"
#include "graphs/base/proto_file.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

constexpr std::size_t kHeadBytes = std::size_t{64} << 10U;
constexpr std::string_view kSpace = " \t\r\n\f\v";

}  // namespace

const std::string& ModelFile::content() const {
  if (!content_) {
    content_ = ReadWholeFile(path_);
  }
  return *content_;
}

std::unique_ptr<std::istream> ModelFile::Open() const {
  if (content_) {
    return std::make_unique<std::istringstream>(*content_);
  }
  std::error_code error;
  if (std::filesystem::is_directory(path_, error)) {
    throw InputError(path_.string() + ": is a directory, expected a file");
  }
  if (std::filesystem::exists(path_, error) && !std::filesystem::is_regular_file(path_, error)) {
    return std::make_unique<std::istringstream>(content());  // a pipe gives its bytes only once
  }
  auto file = std::make_unique<std::ifstream>(path_, std::ios::binary);
  if (!*file) {
    throw InputError(path_.string() + ": cannot be opened, expected a readable file");
  }
  return file;
}

std::string_view ModelFile::head() const {
  if (content_) {
    return std::string_view(*content_).substr(0, kHeadBytes);
  }
  if (!head_) {
    head_.emplace(kHeadBytes, '\0');
    const auto file = Open();
    file->read(head_->data(), static_cast<std::streamsize>(kHeadBytes));
    head_->resize(static_cast<std::size_t>(file->gcount()));
  }
  return *head_;
}

bool ModelFile::is_text() const {
  return head().find_first_not_of(kSpace) != std::string_view::npos && LooksLikeText(head());
}

bool ModelFile::is_json() const {
  return is_text() && head()[head().find_first_not_of(kSpace)] == '{';
}

}  // namespace placer
