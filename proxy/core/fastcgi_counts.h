// What is counted of web servers that speak FastCGI to us. Plain data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "fastcgi/server_fault.h"

namespace holdfast::core {

struct FastcgiCounts {
  struct OfListener {
    std::uint64_t requests = 0;
    std::string script;  // asked for last, cut; not escaped
  };
  static constexpr std::size_t kScriptBytesMost = 300;

  std::uint64_t requests = 0;  // with all their parameters
  std::map<std::string, OfListener, std::less<>>
      of_listener;  // of these, by address; those configured are there
  std::array<std::uint64_t, static_cast<std::size_t>(fastcgi::ServerFault::count_)> faults{};
  std::array<std::uint64_t, static_cast<std::size_t>(fastcgi::ServerRefusal::count_)> refusals{};

  void count_request(std::string_view listener, std::string_view script) {
    ++requests;
    auto found = of_listener.find(listener);
    if (found == of_listener.end()) found = of_listener.emplace(listener, OfListener()).first;
    ++found->second.requests;
    found->second.script = script.substr(0, kScriptBytesMost);
  }
  void count(fastcgi::ServerFault fault) { ++faults[static_cast<std::size_t>(fault)]; }
  void count(fastcgi::ServerRefusal refusal) { ++refusals[static_cast<std::size_t>(refusal)]; }
};

}  // namespace holdfast::core
