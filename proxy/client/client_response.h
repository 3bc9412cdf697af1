// The client's side of a response: frames it, sends it as the client takes it, and stores (memory, then a
// spill file) what comes faster than that, so that a slow client never holds a php worker. Owned by
// ClientConnection; owns no socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/core/body_store.h"
#include "proxy/core/exchange.h"
#include "proxy/http/response_writer.h"
#include "proxy/net/stream.h"

namespace holdfast {

class ClientResponse final : public core::ResponseSink {
 public:
  // `store`: for what the client has not taken. `date` (the IMF-fixdate of the present second) outlives this.
  ClientResponse(core::BodyStore store, const std::string& date);

  // Between responses.
  void set_memory_max(std::size_t bytes) { stored_.set_memory_max(bytes); }

  // A new request: forgets the last response.
  void begin(http::ResponseWriter::RequestTraits traits);

  // --- core::ResponseSink. Nothing is sent before flush(), so that head, body and end of a small page leave
  // in one write, with a Content-Length. The views in `head` must live until the next flush().
  void start_response(const http::ResponseHead& head, bool stream) override;
  void response_body(std::string_view bytes) override;
  void finish_response() override;
  void break_response() override;

  // Sends no more of it: what waits is dropped.
  void cut();
  // No request follows this one: told to the client if its head is not written yet.
  void make_last() { traits_.keep_alive = false; }

  // Between responses: gives the memory back that begin() keeps for the next one.
  void shrink();

  // Sends or stores what has come since the last flush. A response whose Content-Length bytes are all there,
  // or that has no body, is finished then: what the application still does is not the client's business.
  void flush(net::Stream& stream);
  // The stream has taken all: goes on with what is stored.
  void on_drained(net::Stream& stream);

  bool started() const { return started_; }
  bool finished() const { return finished_; }
  // The end cannot be told from a cut one by framing: the connection must be reset (`cut_by_reset`) or
  // closed.
  bool broken() const { return broken_; }
  bool cut_by_reset() const { return broken_ && writer_ && writer_->framing() == http::Framing::until_close; }
  // Finished, and every byte is with the kernel.
  bool all_sent(const net::Stream& stream) const;
  // The source should wait: a stream's client is behind, or the store is full.
  bool congested(const net::Stream& stream) const;
  bool keep_alive() const { return writer_ && writer_->keep_alive() && !broken_; }
  int status() const { return status_; }
  std::uint64_t body_bytes() const { return writer_ ? writer_->body_bytes() : 0; }
  // The application sent more than its Content-Length.
  bool overflowed() const { return surplus_ || (writer_ && writer_->overflowed()); }
  bool spilled() const { return stored_.spilled(); }
  // Held in memory for the client, beside what the stream holds.
  std::size_t memory_bytes() const { return stored_.memory_bytes() + batch_bytes(); }
  // Of these, what the store does not count.
  std::size_t batch_bytes() const {
    return waiting_.size() + head_bytes_.size() + body_bytes_.size() + tail_bytes_.size();
  }

 private:
  void write_head();
  void mark_broken() { finished_ = broken_ = true; }
  void send(net::Stream& stream);

  core::BodyStore stored_;  // framed bytes that wait for the client
  std::optional<http::ResponseWriter> writer_;
  http::ResponseWriter::RequestTraits traits_;
  const std::string& date_;
  http::ResponseHead late_head_;  // a head that waits for the end of the batch, to learn the length
  std::string head_bytes_;        // encoded head, or framing before the body
  std::string body_bytes_;        // body of this batch
  std::string tail_bytes_;        // last chunk
  int status_ = 0;
  std::string waiting_;  // what the full store could not take; bounded by one batch, then the source waits
  bool head_waits_ = false;
  bool end_written_ = false;
  bool spill_failed_ = false;
  bool started_ = false;
  bool stream_ = false;
  bool finished_ = false;
  bool broken_ = false;
  bool surplus_ = false;  // bytes came when all were there
};

}  // namespace holdfast
