// What the tables of the schema are made of: a row is a name, the member it fills, the kind of its value and
// its bounds. Reading, printing and the list of keys all follow from the rows. For the two sources that hold
// the tables: all of it is local to each of them, so that a table is a specialisation where it stands.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reader.h"
#include "config/values.h"
#include "config/writer.h"

namespace holdfast::config {
namespace {

template <class T>
struct Key {
  std::string_view name;
  Limits limits;
  void (*read)(Reader&, const Slot&, const Limits&, T&);
  void (*write)(Writer&, std::string_view name, const T&);
};

template <class T>
struct Keys;  // specialised below: static constexpr std::array of Key<T>

template <class Member>
struct MemberOf;
template <class C, class M>
struct MemberOf<M C::*> {
  using Class = C;
  using Type = M;
};

// A single value of the kind `Kind` in `Member`.
template <auto Member, class Kind>
constexpr auto key(std::string_view name, Limits limits = {}) {
  using Class = typename MemberOf<decltype(Member)>::Class;
  using Type = typename MemberOf<decltype(Member)>::Type;
  return Key<Class>{
      name, limits,
      [](Reader& reader, const Slot& slot, const Limits& bounds, Class& out) {
        if (auto value = Kind::read(reader, slot, bounds)) {
          out.*Member = static_cast<Type>(std::move(*value));  // limits keep it in range
        }
      },
      [](Writer& writer, std::string_view as, const Class& in) { writer.leaf(as, Kind::text(in.*Member)); }};
}

template <class T>
void read_section(Reader& reader, const Slot& slot, T& out) {
  std::vector<std::string> names;
  names.reserve(Keys<T>::kList.size());
  for (const auto& row : Keys<T>::kList) {
    names.emplace_back(row.name);
  }
  for (const Found& found : reader.keys(slot, names)) {
    const auto& row = Keys<T>::kList[found.index];
    row.read(reader, found.slot, row.limits, out);
  }
}

template <class T>
void write_section(Writer& writer, const T& in) {
  for (const auto& row : Keys<T>::kList) {
    row.write(writer, row.name, in);
  }
}

// A block of keys that fill the struct in `Member`.
template <auto Member>
constexpr auto section(std::string_view name) {
  using Class = typename MemberOf<decltype(Member)>::Class;
  return Key<Class>{name,
                    {},
                    [](Reader& reader, const Slot& slot, const Limits&, Class& out) {
                      read_section(reader, slot, out.*Member);
                    },
                    [](Writer& writer, std::string_view as, const Class& in) {
                      writer.open(as);
                      write_section(writer, in.*Member);
                      writer.close();
                    }};
}

// The same for a member of a base of `Class`.
template <class Class, auto Member, class Kind>
constexpr auto key_of(std::string_view name, Limits limits = {}) {
  using Type = typename MemberOf<decltype(Member)>::Type;
  return Key<Class>{
      name, limits,
      [](Reader& reader, const Slot& slot, const Limits& bounds, Class& out) {
        if (auto value = Kind::read(reader, slot, bounds)) {
          out.*Member = static_cast<Type>(std::move(*value));
        }
      },
      [](Writer& writer, std::string_view as, const Class& in) { writer.leaf(as, Kind::text(in.*Member)); }};
}

// A value that may be absent, and is not printed then.
template <class Class, auto Member, class Kind>
constexpr auto given(std::string_view name, Limits limits = {}) {
  return Key<Class>{name, limits,
                    [](Reader& reader, const Slot& slot, const Limits& bounds, Class& out) {
                      if (auto value = Kind::read(reader, slot, bounds)) out.*Member = std::move(*value);
                    },
                    [](Writer& writer, std::string_view as, const Class& in) {
                      if (in.*Member) {
                        writer.leaf(as, Kind::text(*(in.*Member)));
                      } else {
                        writer.unset(as);
                      }
                    }};
}

// A list or map to which what is read is added (of a preset there may be something already), and which is not
// printed while it is empty.
template <class Class, auto Member, class Kind>
constexpr auto added(std::string_view name, Limits limits = {}) {
  return Key<Class>{name, limits,
                    [](Reader& reader, const Slot& slot, const Limits& bounds, Class& out) {
                      if (auto value = Kind::read(reader, slot, bounds)) {
                        Kind::add(out.*Member, std::move(*value));
                      }
                    },
                    [](Writer& writer, std::string_view as, const Class& in) {
                      if ((in.*Member).empty()) {
                        writer.unset(as);
                      } else {
                        writer.leaf(as, Kind::text(in.*Member));
                      }
                    }};
}

template <class T, std::size_t N, std::size_t M>
constexpr std::array<T, N + M> joined(const std::array<T, N>& a, const std::array<T, M>& b) {
  return [&]<std::size_t... I, std::size_t... J>(std::index_sequence<I...>, std::index_sequence<J...>) {
    return std::array<T, N + M>{a[I]..., b[J]...};
  }
  (std::make_index_sequence<N>(), std::make_index_sequence<M>());
}

// ---- bounds

inline constexpr std::uint64_t kSecond = 1000;
inline constexpr std::uint64_t kDay = 24 * 3600 * kSecond;
inline constexpr std::uint64_t kKilo = 1U << 10;
inline constexpr std::uint64_t kMega = 1U << 20;
inline constexpr std::uint64_t kGiga = 1U << 30;

[[maybe_unused]] constexpr Limits from_to(std::uint64_t min, std::uint64_t max, const char* instead = "") {
  return {min, max, false, instead};
}
[[maybe_unused]] constexpr Limits zero_or(std::uint64_t min, std::uint64_t max) {
  return {min, max, true, ""};
}

// A wait of 0s would fail at once what it waits for. There is no "no limit" here: an upstream that never
// answers would keep its connection for ever.
[[maybe_unused]] constexpr Limits wait(const char* instead) {
  return from_to(1, kDay, instead);
}

}  // namespace
}  // namespace holdfast::config
