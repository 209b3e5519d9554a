#include "graphs/detail/json_field.h"

#include <cmath>

#include "graphs/base/error.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

std::string In(const std::string& where, const std::string& fault) {
  return where.empty() ? fault : where + ": " + fault;
}

}  // namespace

std::string ShortJson(const Json& value) {
  constexpr std::size_t kLongest = 40;
  if (value.is_structured()) {
    return value.is_object() ? "an object" : "a list";
  }
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);
  return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

JsonObject::JsonObject(const Json& value, std::string where)
    : value_(value), where_(std::move(where)) {
  if (!value.is_object()) {
    throw InputError(In(where_, "is " + ShortJson(value) + ", expected an object"));
  }
}

bool JsonObject::Has(std::string_view field) const {
  const auto found = value_.find(std::string(field));
  return found != value_.end() && !found->is_null();
}

const Json& JsonObject::At(std::string_view field, std::string_view expected) const {
  if (!Has(field)) {
    throw InputError(
        In(where_, "has no field '" + std::string(field) + "', expected " + std::string(expected)));
  }
  return *value_.find(std::string(field));
}

void JsonObject::Throw(std::string_view field, const Json& found, std::string_view expected) const {
  throw InputError(In(where_, "field '" + std::string(field) + "' is " + ShortJson(found) +
                                  ", expected " + std::string(expected)));
}

double JsonObject::Number(std::string_view field, double least, double most) const {
  const Json& found = At(field, "a number");
  if (!found.is_number()) {
    Throw(field, found, "a number");
  }
  const double number = found.get<double>();
  if (!(number >= least && number <= most)) {
    Throw(field, found, "a number from " + Json(least).dump() + " to " + Json(most).dump());
  }
  return number;
}

std::int64_t JsonObject::Whole(std::string_view field) const {
  constexpr double kMost = 9007199254740992;  // 2^53
  const double number = Number(field, -kMost, kMost);
  if (number != std::floor(number)) {
    Throw(field, At(field, ""), "a whole number");
  }
  return static_cast<std::int64_t>(number);
}

bool JsonObject::Flag(std::string_view field) const {
  const Json& found = At(field, "true or false");
  if (found.is_boolean()) {
    return found.get<bool>();
  }
  if (!found.is_number() || (found.get<double>() != 0 && found.get<double>() != 1)) {
    Throw(field, found, "true or false");
  }
  return found.get<double>() == 1;
}

const std::string& JsonObject::Text(std::string_view field) const {
  const Json& found = At(field, "a text");
  if (!found.is_string()) {
    Throw(field, found, "a text");
  }
  return found.get_ref<const std::string&>();
}

const Json& JsonObject::List(std::string_view field) const {
  const Json& found = At(field, "a list");
  if (!found.is_array()) {
    Throw(field, found, "a list");
  }
  return found;
}

}  // namespace placer
