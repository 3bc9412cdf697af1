// A strict reader of HTTP/1.1 responses, one connection's, in order. Shares no line with proxy/http/: every
// byte must be what RFC 9112 says, and every body byte what the ledger says of the request it answers.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ledger.h"

namespace holdfast::sim {

class ResponseReader {
 public:
  ResponseReader(Universe& universe, Ledger& ledger) : universe_(universe), ledger_(ledger) {}

  // The response to come answers this request.
  void expect(std::size_t tag);
  // Reads one response's bytes from the front of `bytes`; stops where it ends. Interim 100s are counted.
  void feed(std::string& bytes);
  // The connection has ended. True when that completes the response.
  bool feed_end();

  // Of a body that only the connection's end ends: is any of it missing?
  bool short_until_close() const;

  bool complete() const { return state_ == State::complete; }
  bool started() const { return started_; }  // of a final response, any byte
  int status() const { return status_; }
  bool closes() const { return closes_; }
  std::size_t interims() const { return interims_; }
  std::size_t body_bytes() const { return body_bytes_; }

 private:
  enum class State { head, body, chunk_size, chunk, chunk_end, trailer, until_close, complete };

  bool line(std::string& bytes, std::string_view& out);
  void read_head(std::string_view head);
  void read_field(std::string_view line);
  void head_complete();
  void take_body(std::string_view bytes);
  void finish();
  void wrong(std::string_view what);

  Universe& universe_;
  Ledger& ledger_;
  State state_ = State::complete;
  std::size_t tag_ = 0;
  bool started_ = false;
  bool closes_ = false;
  int status_ = 0;
  std::size_t interims_ = 0;
  std::map<std::string, std::string> fields_;
  std::size_t left_ = 0;  // of the body, or of the chunk
  std::size_t body_bytes_ = 0;
};

}  // namespace holdfast::sim
