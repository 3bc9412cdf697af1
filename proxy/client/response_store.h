// A response between what gives it (php, a file, ourselves) and the client's protocol, which takes it at the
// client's pace. What comes faster than that is stored (memory, then a spill file), as it came, without
// framing, so that a slow client never holds a php worker. Holds the response to the length it promised.
// Owned by Request; knows no socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/client/response_out.h"
#include "proxy/core/body_store.h"
#include "proxy/core/exchange.h"
#include "proxy/http/response_writer.h"

namespace holdfast {

class ResponseStore final : public core::ResponseSink {
 public:
  // `store`: for what the client has not taken.
  explicit ResponseStore(core::BodyStore store) : stored_(std::move(store)) {}

  // A new request: forgets the last response. `head_method`: its answer has no body.
  void begin(bool head_method, std::size_t memory_max);

  // --- core::ResponseSink. Nothing leaves before flush(), so that head, body and end of a small page leave
  // in one write, with a Content-Length. The views in `head` must live until the next flush().
  void start_response(const http::ResponseHead& head, bool stream) override;
  void response_body(std::string_view bytes) override;
  void finish_response() override;
  void break_response() override;

  // Sends no more of it: what waits is dropped, and `out` breaks off.
  void cut(ResponseOut& out);

  // Between responses: gives the memory back that is kept for the next one.
  void shrink();

  // Gives `out` or the store what has come since the last flush. A response whose Content-Length bytes are
  // all there, or that has no body, is finished then: what the application still does is not the client's
  // business.
  void flush(ResponseOut& out);
  // `out` has sent all: goes on with what is stored.
  void on_drained(ResponseOut& out);

  bool started() const { return started_; }
  bool finished() const { return finished_; }
  // It will never be whole.
  bool broken() const { return broken_; }
  // Finished, and every byte is with the kernel.
  bool all_sent(const ResponseOut& out) const { return end_given_ && out.unsent_bytes() == 0; }
  // The source should wait: a stream's client is behind, or the store is full.
  bool congested(const ResponseOut& out) const;
  int status() const { return status_; }
  // Of the body, given to `out`.
  std::uint64_t body_bytes() const { return body_bytes_; }
  // Held in memory for the client, beside what `out` holds.
  std::size_t memory_bytes() const { return stored_.memory_bytes() + batch_bytes(); }
  // Of these, what the store does not count.
  std::size_t batch_bytes() const { return batch_.size() + waiting_.size(); }

 private:
  void give_head(ResponseOut& out);
  void give_batch(ResponseOut& out);
  void give(std::string_view bytes, ResponseOut& out);
  void give_end_if_due(ResponseOut& out);
  void store(std::string_view bytes);

  core::BodyStore stored_;  // body bytes that wait for the client
  http::ResponseHead head_;
  std::optional<std::uint64_t> left_;  // body bytes that were promised and have not come; 0 without a body
  std::string batch_;                  // body bytes since the last flush
  std::string waiting_;  // what the full store could not take; bounded by one batch, then the source waits
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
  bool head_method_ = false;
  bool started_ = false;
  bool stream_ = false;
  bool finished_ = false;
  bool broken_ = false;
  bool spill_failed_ = false;
  bool head_given_ = false;
  bool end_given_ = false;
};

}  // namespace holdfast
