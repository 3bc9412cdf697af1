// A strict reader of HTTP/1.1 responses, one connection's, in order. Shares no line with proxy/http/: every
// byte must be what RFC 9112 says, and every body byte what the judge says of the request it answers; gzip is
// undone first.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "answer_judge.h"
#include "gunzip.h"
#include "ledger.h"

namespace holdfast::sim {

class ResponseReader {
 public:
  ResponseReader(Universe& universe, Ledger& ledger, AnswerJudge& judge)
      : universe_(universe), ledger_(ledger), judge_(judge) {}

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
  // What was asked for has come, as far as the head says.
  bool right() const { return verdict_.right; }
  bool gzip() const { return verdict_.gzip; }
  std::size_t events() const { return events_; }  // of the admin endpoint, whole ones
  bool closes() const { return closes_; }
  std::size_t interims() const { return interims_; }

 private:
  enum class State { head, body, chunk_size, chunk, chunk_end, trailer, until_close, complete };

  bool line(std::string& bytes, std::string_view& out);
  void read_head(std::string_view head);
  void read_field(std::string_view line);
  void head_complete();
  void take_body(std::string_view bytes);
  void take_text(std::string_view text);
  bool whole() const;
  void finish();
  void wrong(std::string_view what);

  Universe& universe_;
  Ledger& ledger_;
  AnswerJudge& judge_;
  State state_ = State::complete;
  std::size_t tag_ = 0;
  bool started_ = false;
  bool closes_ = false;
  int status_ = 0;
  std::size_t interims_ = 0;
  Fields fields_;
  Verdict verdict_;
  std::unique_ptr<Gunzip> gunzip_;
  std::size_t left_ = 0;        // of the body, or of the chunk
  std::size_t text_bytes_ = 0;  // of the body without its coding
  std::string collected_;
  std::size_t events_ = 0;
};

}  // namespace holdfast::sim
