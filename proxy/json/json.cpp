// See json.h.
#include "proxy/json/json.h"

#include <algorithm>
#include <cassert>
#include <nlohmann/json.hpp>

namespace holdfast {

namespace {

using Library = nlohmann::ordered_json;

// Depth of what is read: a hundred times what we and php-fpm write, and no stack is spent on more.
constexpr int kDepthMost = 500;

template <class Members>
auto find_member(Members& members, std::string_view key) {
  return std::find_if(members.begin(), members.end(), [key](const auto& each) { return each.first == key; });
}

}  // namespace

// Between our tree and the library's.
struct JsonBridge {
  static Library to_library(const Json& json) {
    struct Visitor {
      Library operator()(std::monostate) const { return nullptr; }
      Library operator()(bool value) const { return value; }
      Library operator()(std::uint64_t value) const { return value; }
      Library operator()(std::int64_t value) const { return value; }
      Library operator()(double value) const { return value; }
      Library operator()(const std::string& value) const { return value; }
      Library operator()(const Json::Array& items) const {
        Library out = Library::array();
        for (const Json& item : items) out.push_back(to_library(item));
        return out;
      }
      Library operator()(const Json::Object& members) const {
        Library out = Library::object();
        for (const auto& [key, value] : members) out[key] = to_library(value);
        return out;
      }
    };
    return std::visit(Visitor{}, json.value_);
  }

  static Json from_library(const Library& library) {
    switch (library.type()) {
      case Library::value_t::boolean: return library.get<bool>();
      case Library::value_t::number_unsigned: return library.get<std::uint64_t>();
      case Library::value_t::number_integer: return library.get<std::int64_t>();
      case Library::value_t::number_float: return library.get<double>();
      case Library::value_t::string: return library.get<std::string>();
      case Library::value_t::array: {
        Json out = Json::array();
        for (const Library& item : library) out.push_back(from_library(item));
        return out;
      }
      case Library::value_t::object: {
        Json out = Json::object();
        for (const auto& [key, value] : library.items()) out[key] = from_library(value);
        return out;
      }
      case Library::value_t::null:
      case Library::value_t::binary:
      case Library::value_t::discarded: return nullptr;
    }
    return nullptr;
  }
};

Json::Json(std::initializer_list<Member> members) : value_(Object(members)) {}

const Json& Json::operator[](std::string_view key) const {
  static const Json kNone;
  const Object& all = members();
  const auto found = find_member(all, key);
  return found == all.end() ? kNone : found->second;
}

Json& Json::operator[](std::string_view key) {
  if (is_null()) value_ = Object{};
  assert(is_object());
  Object& all = std::get<Object>(value_);
  const auto found = find_member(all, key);
  return found != all.end() ? found->second : all.emplace_back(std::string(key), Json()).second;
}

const Json::Object& Json::members() const {
  static const Object kNone;
  return is_object() ? std::get<Object>(value_) : kNone;
}

const Json::Array& Json::items() const {
  static const Array kNone;
  return holds<Array>() ? std::get<Array>(value_) : kNone;
}

void Json::push_back(Json item) {
  if (is_null()) value_ = Array{};
  assert(holds<Array>());
  std::get<Array>(value_).push_back(std::move(item));
}

std::optional<double> Json::number() const {
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  return std::nullopt;
}

std::optional<std::uint64_t> Json::count() const {
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&value_))
    return *value < 0 ? 0 : static_cast<std::uint64_t>(*value);
  return std::nullopt;
}

std::optional<bool> Json::boolean() const {
  const auto* value = std::get_if<bool>(&value_);
  return value != nullptr ? std::optional<bool>(*value) : std::nullopt;
}

std::optional<std::string_view> Json::text() const {
  const auto* value = std::get_if<std::string>(&value_);
  return value != nullptr ? std::optional<std::string_view>(*value) : std::nullopt;
}

std::string Json::dump(int indent) const {
  return JsonBridge::to_library(*this).dump(indent, ' ', false, Library::error_handler_t::replace);
}

std::optional<Json> Json::parse(std::string_view text) {
  const auto not_too_deep = [](int depth, Library::parse_event_t, Library&) { return depth < kDepthMost; };
  const Library library = Library::parse(text, not_too_deep, false);
  if (library.is_discarded()) return std::nullopt;
  return JsonBridge::from_library(library);
}

}  // namespace holdfast
