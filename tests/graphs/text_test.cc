#include "graphs/base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace placer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TextTest, ControlCharactersDoNotReachMessages) {
  EXPECT_EQ(Quoted(""), "''");
  EXPECT_EQ(Quoted("conv 1"), "'conv 1'");
  EXPECT_EQ(Quoted(std::string_view("a\0b\n\x1b[2J\x7f", 9)), "'a?b??[2J?'");
  EXPECT_EQ(Quoted("gr\xc3\xbc\xc3\x9f"), "'gr\xc3\xbc\xc3\x9f'");
}

TEST(TextTest, WhatIsNoUtf8BecomesQuestionMarks) {
  EXPECT_EQ(ValidUtf8(""), "");
  const std::string valid =
      "a \xc3\xbc \xe2\x82\xac \xed\x9f\xbf \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf\n";
  EXPECT_EQ(ValidUtf8(valid), valid);
  EXPECT_EQ(ValidUtf8("\x80"
                      "a\xff"),
            "?a?");
  EXPECT_EQ(ValidUtf8("gr\xfc\xdf"
                      "e"),
            "gr??e");                      // Latin-1
  EXPECT_EQ(ValidUtf8("\xe2\x82"), "??");  // cut off
  EXPECT_EQ(ValidUtf8("\xe2\x82"
                      "a"),
            "??a");                                         // not all that follows is lost
  EXPECT_EQ(ValidUtf8("\xc0\xaf \xe0\x80\xaf"), "?? ???");  // longer than need be
  EXPECT_EQ(ValidUtf8("\xed\xa0\x80"), "???");              // a surrogate
  EXPECT_EQ(ValidUtf8("\xf4\x90\x80\x80"), "????");         // beyond the last character
  EXPECT_EQ(ValidUtf8(std::string("a\0\xfe", 3)), std::string("a\0?", 3));
}

TEST(TextTest, ShortTextsEndWithAWholeCharacter) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abc", 2), "ab");
  EXPECT_EQ(Shortened("abc", 0), "");
  EXPECT_EQ(Shortened("a\xe2\x82\xac", 4), "a\xe2\x82\xac");
  EXPECT_EQ(Shortened("a\xe2\x82\xac", 3), "a");
  EXPECT_EQ(Shortened("a\xe2\x82\xac", 2), "a");
  EXPECT_EQ(Shortened("\xc3\xbc\xc3\x9f", 3), "\xc3\xbc");
}

TEST(TextTest, ListsOfNames) {
  EXPECT_EQ(QuotedList({}), "");
  const std::vector<std::string> names = {"a", "b,c"};
  EXPECT_EQ(QuotedList(names), "'a', 'b,c'");
}

TEST(TextTest, EmptyPartsOfAListAreLeftOut) {
  EXPECT_THAT(SplitList("heft,annealing"), ElementsAre("heft", "annealing"));
  EXPECT_THAT(SplitList(",heft,, etf,"), ElementsAre("heft", " etf"));
  EXPECT_THAT(SplitList(""), IsEmpty());
  EXPECT_THAT(SplitList(",,"), IsEmpty());
}

}  // namespace
}  // namespace placer
