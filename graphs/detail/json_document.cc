#include "graphs/detail/json_document.h"

#include <algorithm>
#include <cstddef>

#include "graphs/base/error.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 100;

/// "line:column" of the byte before `position`, which counts from 1.
std::string LineAndColumn(std::string_view content, std::size_t position) {
  const std::string_view before = content.substr(0, position == 0 ? 0 : position - 1);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column =
      before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  return std::to_string(line) + ":" + std::to_string(column);
}

/// nlohmann's message from "syntax error" on; it says by itself what was found and expected.
std::string Fault(std::string message) {
  const std::size_t start = message.find("syntax error");
  message = start == std::string::npos ? message : message.substr(start);
  std::replace_if(
      message.begin(), message.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  constexpr std::size_t kLongest = 200;
  return message.size() > kLongest ? message.substr(0, kLongest) + "..." : message;
}

}  // namespace

Json ParseJsonDocument(std::string_view content, const std::string& where) {
  const auto check_depth = [&](int depth, Json::parse_event_t /*event*/, Json& /*value*/) {
    if (depth > kMaxDepth) {
      throw InputError(where + ": has JSON values nested deeper than " + std::to_string(kMaxDepth) +
                       ", expected fewer levels");
    }
    return true;
  };
  try {
    return Json::parse(content, check_depth);
  } catch (const Json::parse_error& error) {
    throw InputError(where + ":" + LineAndColumn(content, error.byte) + ": " + Fault(error.what()));
  } catch (const Json::exception& error) {  // a number that no double holds
    throw InputError(where + ": " + Fault(error.what()) + ", expected JSON");
  }
}

}  // namespace placer
