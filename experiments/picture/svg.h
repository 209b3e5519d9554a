#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace placer {

/// A position in pixels; y grows downwards.
struct Point {
  double x = 0, y = 0;
  bool operator==(const Point&) const = default;
};
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  [[nodiscard]] double right() const noexcept { return x + width; }
  [[nodiscard]] double bottom() const noexcept { return y + height; }
};

/// How a shape is painted. An empty colour paints nothing.
struct Paint {
  std::string fill, stroke;
  double stroke_width = 1;
  double opacity = 1;
  std::string dashes = {};  ///< such as "4 3"; empty: solid
};

enum class Anchor : std::uint8_t { kStart, kMiddle, kEnd };
struct TextStyle {
  double size = 12;  ///< font size in pixels
  Anchor anchor = Anchor::kStart;
  std::string color = "#222222";
  bool bold = false;
  double degrees = 0;  ///< clockwise, around the point
};

/// A picture that is drawn from back to front and then written as one SVG document: white ground,
/// sans-serif text, no scripts, no style sheets, nothing loaded from elsewhere. Any text may be
/// given; what XML cannot hold is replaced. The same calls give the same bytes. Not thread-safe.
/// Every call throws std::logic_error for a coordinate that is not finite.
class Svg {
 public:
  /// @param title  what a reader hears or sees as a tooltip of the whole
  Svg(double width, double height, const std::string& title);
  ~Svg();
  Svg(const Svg&) = delete;
  Svg& operator=(const Svg&) = delete;

  void Rect(const Box& box, const Paint& paint, const std::string& tooltip = {});
  void Circle(const Point& center, double radius, const Paint& paint,
              const std::string& tooltip = {});
  void Line(const Point& from, const Point& to, const Paint& paint);
  /// Nothing for fewer than two points.
  void Polyline(const std::vector<Point>& points, const Paint& paint,
                const std::string& tooltip = {});
  /// Nothing for fewer than three points.
  void Polygon(const std::vector<Point>& points, const Paint& paint);
  /// A curve that leaves and arrives horizontally.
  void Connection(const Point& from, const Point& to, const Paint& paint);
  /// The point is on the base line.
  void Text(const Point& at, const std::string& text, const TextStyle& style = {});

  /// What is drawn until EndGroup() shares the fill (where a shape has none of its own) and the
  /// class, by which scripts and tests find it.
  void BeginGroup(const std::string& css_class, const std::string& fill = {});
  /// @throws std::logic_error if there is none to end
  void EndGroup();

  /// @throws std::logic_error while a group is open
  [[nodiscard]] std::string ToString() const;

 private:
  struct Document;  ///< the XML library stays in the .cc
  std::unique_ptr<Document> document_;
};

/// About how wide a text is, in pixels; rather too wide than too narrow, since fonts differ.
[[nodiscard]] double TextWidth(std::string_view text, double size);
/// At most `max_chars` characters: the middle of a longer text becomes "…".
[[nodiscard]] std::string Shorten(const std::string& text, std::size_t max_chars);
/// Valid UTF-8 without control characters: what is neither becomes U+FFFD, line ends and tabs a
/// space.
[[nodiscard]] std::string CleanText(std::string_view text);

}  // namespace placer
