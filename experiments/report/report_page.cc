#include "experiments/report/report_page.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#ifdef PLACER_HAS_REPORT_PAGE
extern "C" {
extern const char placer_report_page[];
extern const char placer_report_page_end[];
}
#endif

namespace placer {
namespace {

// In web/build.mjs as well.
constexpr std::string_view kPlace = "\"PLACER_REPORT_DATA\"";

/// JSON within a <script> element ends where HTML sees `</script` and is read differently after
/// `<!--`: every `<` is written as an escape, and the two separators that old JavaScript takes for
/// ends of lines as well.
std::string Inert(const std::string& json) {
  std::string text;
  text.reserve(json.size() + json.size() / 64);
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string_view rest = std::string_view(json).substr(i, 3);
    if (json[i] == '<' || json[i] == '>' || json[i] == '&') {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto code = static_cast<unsigned char>(json[i]);
      text += "\\u00";
      text += kDigits[code >> 4U];
      text += kDigits[code & 15U];
    } else if (rest == "\u2028" || rest == "\u2029") {
      text += rest == "\u2028" ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      text += json[i];
    }
  }
  return text;
}

}  // namespace

std::string_view BundledPage() noexcept {
#ifdef PLACER_HAS_REPORT_PAGE
  return {placer_report_page,
          static_cast<std::size_t>(placer_report_page_end - placer_report_page)};
#else
  return {};
#endif
}

std::string FillPage(std::string_view page, const nlohmann::ordered_json& data) {
  const std::size_t place = page.find(kPlace);
  if (place == std::string_view::npos) {
    throw std::logic_error("the report's page has no place for data");
  }
  const std::string text =
      Inert(data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  std::string filled;
  filled.reserve(page.size() + text.size());
  filled += page.substr(0, place);
  filled += text;
  filled += page.substr(place + kPlace.size());
  return filled;
}

}  // namespace placer
