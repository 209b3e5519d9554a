#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace placer {

/// An object of a JSON file whose fields are read with their faults located.
class JsonObject {
 public:
  using Json = nlohmann::ordered_json;

  /// @param where  "nodes[3]", put in front of faults; empty for the outermost object
  /// @throws InputError if it is no object
  JsonObject(const Json& value, std::string where);

  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  [[nodiscard]] bool Has(std::string_view field) const;
  /// A finite number, in the range. @throws InputError
  [[nodiscard]] double Number(std::string_view field, double least, double most) const;
  /// A whole number of at most 2^53. @throws InputError
  [[nodiscard]] std::int64_t Whole(std::string_view field) const;
  /// true, false, 0 or 1. @throws InputError
  [[nodiscard]] bool Flag(std::string_view field) const;
  /// @throws InputError
  [[nodiscard]] const std::string& Text(std::string_view field) const;
  /// @throws InputError if there is no such list
  [[nodiscard]] const Json& List(std::string_view field) const;

 private:
  [[nodiscard]] const Json& At(std::string_view field, std::string_view expected) const;
  [[noreturn]] void Throw(std::string_view field, const Json& found,
                          std::string_view expected) const;
  const Json& value_;
  std::string where_;
};

/// A value as messages show it: at most 40 bytes of its JSON.
[[nodiscard]] std::string ShortJson(const nlohmann::ordered_json& value);

}  // namespace placer
