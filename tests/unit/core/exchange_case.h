// One core::Exchange and all around it, for the tests of its request and of its response.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/core/exchange.h"

namespace holdfast::core {

inline constexpr Time kStart{std::chrono::seconds(100)};

// Writes down what it is told. Copies: the views die with the call.
struct Sink final : ResponseSink {
  void start_response(const http::ResponseHead& head, bool stream) override {
    log += "start " + std::to_string(head.status);
    if (!head.reason.empty()) log += " '" + std::string(head.reason) + "'";
    if (head.content_length) log += " length " + std::to_string(*head.content_length);
    if (stream) log += " stream";
    for (const http::Field& field : head.fields)
      log += " [" + std::string(field.name) + ": " + std::string(field.value) + "]";
    log += "\n";
  }
  void response_body(std::string_view bytes) override {
    CHECK_FALSE(bytes.empty());
    body += bytes;
  }
  void finish_response() override { log += "finish\n"; }
  void break_response() override { log += "break\n"; }

  std::string log;
  std::string body;
};

struct Files : SpillStore {
  struct File : SpillFile {
    explicit File(const Files& its_files) : files(its_files) {}
    bool append(std::string_view more) override {
      bytes += more;
      return true;
    }
    bool read(std::uint64_t offset, std::size_t bytes_max, std::string& out) override {
      if (files.read_fails) return false;
      out.append(bytes, static_cast<std::size_t>(offset), bytes_max);
      return true;
    }
    void discard_before(std::uint64_t) override {}
    const Files& files;
    std::string bytes;
  };
  std::unique_ptr<SpillFile> create(std::string&) override { return std::make_unique<File>(*this); }
  std::uint64_t bytes_in_use() const override { return 0; }
  bool read_fails = false;
};

// One exchange and all around it.
struct Case {
  explicit Case(std::string_view body_bytes = {}, http::Method method = http::Method::get) {
    BodyStore body{&files, 1024};
    REQUIRE(body.append(body_bytes) == Append::ok);
    REQUIRE(params.add("REQUEST_METHOD", "GET"));
    Asked asked;
    asked.assign(method, "METHOD", "example.com", "/x.php");
    exchange.begin(asked, params, std::move(body));
  }
  void begin(ConnectionId connection = 1) { exchange.begin_attempt(connection, false, kStart); }
  // All request bytes, and in how many calls.
  std::string write_all(fastcgi::Session& session, int& calls) {
    std::string out;
    for (calls = 0; !exchange.request_written(); ++calls) {
      REQUIRE(calls < 1000);
      REQUIRE(exchange.write_request(session, true, out));
    }
    return out;
  }
  // False as on_stdout() is, with the rest not fed.
  bool feed(std::initializer_list<std::string_view> pieces) {
    for (const std::string_view piece : pieces) {
      if (!exchange.on_stdout(piece, kStart)) return false;
    }
    return true;
  }

  Files files;
  fastcgi::ParamList params;
  Sink sink;
  Exchange exchange{sink};
};

}  // namespace holdfast::core
