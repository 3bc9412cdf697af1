// The kinds of value a key can have. Each kind is a type with
//   using Value;  static std::optional<Value> read(Reader&, const Slot&, const Limits&);
//   static std::string text(...);
// read() reports what is wrong and then returns nothing; text() is YAML that read() takes back. Knows no key
// by name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "config/choices.h"
#include "config/duration.h"
#include "config/network.h"
#include "config/reader.h"

namespace holdfast::config {

// A string as YAML that reads back to the same string: plain where that is safe, else in double quotes; `$`
// doubled.
std::string yaml_text(const std::string& text);
std::string yaml_list(const std::vector<std::string>& texts);  // of texts that are YAML already
// The parts of a text between blanks and commas: who writes `a b` mostly means a list.
std::vector<std::string> words_of(const std::string& text);
std::string words_as_list(const std::vector<std::string>& words);  // "[a, b]"

struct Count {
  using Value = std::uint64_t;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits& limits);
  static std::string text(Value value) { return std::to_string(value); }
};

struct TimeSpan {
  using Value = Duration;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits& limits);
  static std::string text(Value value);
};

struct Size {
  using Value = std::uint64_t;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits& limits);
  static std::string text(Value value);
};

struct Flag {
  using Value = bool;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits& limits);
  static std::string text(Value value) { return value ? "true" : "false"; }
};

// One of several words. The index into them is the enum's value.
// `otherwise`: the hint where none of them is near.
std::optional<std::size_t> read_word(Reader& reader, const Slot& slot, const std::vector<std::string>& words,
                                     const std::string& otherwise = {});

template <class Enum>
struct Words;  // specialised beside: static std::vector<std::string> list(), in the order of the enum

template <>
struct Words<Application> {
  static std::vector<std::string> list() { return {"php-fpm", "generic"}; }
};
template <>
struct Words<Settle> {
  static std::vector<std::string> list() { return {"auto", "always", "never"}; }
};
template <>
struct Words<ClientAbort> {
  static std::vector<std::string> list() { return {"drain", "close"}; }
};
template <>
struct Words<FollowLinks> {
  static constexpr const char* kHint =
      "owner follows links whose owner has what they lead to, as is the default; all follows any";
  static std::vector<std::string> list() { return {"owner", "all"}; }
};
template <>
struct Words<ForwardedHeader> {
  static std::vector<std::string> list() {
    return {"forwarded",        "x-forwarded-for",    "x-forwarded-proto", "x-forwarded-host",
            "x-forwarded-port", "x-forwarded-prefix", "x-real-ip"};
  }
};
template <>
struct Words<LogFormat> {
  static std::vector<std::string> list() { return {"combined", "json"}; }
};
template <>
struct Words<LogLevel> {
  static std::vector<std::string> list() { return {"debug", "info", "warn", "error"}; }
};

template <class Enum>
struct Word {
  using Value = Enum;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&) {
    std::string hint;
    if constexpr (requires { Words<Enum>::kHint; }) hint = Words<Enum>::kHint;
    const auto index = read_word(reader, slot, Words<Enum>::list(), hint);
    return index ? std::optional<Value>(static_cast<Enum>(*index)) : std::nullopt;
  }
  static std::string text(Value value) { return Words<Enum>::list()[static_cast<std::size_t>(value)]; }
};

// Kinds held as text; they differ in what they accept.
struct TextKind {
  using Value = std::string;
  static std::string text(const Value& value) { return yaml_text(value); }
};
struct FilePath : TextKind {  // a folder of this machine; relative: from the folder of the configuration file
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct ForeignPath : TextKind {  // absolute, as another machine or container sees it
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct UrlPath : TextKind {  // "/index.php", without query; empty: none
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct PoolName : TextKind {  // empty: none
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct AccountName : TextKind {  // a user or group, by name or number; empty: not given
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct LogTarget : TextKind {  // stdout | off | path
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};

struct PoolAddress {
  using Value = Address;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static std::string text(const Value& value);
};
struct ListenList {
  using Value = std::vector<Address>;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static std::string text(const Value& value);
};
struct ListenOrOff {
  using Value = std::optional<Address>;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static std::string text(const Value& value);
};
struct HostList {
  using Value = std::vector<std::string>;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static std::string text(const Value& value);
};
struct IndexList : HostList {
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct NamePatterns : HostList {  // for one name; "*" stands for any bytes
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct ForwardedHeaderList {
  using Value = std::vector<ForwardedHeader>;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static std::string text(const Value& value);
};
struct NetworkList {
  using Value = std::vector<Network>;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static std::string text(const Value& value);
};
struct ParamMap {
  using Value = std::map<std::string, std::string>;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static std::string text(const Value& value);
};

}  // namespace holdfast::config
