#include "graphs/detail/sniff.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string>

namespace placer {
namespace {

using Json = nlohmann::json;

/// Stops at the first key of the outermost object that is looked for.
class KeyFinder final : public nlohmann::json_sax<Json> {
 public:
  explicit KeyFinder(std::initializer_list<std::string_view> keys) : keys_(keys) {}
  [[nodiscard]] bool found() const noexcept { return found_; }

  bool key(std::string& name) override {
    found_ = depth_ == 1 && std::find(keys_.begin(), keys_.end(), name) != keys_.end();
    return !found_;
  }
  bool start_object(std::size_t /*size*/) override {
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t /*size*/) override {
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(std::int64_t /*value*/) override { return true; }
  bool number_unsigned(std::uint64_t /*value*/) override { return true; }
  bool number_float(double /*value*/, const std::string& /*text*/) override { return true; }
  bool string(std::string& /*value*/) override { return true; }
  bool binary(Json::binary_t& /*value*/) override { return true; }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  std::initializer_list<std::string_view> keys_;
  int depth_ = 0;
  bool found_ = false;
};

}  // namespace

bool HasJsonKey(const ModelFile& file, std::initializer_list<std::string_view> keys) {
  if (!file.is_json()) {
    return false;
  }
  KeyFinder finder(keys);
  Json::sax_parse(file.content(), &finder);
  return finder.found();
}

std::string_view FirstTextWord(const ModelFile& file) {
  if (!file.is_text()) {
    return {};
  }
  std::string_view text = file.head();
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n\f\v"), text.size()));
    if (text.empty() || text.front() != '#') {
      break;
    }
    text.remove_prefix(std::min(text.find('\n'), text.size()));
  }
  const auto end = std::find_if_not(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

std::string_view TextLine(const ModelFile& file, std::size_t index) {
  if (!file.is_text()) {
    return {};
  }
  std::string_view text = file.head();
  for (; index > 0; --index) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      return {};
    }
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  return text.ends_with('\r') ? text.substr(0, text.size() - 1) : text;
}

}  // namespace placer
