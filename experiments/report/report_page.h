#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace placer {

/// The page that the build bundled from web/: HTML with its scripts and styles, without data. Empty
/// if the build had no npm.
[[nodiscard]] std::string_view BundledPage() noexcept;

/// `page` with `data` in it. Whatever names the data holds, they stay text: no tag ends or begins
/// within the data, and bytes that are no UTF-8 are replaced.
/// @throws std::logic_error if the page lacks its place for data
[[nodiscard]] std::string FillPage(std::string_view page, const nlohmann::ordered_json& data);

}  // namespace placer
