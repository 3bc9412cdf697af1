// A JSON value: built for what programs read (/status, --json), and read back from php-fpm and /status.
// Objects keep the order in which their members were set. This header is small on purpose: the library behind
// it, nlohmann-json, costs seconds in each file that includes it, so json.cpp alone does.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace holdfast {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  // A value is written where a Json is wanted.
  // NOLINTBEGIN(google-explicit-constructor)
  Json() = default;  // null
  Json(std::nullptr_t) {}
  template <std::same_as<bool> T>
  Json(T value) : value_(value) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Json(T value) : value_(std::uint64_t{value}) {}
  template <std::signed_integral T>
  Json(T value) {
    if (value < 0)
      value_ = std::int64_t{value};
    else
      value_ = static_cast<std::uint64_t>(value);  // as it is read back
  }
  Json(double value) : value_(value) {}
  Json(std::string text) : value_(std::move(text)) {}
  Json(std::string_view text) : value_(std::string(text)) {}
  Json(const char* text) : value_(std::string(text)) {}
  Json(Array items) : value_(std::move(items)) {}
  Json(std::initializer_list<Member> members);  // an object; each name once
  // NOLINTEND(google-explicit-constructor)
  static Json object() { return Json(Object{}, Internal{}); }  // empty
  static Json array() { return Json(Array{}); }

  bool is_null() const { return holds<std::monostate>(); }
  bool is_object() const { return holds<Object>(); }
  bool operator==(const Json&) const = default;

  // The member's value; null where there is none, or this is no object.
  const Json& operator[](std::string_view key) const;
  // Makes the member where there is none. Of null makes an object; not for other values.
  Json& operator[](std::string_view key);
  // In the order of their setting; empty for what is no object.
  const Object& members() const;
  // The items; empty for what is no array.
  const Array& items() const;
  // Of null makes an array; not for other values.
  void push_back(Json item);

  // Nothing for values of another kind.
  std::optional<double> number() const;        // any number
  std::optional<std::uint64_t> count() const;  // a whole number; 0 for a negative one of any kind
  std::optional<bool> boolean() const;
  std::optional<std::string_view> text() const;

  // On one line, or with `indent` blanks a level. Bytes that are no UTF-8 become U+FFFD.
  std::string dump(int indent = -1) const;
  // Nothing where `text` is no JSON.
  static std::optional<Json> parse(std::string_view text);

 private:
  friend struct JsonBridge;  // of json.cpp
  struct Internal {};
  Json(Object members, Internal) : value_(std::move(members)) {}
  template <class T>
  bool holds() const {
    return std::holds_alternative<T>(value_);
  }

  std::variant<std::monostate, bool, std::uint64_t, std::int64_t, double, std::string, Array, Object> value_;
};

}  // namespace holdfast
