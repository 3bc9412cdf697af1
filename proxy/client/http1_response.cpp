// HTTP/1.x: framing a response, and what comes behind it.
#include <array>

#include "proxy/client/http1_connection.h"

namespace holdfast {

void Http1Connection::head(const http::ResponseHead& head) {
  work_->writer.emplace(work_->traits);
  work_->writer->start(head, context_.date, work_->before);
}

void Http1Connection::body(std::string_view bytes) {
  const http::ResponseWriter::Frame frame = work_->writer->frame(bytes);
  work_->before.append(frame.prefix, frame.prefix_bytes);
  work_->body = bytes.substr(0, frame.take);
  work_->after.append(frame.suffix);
}

// The store holds it to its length.
void Http1Connection::end() {
  static_cast<void>(work_->writer->finish(work_->after));
}

void Http1Connection::make_last() {
  work_->traits.keep_alive = false;
  refused_ = true;
  update_reading();
}

void Http1Connection::send() {
  const std::array<std::string_view, 3> slices = {work_->before, work_->body, work_->after};
  stream_->write(slices);
  work_->before.clear();
  work_->body = {};
  work_->after.clear();
}

}  // namespace holdfast
