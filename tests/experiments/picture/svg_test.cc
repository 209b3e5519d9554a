#include "experiments/picture/svg.h"

#include <gmock/gmock.h>

#include <limits>
#include <stdexcept>

#include "tests/experiments/picture/svg_reader.h"

namespace placer {
namespace {

using test::SvgReader;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Svg, HasSizeTitleAndWhiteGround) {
  const Svg svg(100, 50.5, "a <title>");
  const SvgReader reader(svg.ToString());
  EXPECT_EQ(SvgReader::Attribute(reader.root(), "viewBox"), "0 0 100 50.5");
  EXPECT_EQ(SvgReader::Attribute(reader.root(), "xmlns"), "http://www.w3.org/2000/svg");
  EXPECT_EQ(SvgReader::Tooltip(reader.root()), "a <title>");
  const auto rects = reader.Find("rect");
  ASSERT_EQ(rects.size(), 1U);
  EXPECT_EQ(SvgReader::Attribute(rects[0], "fill"), "#ffffff");
  EXPECT_EQ(SvgReader::Number(rects[0], "height"), 50.5);
}

TEST(Svg, WritesShortNumbers) {
  Svg svg(10, 10, "");
  svg.Line({1, -0.001}, {2.5, 1.0 / 3}, {.stroke = "#000000"});
  EXPECT_THAT(svg.ToString(), HasSubstr(R"(<line x1="1" y1="0" x2="2.5" y2="0.33")"));
}

TEST(Svg, GroupsShareTheirFill) {
  Svg svg(10, 10, "");
  svg.BeginGroup("outer", "#ff0000");
  svg.BeginGroup("inner");
  svg.Rect({1, 2, 3, 4}, {}, "tip");
  svg.EndGroup();
  svg.EndGroup();
  const SvgReader reader(svg.ToString());
  const auto rects = reader.Find("rect", "inner");
  ASSERT_EQ(rects.size(), 1U);
  EXPECT_FALSE(rects[0].attribute("fill"));
  EXPECT_EQ(SvgReader::Tooltip(rects[0]), "tip");
  EXPECT_EQ(SvgReader::Attribute(rects[0].parent().parent(), "fill"), "#ff0000");
}

TEST(Svg, LinesThatAreNoneAreLeftOut) {
  Svg svg(10, 10, "");
  svg.Polyline({}, {.stroke = "#000000"});
  svg.Polyline({{1, 1}}, {.stroke = "#000000"});
  svg.Polygon({{1, 1}, {2, 2}}, {.fill = "#000000"});
  const SvgReader reader(svg.ToString());
  EXPECT_TRUE(reader.Find("polyline").empty());
  EXPECT_TRUE(reader.Find("polygon").empty());
}

TEST(Svg, KeepsHostileNamesApartFromItsMarkup) {
  const std::string hostile = "</text><script>alert(\"1\")</script>&amp;'\x01\xFF";
  Svg svg(10, 10, hostile);
  svg.Text({1, 1}, hostile);
  svg.Rect({0, 0, 1, 1}, {}, hostile);
  svg.BeginGroup(hostile);
  svg.EndGroup();
  const std::string text = svg.ToString();
  EXPECT_THAT(text, Not(HasSubstr("<script")));
  const SvgReader reader(text);
  const std::string clean = "</text><script>alert(\"1\")</script>&amp;'\uFFFD\uFFFD";
  EXPECT_THAT(reader.Texts(), ElementsAre(clean));
  EXPECT_EQ(SvgReader::Tooltip(reader.Find("rect")[1]), clean);
  EXPECT_TRUE(reader.Find("script").empty());
}

TEST(Svg, RefusesWhatIsNoPlaceAndOpenGroups) {
  Svg svg(10, 10, "");
  EXPECT_THROW(svg.Line({std::numeric_limits<double>::quiet_NaN(), 0}, {1, 1}, {}),
               std::logic_error);
  EXPECT_THROW(svg.EndGroup(), std::logic_error);
  svg.BeginGroup("open");
  EXPECT_THROW(static_cast<void>(svg.ToString()), std::logic_error);
}

TEST(CleanText, ReplacesWhatXmlCannotHold) {
  EXPECT_EQ(CleanText("plain µs 時 🙂"), "plain µs 時 🙂");
  EXPECT_EQ(CleanText("a\nb\tc\rd"), "a b c d");
  EXPECT_EQ(CleanText(std::string_view("a\0b", 3)), "a\uFFFDb");
  EXPECT_EQ(CleanText("\x7F"), "\uFFFD");
  EXPECT_EQ(CleanText("\xC0\xAF"), "\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(CleanText("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // surrogate
  EXPECT_EQ(CleanText("\xEF\xBF\xBE"), "\uFFFD");              // U+FFFE
  EXPECT_EQ(CleanText("\xC2\x85"), "\uFFFD");                  // U+0085, a control character
  EXPECT_EQ(CleanText("x\xE6\x99"), "x\uFFFD\uFFFD");          // cut short
  EXPECT_EQ(CleanText("\xF5\x80\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(Shorten, KeepsBothEnds) {
  EXPECT_EQ(Shorten("abcdef", 6), "abcdef");
  EXPECT_EQ(Shorten("abcdefg", 6), "abc…fg");
  EXPECT_EQ(Shorten("µµµµ", 3), "µ…µ");
  EXPECT_EQ(Shorten("abc", 1), "…");
  EXPECT_EQ(Shorten("abc", 0), "");
}

TEST(TextWidth, CountsCharacters) {
  EXPECT_EQ(TextWidth("", 10), 0);
  EXPECT_DOUBLE_EQ(TextWidth("µs", 10), TextWidth("us", 10));
}

}  // namespace
}  // namespace placer
