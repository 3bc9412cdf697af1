// RecentTexts: once a window, bounded, and what was held back is counted.
#include "proxy/core/recent_texts.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast::core;
using namespace std::chrono_literals;

TEST_CASE("a text is new once a window") {
  RecentTexts texts;
  const Time start{1h};
  CHECK(texts.is_new("a", start));
  CHECK_FALSE(texts.is_new("a", start + 1s));
  CHECK(texts.is_new("b", start + 1s));
  CHECK_FALSE(texts.is_new("a", start + RecentTexts::kWindow - 1ms));
  CHECK(texts.is_new("a", start + RecentTexts::kWindow));
  CHECK(texts.take_held_back() == 2);
  CHECK(texts.take_held_back() == 0);
}

TEST_CASE("a window has room for so many texts, whoever chose them") {
  RecentTexts texts;
  const Time start{1h};
  for (std::size_t i = 0; i < RecentTexts::kTextsMost; ++i) CHECK(texts.is_new(std::to_string(i), start));
  CHECK_FALSE(texts.is_new("one more", start));
  CHECK(texts.take_held_back() == 1);
  CHECK(texts.is_new("one more", start + RecentTexts::kWindow));
}
