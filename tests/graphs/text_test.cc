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
