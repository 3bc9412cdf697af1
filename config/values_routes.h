// The kinds of value that rules by path have: patterns, targets, headers, conditions. See values.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/routes.h"
#include "config/values.h"

namespace holdfast::config {

// Lists that are added to a preset's.
struct AddedList : HostList {
  static void add(Value& to, Value more) { to.insert(to.end(), more.begin(), more.end()); }
};
struct PathPatterns : AddedList {  // of path_pattern.h
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct ParamPatterns : AddedList {  // "name" or "name=value"
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct AgentPatterns : AddedList {
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct MethodList : AddedList {
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct FilePatterns : HostList {  // absolute; "*" and "?" in the last part
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};

// Targets of target_template.h; their dollar signs are their own.
struct TargetKind {
  using Value = std::string;
  static std::string text(const Value& value);
};
struct RedirectTarget : TargetKind {
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct InternalTarget : TargetKind {
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct FallbackTarget : TargetKind {  // or "404"
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};

struct SiteFallback : TargetKind {  // without a pattern there is no $1; empty: 404
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};

struct ExpiresTime {
  using Value = Expires;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static std::string text(const Value& value);
};
// As NetworkList, and the word `all`.
struct AllowList : NetworkList {
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
// Whose address a condition is about.
struct FromList : NetworkList {
  static void add(Value& to, Value more) { to.insert(to.end(), more.begin(), more.end()); }
};
struct DenyStatus {  // off: 0
  using Value = int;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static std::string text(Value value) { return value == 0 ? "off" : std::to_string(value); }
};
struct RedirectStatus : DenyStatus {
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct MediaType : TextKind {
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct Realm : TextKind {  // of HTTP authentication, in quotes on the wire
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct Charset : TextKind {  // empty: none
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct SitePath : TextKind {  // "/wiki"; empty: all of the host
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};

// Blocks of NAME: value, added to a preset's.
struct TextMap {
  using Value = std::map<std::string, std::string>;
  static void add(Value& to, Value more) {
    for (auto& entry : more) to[entry.first] = std::move(entry.second);
  }
  static std::string text(const Value& value);
};
struct HeaderValues : TextMap {
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static void add(Value& to, Value more);  // names whatever their case
};
struct InternalFolders : TextMap {  // "/prefix/" to a folder
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct FileTypes : TextMap {  // file name ending to media type
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
};
struct AddedParams : ParamMap {  // names are case-sensitive
  static void add(Value& to, Value more) { TextMap::add(to, std::move(more)); }
};

// errors: { 404: /e.html, 5xx: /e.html, from_php: true }
struct ErrorPageMap {
  using Value = ErrorPages;
  static std::optional<Value> read(Reader& reader, const Slot& slot, const Limits&);
  static std::string text(const Value& value);
};

template <>
struct Words<Https> {
  static std::vector<std::string> list() { return {"optional", "required"}; }
};

}  // namespace holdfast::config
