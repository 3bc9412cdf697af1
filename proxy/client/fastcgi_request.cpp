// See fastcgi_request.h.
#include "proxy/client/fastcgi_request.h"

#include <optional>
#include <vector>

#include "fastcgi/cgi_head_writer.h"
#include "proxy/core/error_page.h"
#include "proxy/core/kept_buffer.h"

namespace holdfast {

namespace {
// STDERR in front of one piece of the body: 40 KB crash HAProxy 2.6.12.
constexpr std::size_t kStderrPieceBytes = 8 * 1024;
// What a look credits to a request that waits behind the bytes of another: enough for any client.min_rate.
constexpr std::uint64_t kWaitedBytes = std::uint64_t{16} << 30;
constexpr std::size_t kKeptTextBytes = 4 * 1024;

// A head of ours: a refusal, an error page. `has_body`: false where the method is not known. It may be HEAD,
// and HAProxy makes a 502 of a body then.
void write_own_head(const http::ResponseHead& head, bool has_body, std::string& out) {
  std::vector<fastcgi::CgiField> fields;
  for (const http::Field& field : head.fields) fields.push_back({field.name, field.value});
  const std::optional<std::size_t> told = has_body ? head.content_length : 0;
  const std::string length = told ? std::to_string(*told) : std::string();
  if (!length.empty() && !http::is_contentless(head.status)) fields.push_back({"Content-Length", length});
  fastcgi::write_cgi_head(head.status, head.reason.empty() ? http::reason_phrase(head.status) : head.reason,
                          fields, out);
}
}  // namespace

void FastcgiRequest::begin(FastcgiChannel& channel, std::uint16_t id, std::uint64_t serial,
                           const RequestSource& source, core::Time now) {
  channel_ = &channel;
  id_ = id;
  serial_ = serial;
  begun_ = now;
  request_.begin(*this, source, now);
}

void FastcgiRequest::refuse(int status, std::string_view why) {
  refused_ = at_once_ = true;
  request_.refuse_head(status, why, core::ClientCloseReason::refused,
                       {.first_bytes = {}, .listener = channel_->listener()});
}

// Stored, its end would come behind parameters that the session still takes.
void FastcgiRequest::refuse_unread(int status, std::string_view why, core::ClientCloseReason reason) {
  at_once_ = true;
  request_.refuse_head(status, why, reason, {.first_bytes = {}, .listener = channel_->listener()});
}

void FastcgiRequest::reset() {
  request_.reset();
  request_.shrink();
  head_.shrink();
  if (params_.encoded().size() > kKeptTextBytes) params_ = {};
  params_.clear();
  text_.clear();
  core::shed(text_, kKeptTextBytes);
  channel_ = nullptr;
  waited_bytes_ = 0;
  has_params_ = refused_ = at_once_ = head_written_ = ended_ = false;
}

void FastcgiRequest::head(const http::ResponseHead& head) {
  if (refused_) {
    write_own_head(head, has_params_, text_);
    return;
  }
  head_written_ = true;
  if (!head.cgi_text.empty()) {
    channel_->session().write_head(id_, head.cgi_text, channel_->output());
    return;
  }
  text_.clear();
  write_own_head(head, has_params_, text_);
  channel_->session().write_head(id_, text_, channel_->output());
}

void FastcgiRequest::body(std::string_view bytes) {
  if (!has_params_) return;
  if (refused_) {
    text_ += bytes;
    return;
  }
  hold_stderr();
  channel_->session().write_body(id_, bytes, channel_->output());
}

void FastcgiRequest::end() {
  ended_ = true;
  if (refused_) {
    channel_->session().write_refusal(id_, text_, channel_->output());
    return;
  }
  hold_stderr();
  channel_->session().write_end(id_, request_.app_status(), channel_->output());
}

// What has come since the last piece leaves in front of the next one, in the same write.
void FastcgiRequest::hold_stderr() {
  const std::string_view fresh = request_.take_stderr(kStderrPieceBytes);
  if (fresh.empty()) return;
  if (!channel_->session().hold_stderr(id_, fresh)) request_.want_stderr_logged();
}

void FastcgiRequest::abort() {
  ended_ = true;
  request_.on_client_left(core::ClientCloseReason::client_left);
}

void FastcgiRequest::break_off() {
  end_short(500);
}

// Before its head a Status tells it: after an end without a byte some web servers send the request again.
void FastcgiRequest::end_short(int status) {
  if (ended_ || refused_ || !channel_->session().is_open(id_)) return;
  ended_ = true;
  if (head_written_) {
    channel_->session().break_off(id_, channel_->output());
    return;
  }
  head_written_ = true;
  const core::ErrorPage page(status);
  text_.clear();
  write_own_head(page.head(), has_params_, text_);
  channel_->session().write_head(id_, text_, channel_->output());
  const bool has_body = has_params_ && head_.head().method != http::Method::head;
  if (has_body) channel_->session().write_body(id_, page.body(), channel_->output());
  channel_->session().write_end(id_, 0, channel_->output());
}

// FastCGI has no flow control of its own: where the bytes of one request are not taken, none of the others'
// behind them are. The one that stands first is cut for that, and not those that wait behind it: each of
// their looks finds progress.
std::uint64_t FastcgiRequest::delivered_bytes() const {
  if (!channel_->holds_up_others(serial_)) waited_bytes_ += kWaitedBytes;
  return channel_->delivered_bytes() + waited_bytes_;
}

}  // namespace holdfast
