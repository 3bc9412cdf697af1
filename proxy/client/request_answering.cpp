// The request: from its last byte to the last byte of its answer.
#include <algorithm>
#include <utility>

#include "config/buffers.h"
#include "config/site.h"
#include "fastcgi/protocol.h"
#include "fastcgi/request_params.h"
#include "proxy/client/request.h"
#include "proxy/client/wished_file.h"
#include "proxy/core/cgi_params.h"
#include "proxy/observe/wall_clock.h"

namespace holdfast {

namespace {
// Pieces of a file written in one go before other clients get their turn.
constexpr int kFilePiecesAtOnce = 4;
// Compressed bytes sent in one go while there is more to compress.
constexpr std::size_t kCompressedBytesAtOnce = 16 * 1024;
// Of those that hold the target, with the lengths of a pair.
constexpr std::size_t kParamNameBytesMost = 32;
}  // namespace

void Request::on_complete() {
  move_to(State::answering);
  deadline_.clear();
  // A reload has taken its pool away since the head came: then what the present configuration says.
  if (plan_.kind == Plan::Kind::php && plan_.ready_params == nullptr && !host_.has_pool(plan_.pool()))
    make_plan();
  if (!check_password()) answer_plan();
}

void Request::answer_plan() {
  switch (plan_.kind) {
    case Plan::Kind::php: forward_to_php(); return;
    case Plan::Kind::file: answer_file(); return;
    case Plan::Kind::list: answer_list(); return;
    case Plan::Kind::redirect:
      answer_own(core::ErrorPage(plan_.target.status, plan_.target.location));
      return;
    case Plan::Kind::options: answer_options(); return;
    case Plan::Kind::error:
      refusal_ = plan_.target.why;
      answer_own(core::ErrorPage(plan_.target.status, {}, plan_.target.allow));
      return;
    case Plan::Kind::admin: answer_admin(); return;
  }
}

// Where the answer of php or of a file goes.
core::ResponseSink& Request::response_sink() {
  if (!plan_.site->gzip) return response_;
  return gzip_.emplace(
      *head_, response_, context_.compressors,
      core::BodyStore(&answer_spill_, context_.buffers_config().response_memory, &context_.memory));
}

// Where bytes of an answer under way go.
core::ResponseSink& Request::first_sink() {
  return gzip_ ? static_cast<core::ResponseSink&>(*gzip_) : response_;
}

// ---- our own answers

void Request::answer_options() {
  http::ResponseHead head;
  head.status = plan_.target.status;
  head.fields.push_back({"Allow", plan_.target.allow});
  response_.start_response(route_fields_.apply(plan_, head, wall_seconds), false);
  response_.finish_response();
  flush();
}

void Request::answer_admin() {
  OwnAnswer answer =
      host_.admin().answer(*head_, {.address = peer_->address, .unix_socket = local_->address.empty()});
  http::ResponseHead head;
  head.status = answer.status;
  head.fields = {{"Content-Type", answer.content_type}};
  host_.admin().add_fields(answer.policy, head.fields);
  if (!answer.allow.empty()) head.fields.push_back({"Allow", answer.allow});
  if (answer.event_stream) {
    event_stream_ = true;
    host_.admin().stream_opened(*this);
    response_.start_response(head, true);
  } else {
    head.content_length = answer.body.size();
    response_.start_response(head, false);
  }
  response_.response_body(answer.body);
  if (!answer.event_stream) response_.finish_response();
  flush();
}

void Request::push_event(std::string_view bytes) {
  if (response_.congested(*owner_)) return;  // a page that sleeps gets the next one
  response_.response_body(bytes);
  flush();
}

// An answer in place of what was asked, to a request that need not be whole: the connection ends with it.
void Request::answer_error(int status, std::string_view why) {
  refusal_ = why;
  forget_password();
  if (state_ == State::reading) move_to(State::answering);
  deadline_.clear();
  owner_->make_last();
  // RFC 9110 15.5.6: a 405 says what is allowed.
  answer_own(core::ErrorPage(status, {}, status == 405 ? core::kServerMethods : std::string_view()));
}

void Request::answer_own(const core::ErrorPage& page) {
  http::ResponseHead head = page.head();
  if (head.status == 401) head.fields.push_back({"WWW-Authenticate", plan_.challenge});
  const std::optional<SiteErrorPage> of_site = load_own_page(head.status);
  if (of_site) of_site->put_into(head);
  if (admin_) host_.admin().add_fields(OwnAnswer::kNothing, head.fields);
  response_.start_response(route_fields_.apply(plan_, head, wall_seconds), false);
  response_.response_body(of_site ? of_site->body : page.body());
  response_.finish_response();
  flush();
}

// ---- php

// False: one is too large for FastCGI.
bool Request::make_params(fastcgi::ParamList& params) {
  if (plan_.ready_params != nullptr) {
    params.swap(*plan_.ready_params);
    fastcgi::correct_content_length(params, request_body_.size());
    return true;
  }
  const std::string remote_port = origin_.port == 0 ? std::string() : std::to_string(origin_.port);
  const std::string server_port = std::to_string(core::server_port(origin_, *head_, local_->port));
  return plan_.params->build(
      {.head = *head_,
       .script_name = plan_.target.script_name,
       .path_info = plan_.target.path_info,
       .root = plan_.target.root,
       .query = plan_.target.query,
       .remote_user = credentials_ ? std::string_view(credentials_->user) : std::string_view(),
       .remote_address = origin_.address,
       .remote_port = remote_port,
       .server_address = local_->address,
       .server_port = server_port,
       .https = origin_.https,
       .authority = origin_.authority,
       .host = origin_.host,
       .forwarded_fields = origin_.fields,
       .content_length = request_body_.size()},
      params);
}

void Request::forward_to_php() {
  if (!host_.has_pool(plan_.pool())) {
    answer_error(503, "the pool of this site was removed by a reload");
    return;
  }
  std::unique_ptr<Submission> submission = mail().begin_submission();
  if (!make_params(submission->params)) {
    if (head_->target.size() + plan_.site->php_root.size() + kParamNameBytesMost >
        fastcgi::kWriteContentBytesMax) {
      answer_error(414, "the request target is too long for a FastCGI parameter");
    } else {
      answer_error(431, "a header field is too large for a FastCGI parameter");
    }
    return;
  }
  response_sink();
  submission->pool = plan_.pool();
  submission->asked.assign(head_->method, head_->method_text, head_->authority, head_->target);
  submission->body.emplace(std::move(request_body_));
  submission->address = core::address_key(origin_.bytes);
  submission->head_bytes_max = context_.buffers_config().response_head;
  submission->timeouts = plan_.route().timeouts;
  submission->passes_file_wishes = !plan_.site->internal.empty();
  submission->for_web_server = plan_.fastcgi_plans != nullptr;
  exchange_ = mail().open(*this);
  mail().submit(exchange_, std::move(submission));
  if (half_closed_) mail().half_close(exchange_);
}

// What php's side brings, at the end of a turn.
void Request::on_delivery(std::unique_ptr<Delivery> delivery) {
  if (delivery->asks) {
    if (owner_->client_gone()) {
      on_client_left(core::ClientCloseReason::client_left);
    } else {
      mail().go_on(exchange_);
    }
  }
  const bool ended = delivery->ending != Delivery::Ending::none;
  if (delivery->has_head || ended) report_ = delivery->report;
  if (ended) mail().close(std::exchange(exchange_, 0));
  note_stderr(*delivery);
  if (ended && state_ == State::answering && report_->outcome == core::Outcome::client_left) {
    last_ = std::move(delivery);
    on_client_left(core::ClientCloseReason::client_left);  // leave_queue()
    return;
  }
  if (state_ == State::answering) take(*delivery);
  if (ended) {
    last_ = std::move(delivery);
  } else if (delivery->has_head) {
    head_kept_ = std::move(delivery);
  } else {
    mail().give_back(std::move(delivery));
  }
  if (state_ == State::ending && ended) {
    end(ends_as_);
  } else if (state_ == State::answering && ended && sent_file_) {
    answer_sent_file();
  } else {
    flush();
  }
}

void Request::take(Delivery& delivery) {
  if (delivery.has_head && wished_file(delivery.head.head()) != nullptr) {
    sent_file_.emplace().assign(delivery.head.head());
  }
  if (sent_file_) return;  // its body is not php's
  if (delivery.has_head && replace_answer(delivery)) return;
  core::ResponseSink& sink = first_sink();
  if (delivery.has_head)
    sink.start_response(route_fields_.apply(plan_, delivery.head.head(), wall_seconds), delivery.stream);
  if (!delivery.body.empty()) sink.response_body(delivery.body);
  if (delivery.ending == Delivery::Ending::whole) sink.finish_response();
  if (delivery.ending == Delivery::Ending::broken) sink.break_response();
}

// Php is held back while its client is behind and no more can be stored.
void Request::watch_pace() {
  if (!php_at_work() || behind_ || !congested()) return;
  behind_ = true;
  mail().fall_behind(exchange_);
}

void Request::catch_up() {
  if (!php_at_work() || !behind_) return;
  behind_ = false;
  mail().catch_up(exchange_);
}

// ---- on its way to the client

void Request::send_file_pieces() {
  if (gzip_ && gzip_->at_work()) {
    want_compressing();
    return;
  }
  core::ResponseSink& sink = first_sink();
  for (int pieces = 0; file_ != nullptr && pieces < kFilePiecesAtOnce && owner_->unsent_bytes() == 0;
       ++pieces) {
    if (response_.finished() || !file_->give_piece(sink)) break;
    if (response_.finished()) break;
    response_.flush(*owner_);
  }
  flush();
  // The kernel took it all: others have their turn, then we go on.
  if (state_ == State::answering && file_ != nullptr && !response_.finished() &&
      owner_->unsent_bytes() == 0) {
    host_.wants_turn(turn_);
  }
}

void Request::on_turn() {
  if (password_pushed_out_) {
    lose_password_place();
    return;
  }
  if (state_ == State::answering && file_ != nullptr) send_file_pieces();
}

void Request::want_compressing() {
  host_.wants_compressing(compressing_);
}

std::size_t Request::compress(std::size_t bytes_most) {
  // What the client's side cannot store, it takes when the client has caught up: on_drained().
  if (state_ != State::answering || !gzip_ || response_.congested(*owner_)) return 0;
  if (file_ != nullptr) {
    if (owner_->unsent_bytes() > 0) return 0;  // files are read as the client takes them
    if (gzip_->stored_bytes() == 0) static_cast<void>(file_->give_piece(*gzip_, bytes_most));
  }
  const bool was_congested = gzip_->congested();
  const std::size_t bytes = gzip_->work(bytes_most, file_ != nullptr);
  if (was_congested && !congested()) catch_up();
  // Text shrinks to a tenth: what more gives at once is sent together with it.
  const bool more_at_hand = gzip_->at_work() && (file_ != nullptr || gzip_->stored_bytes() > 0);
  if (more_at_hand && response_.batch_bytes() < kCompressedBytesAtOnce) {
    want_compressing();
  } else {
    flush();
  }
  return bytes;
}

void Request::flush() {
  if (state_ != State::answering) return;
  const bool to_compress = gzip_ && (gzip_->has_work() || (file_ != nullptr && gzip_->at_work()));
  if (to_compress) want_compressing();
  response_.flush(*owner_);
  if (response_.broken()) {
    break_off();
  } else if (response_.all_sent(*owner_)) {
    end(State::answered);
  } else {
    watch_pace();
    if (owner_->unsent_bytes() > 0) watch_writing();
    owner_->request_waits();
  }
}

void Request::break_off() {
  stop(State::broken, core::ClientCloseReason::answer_broken);
}

bool Request::congested() const {
  return response_.congested(*owner_) || (gzip_ && gzip_->congested());
}

void Request::on_drained() {
  if (state_ != State::answering) return;
  deadline_.clear();
  delivery_.stop();
  response_.on_drained(*owner_);
  if (response_.broken()) {
    break_off();
    return;
  }
  if (owner_->unsent_bytes() > 0) {
    watch_writing();
    return;
  }
  if (response_.all_sent(*owner_)) {
    end(State::answered);
    return;
  }
  held_worker_.let_go();
  if (gzip_ && gzip_->has_work()) want_compressing();
  if (file_ != nullptr) {
    send_file_pieces();
  } else {
    catch_up();
  }
}

}  // namespace holdfast
