#include "experiments/picture/svg.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <pugixml.hpp>
#include <sstream>
#include <stdexcept>

namespace placer {
namespace {

/// Hundredths of a pixel are enough, and the shortest form keeps big pictures small.
std::string Number(double value) {
  if (!std::isfinite(value)) {
    throw std::logic_error("a coordinate of a picture is not finite");
  }
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

void Set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}
void Set(pugi::xml_node node, const char* name, double value) { Set(node, name, Number(value)); }

void SetPaint(pugi::xml_node node, const Paint& paint, bool is_line) {
  if (!paint.fill.empty()) {
    Set(node, "fill", paint.fill);
  } else if (is_line || !paint.stroke.empty()) {
    Set(node, "fill", "none");
  }
  if (!paint.stroke.empty()) {
    Set(node, "stroke", paint.stroke);
    if (paint.stroke_width != 1) {
      Set(node, "stroke-width", paint.stroke_width);
    }
  }
  if (paint.opacity != 1) {
    Set(node, "opacity", paint.opacity);
  }
  if (!paint.dashes.empty()) {
    Set(node, "stroke-dasharray", paint.dashes);
  }
}

void SetTooltip(pugi::xml_node node, const std::string& tooltip) {
  if (!tooltip.empty()) {
    node.append_child("title").text().set(CleanText(tooltip).c_str());
  }
}

std::string Points(const std::vector<Point>& points) {
  std::string text;
  for (const Point& point : points) {
    text += (text.empty() ? "" : " ") + Number(point.x) + "," + Number(point.y);
  }
  return text;
}

struct Decoded {
  std::size_t length = 1;  ///< bytes taken
  bool valid = false;
};

/// The character at the front of a text, by the table of well-formed byte sequences (The Unicode
/// Standard, table 3-7).
Decoded DecodeFront(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return {1, lead >= 0x20 && lead != 0x7F};
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) {
    return {};
  }
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) < (i == 1 ? low : 0x80) || byte(i) > (i == 1 ? high : 0xBF)) {
      return {};
    }
  }
  // U+0080..U+009F are control characters, U+FFFE and U+FFFF are not allowed in XML.
  const bool control = lead == 0xC2 && byte(1) < 0xA0;
  const bool not_xml = lead == 0xEF && byte(1) == 0xBF && byte(2) >= 0xBE;
  return {length, !control && !not_xml};
}

/// Where the characters of a clean text begin, and its end.
std::vector<std::size_t> CharacterStarts(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      starts.push_back(i);
    }
  }
  starts.push_back(text.size());
  return starts;
}

}  // namespace

struct Svg::Document {
  pugi::xml_document xml;
  std::vector<pugi::xml_node> open;  ///< the root, then the groups
  pugi::xml_node Add(const char* element) { return open.back().append_child(element); }
};

Svg::Svg(double width, double height, const std::string& title)
    : document_(std::make_unique<Document>()) {
  pugi::xml_node root = document_->xml.append_child("svg");
  Set(root, "xmlns", "http://www.w3.org/2000/svg");
  Set(root, "width", width);
  Set(root, "height", height);
  Set(root, "viewBox", "0 0 " + Number(width) + " " + Number(height));
  Set(root, "role", "img");
  // The first of these that a machine has; all have about the same widths.
  Set(root, "font-family", "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif");
  SetTooltip(root, title);
  document_->open.push_back(root);
  // Viewers with a dark ground would hide dark text.
  Rect({0, 0, width, height}, {.fill = "#ffffff"});
}

Svg::~Svg() = default;

void Svg::Rect(const Box& box, const Paint& paint, const std::string& tooltip) {
  const pugi::xml_node node = document_->Add("rect");
  Set(node, "x", box.x);
  Set(node, "y", box.y);
  Set(node, "width", box.width);
  Set(node, "height", box.height);
  SetPaint(node, paint, /*is_line=*/false);
  SetTooltip(node, tooltip);
}

void Svg::Circle(const Point& center, double radius, const Paint& paint,
                 const std::string& tooltip) {
  const pugi::xml_node node = document_->Add("circle");
  Set(node, "cx", center.x);
  Set(node, "cy", center.y);
  Set(node, "r", radius);
  SetPaint(node, paint, /*is_line=*/false);
  SetTooltip(node, tooltip);
}

void Svg::Line(const Point& from, const Point& to, const Paint& paint) {
  const pugi::xml_node node = document_->Add("line");
  Set(node, "x1", from.x);
  Set(node, "y1", from.y);
  Set(node, "x2", to.x);
  Set(node, "y2", to.y);
  SetPaint(node, paint, /*is_line=*/true);
}

void Svg::Polyline(const std::vector<Point>& points, const Paint& paint,
                   const std::string& tooltip) {
  if (points.size() < 2) {
    return;
  }
  const pugi::xml_node node = document_->Add("polyline");
  Set(node, "points", Points(points));
  SetPaint(node, paint, /*is_line=*/true);
  Set(node, "stroke-linejoin", "round");
  SetTooltip(node, tooltip);
}

void Svg::Polygon(const std::vector<Point>& points, const Paint& paint) {
  if (points.size() < 3) {
    return;
  }
  const pugi::xml_node node = document_->Add("polygon");
  Set(node, "points", Points(points));
  SetPaint(node, paint, /*is_line=*/false);
}

void Svg::Connection(const Point& from, const Point& to, const Paint& paint) {
  const pugi::xml_node node = document_->Add("path");
  const std::string middle = Number((from.x + to.x) / 2);
  Set(node, "d",
      "M" + Number(from.x) + "," + Number(from.y) + "C" + middle + "," + Number(from.y) + " " +
          middle + "," + Number(to.y) + " " + Number(to.x) + "," + Number(to.y));
  SetPaint(node, paint, /*is_line=*/true);
}

void Svg::Text(const Point& at, const std::string& text, const TextStyle& style) {
  constexpr std::array<const char*, 3> kAnchors = {"start", "middle", "end"};
  const pugi::xml_node node = document_->Add("text");
  Set(node, "x", at.x);
  Set(node, "y", at.y);
  Set(node, "font-size", style.size);
  Set(node, "fill", style.color);
  if (style.anchor != Anchor::kStart) {
    Set(node, "text-anchor", kAnchors[static_cast<std::size_t>(style.anchor)]);
  }
  if (style.bold) {
    Set(node, "font-weight", "bold");
  }
  if (style.degrees != 0) {
    Set(node, "transform",
        "rotate(" + Number(style.degrees) + " " + Number(at.x) + " " + Number(at.y) + ")");
  }
  node.text().set(CleanText(text).c_str());
}

void Svg::BeginGroup(const std::string& css_class, const std::string& fill) {
  const pugi::xml_node node = document_->Add("g");
  Set(node, "class", CleanText(css_class));
  if (!fill.empty()) {
    Set(node, "fill", fill);
  }
  document_->open.push_back(node);
}

void Svg::EndGroup() {
  if (document_->open.size() < 2) {
    throw std::logic_error("no group of the picture is open");
  }
  document_->open.pop_back();
}

std::string Svg::ToString() const {
  if (document_->open.size() != 1) {
    throw std::logic_error("a group of the picture is still open");
  }
  std::ostringstream out;
  document_->xml.save(out, "", pugi::format_indent, pugi::encoding_utf8);
  return out.str();
}

double TextWidth(std::string_view text, double size) {
  // DejaVu Sans, the widest of the usual sans-serif fonts, has 0.59 of its size per character on
  // average over lower-case English, and 0.64 for digits.
  return 0.62 * size * static_cast<double>(CharacterStarts(text).size() - 1);
}

std::string Shorten(const std::string& text, std::size_t max_chars) {
  const std::string clean = CleanText(text);
  const std::vector<std::size_t> starts = CharacterStarts(clean);
  const std::size_t length = starts.size() - 1;
  if (length <= max_chars || max_chars == 0) {
    return max_chars == 0 ? "" : clean;
  }
  const std::size_t tail = (max_chars - 1) / 2;
  return clean.substr(0, starts[max_chars - 1 - tail]) + "…" + clean.substr(starts[length - tail]);
}

std::string CleanText(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const auto [length, valid] = DecodeFront(text);
    if (valid) {
      clean += text.substr(0, length);
    } else if (text[0] == '\n' || text[0] == '\t' || text[0] == '\r') {
      clean += ' ';
    } else {
      clean += "\uFFFD";
    }
    text.remove_prefix(length);
  }
  return clean;
}

}  // namespace placer
