// A web server's records, and a ServerSession over them that says in words what it saw and what it wrote: the
// golden logs of the server session's tests. The records are the reference codec's.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fastcgi/server_session.h"
#include "reference_codec.h"

namespace server_log {

using namespace holdfast::fastcgi;
using reference::bytes;
using reference::Pairs;
using reference::record;

inline std::string begin(int id, int flags = 1, int role = 1, std::size_t padding = 0) {
  return record(1, id, bytes({role / 256, role % 256, flags, 0, 0, 0, 0, 0}), padding);
}
inline std::string abort_request(int id, std::size_t padding = 0) {
  return record(2, id, "", padding);
}
inline std::string params(int id, std::string_view content, std::size_t padding = 0) {
  return record(4, id, content, padding);
}
inline std::string params(int id, const Pairs& pairs, std::size_t padding = 0) {
  return record(4, id, reference::encode_pairs(pairs), padding);
}
inline std::string in(int id, std::string_view content, std::size_t padding = 0) {
  return record(5, id, content, padding);
}
// A whole request with the parameter N=v.
inline std::string request(int id, std::string_view body = "", int flags = 1) {
  std::string out = begin(id, flags) + params(id, Pairs{{"N", "v"}}) + params(id, "");
  if (!body.empty()) out += in(id, body);
  return out + in(id, "");
}
// What the log says of it.
inline std::string request_log(int id, const std::string& body = "", int flags = 1) {
  const std::string n = std::to_string(id);
  return "begin" + n + (flags == 1 ? "" : "!") + " params" + n + "{N=v}" +
         (body.empty() ? "" : " in" + n + ":" + body) + " end" + n + "/" + std::to_string(body.size());
}

// An application's records in words: "out1:text out1. end1/0/0 values{FCGI_MPXS_CONNS=0} unknown12"; out1. is
// the end of STDOUT.
inline std::string words_of(std::string_view wire) {
  std::string words;
  for (const reference::Record& r : reference::decode(wire)) {
    CHECK(r.version == 1);
    CHECK(r.reserved == 0);
    if (!words.empty()) words += ' ';
    const std::string id = std::to_string(r.id);
    const auto byte = [&r](std::size_t i) {
      return static_cast<int>(static_cast<unsigned char>(r.content[i]));
    };
    if (r.type == 6) {
      words += "out" + id + (r.content.empty() ? "." : ":" + r.content);
    } else if (r.type == 7) {
      words += "err" + id + ":" + r.content;
    } else if (r.type == 3) {
      REQUIRE(r.content.size() == 8);
      words += "end" + id + "/" + std::to_string(byte(2) * 256 + byte(3)) + "/" + std::to_string(byte(4));
    } else if (r.type == 10) {
      CHECK(r.id == 0);
      words += "values{";
      for (const auto& [name, value] : reference::decode_pairs(r.content)) words += name + "=" + value + ";";
      words += "}";
    } else if (r.type == 11) {
      CHECK(r.id == 0);
      REQUIRE(r.content.size() == 8);
      words += "unknown" + std::to_string(byte(0));
    } else {
      words += "type" + std::to_string(r.type);
    }
  }
  return words;
}

// "begin1 params1{N=v} in1:body end1/4 abort1 refused1:params_too_large failed:eof"; begin1! is one without
// FCGI_KEEP_CONN. Slices of one stream are joined, since their cut is the network's.
class Server {
 public:
  explicit Server(const ServerLimits& limits = {}, const ServerValues& values = {})
      : session(limits, values) {}

  ServerSession session;
  std::string sent;   // all that was written
  std::string input;  // what was not taken yet

  Server& feed(std::string_view piece) {
    input += piece;
    std::string_view rest = input;
    while (step(rest)) session.check();
    input = std::string(rest);
    return *this;
  }
  Server& end(ServerSession::InputEnd end = ServerSession::InputEnd::half_closed) {
    session.end_input(end);
    std::string_view none;
    while (step(none)) session.check();
    return *this;
  }
  const std::string& log() const { return log_; }
  std::string words() const { return words_of(sent); }
  // Forgets what was said and written so far.
  Server& forget() {
    log_.clear();
    open_stream_.clear();
    has_failed_ = false;
    sent.clear();
    return *this;
  }

 private:
  // False when there is nothing more to take now.
  bool step(std::string_view& rest) {
    const ServerEvent event = session.next(rest, sent);
    const std::string id = std::to_string(event.request_id);
    const bool follows_failed = has_failed_ && event.kind != ServerEvent::Kind::failed;
    CHECK(!follows_failed);
    switch (event.kind) {
      case ServerEvent::Kind::need_bytes: CHECK(rest.empty()); return false;
      case ServerEvent::Kind::paused: CHECK(!rest.empty()); return false;
      case ServerEvent::Kind::begun: say("begin" + id + (event.keep_connection ? "" : "!")); return true;
      case ServerEvent::Kind::params_ended: {
        ParamList list;
        session.take_params(event.request_id, list);
        std::string text;
        for (const auto& [name, value] : reference::decode_pairs(list.encoded())) {
          text += (text.empty() ? "" : ";") + name + "=" + value;
        }
        say("params" + id + "{" + text + "}");
        return true;
      }
      case ServerEvent::Kind::stdin_data: {
        CHECK(!event.bytes.empty());
        const std::string key = "in" + id + ":";
        if (key != open_stream_) say(key);
        open_stream_ = key;
        log_ += event.bytes;
        return true;
      }
      case ServerEvent::Kind::stdin_ended:
        say("end" + id + "/" + std::to_string(event.stdin_bytes));
        return true;
      case ServerEvent::Kind::aborted: say("abort" + id); return true;
      case ServerEvent::Kind::refused:
        say("refused" + id + ":" + std::string(refusal_name(event.refusal)));
        if (event.refusal != ServerRefusal::unknown_role) session.write_refusal(event.request_id, "no", sent);
        return true;
      case ServerEvent::Kind::failed:
        CHECK(rest.empty());
        if (!has_failed_) say("failed:" + std::string(fault_name(event.fault)));
        has_failed_ = true;  // said again at each call, and logged once
        return false;
    }
    return false;
  }
  void say(const std::string& word) {
    if (!log_.empty()) log_ += ' ';
    log_ += word;
    open_stream_.clear();
  }

  std::string log_;
  std::string open_stream_;
  bool has_failed_ = false;
};

// The same log and the same bytes for every cut of `input`.
inline void check_server_cuts(const std::string& input, const std::string& log, const std::string& words = "",
                              const ServerLimits& limits = {}, const ServerValues& values = {}) {
  reference::for_each_cut(input, [&](const std::vector<std::string>& pieces) {
    Server server(limits, values);
    for (const std::string& piece : pieces) server.feed(piece);
    CAPTURE(pieces.size());
    CAPTURE(pieces[0].size());
    if (log.size() < 2000) {
      CHECK(server.log() == log);
    } else {
      const bool is_same = server.log() == log;  // not printed
      CHECK(is_same);
    }
    CHECK(server.words() == words);
  });
}

}  // namespace server_log
