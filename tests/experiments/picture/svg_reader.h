#pragma once

#include <gtest/gtest.h>

#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace placer::test {

/// An SVG document, parsed again: what is drawn where.
class SvgReader {
 public:
  explicit SvgReader(const std::string& text) {
    const pugi::xml_parse_result result = document_.load_string(text.c_str());
    EXPECT_TRUE(result) << result.description();
    EXPECT_STREQ(root().name(), "svg");
  }

  [[nodiscard]] pugi::xml_node root() const { return document_.document_element(); }
  /// Elements of that name below a group of that class, in the order of drawing; below the whole
  /// document if the class is empty.
  [[nodiscard]] std::vector<pugi::xml_node> Find(std::string_view element,
                                                 std::string_view css_class = {}) const {
    std::vector<pugi::xml_node> found;
    Collect(root(), element, css_class, css_class.empty(), found);
    return found;
  }
  [[nodiscard]] std::vector<std::string> Texts(std::string_view css_class = {}) const {
    std::vector<std::string> texts;
    for (const pugi::xml_node& node : Find("text", css_class)) {
      texts.emplace_back(node.text().get());
    }
    return texts;
  }
  [[nodiscard]] static double Number(const pugi::xml_node& node, const char* attribute) {
    EXPECT_TRUE(node.attribute(attribute)) << node.name() << " has no " << attribute;
    return node.attribute(attribute).as_double();
  }
  [[nodiscard]] static std::string Attribute(const pugi::xml_node& node, const char* attribute) {
    return node.attribute(attribute).as_string();
  }
  [[nodiscard]] static std::string Tooltip(const pugi::xml_node& node) {
    return node.child("title").text().get();
  }

 private:
  static void Collect(const pugi::xml_node& node, std::string_view element,
                      std::string_view css_class, bool inside, std::vector<pugi::xml_node>& found) {
    for (const pugi::xml_node& child : node.children()) {
      if (inside && child.name() == element) {
        found.push_back(child);
      }
      Collect(child, element, css_class,
              inside || child.attribute("class").as_string() == css_class, found);
    }
  }

  pugi::xml_document document_;
};

}  // namespace placer::test
