// See response_reader.h.
#include "response_reader.h"

#include <algorithm>
#include <charconv>

namespace holdfast::sim {

void ResponseReader::wrong(std::string_view what) {
  universe_.fail("response to " + Ledger::tag_text(tag_) + ": " + std::string(what));
  state_ = State::complete;
}

void ResponseReader::expect(std::size_t tag) {
  tag_ = tag;
  state_ = State::head;
  started_ = closes_ = false;
  status_ = 0;
  fields_.clear();
  verdict_ = {};
  gunzip_.reset();
  collected_.clear();
  left_ = text_bytes_ = 0;
}

void ResponseReader::feed(std::string& bytes) {
  while (state_ != State::complete && !bytes.empty()) {
    switch (state_) {
      case State::head: {
        const std::size_t end = bytes.find("\r\n\r\n");
        started_ =
            started_ || bytes.substr(0, 12) != std::string_view("HTTP/1.1 100").substr(0, bytes.size());
        if (end == std::string::npos) return;
        const std::string head = bytes.substr(0, end + 2);
        bytes.erase(0, end + 4);
        read_head(head);
        break;
      }
      case State::chunk_size: {
        const std::size_t end = bytes.find("\r\n");
        if (end == std::string::npos) return;
        const auto result = std::from_chars(bytes.data(), bytes.data() + end, left_, 16);
        if (end == 0 || result.ptr != bytes.data() + end) return wrong("chunk size");
        bytes.erase(0, end + 2);
        state_ = left_ == 0 ? State::trailer : State::chunk;
        break;
      }
      case State::chunk:
      case State::body: {
        const std::size_t part = std::min(left_, bytes.size());
        take_body(std::string_view(bytes).substr(0, part));
        bytes.erase(0, part);
        left_ -= part;
        if (left_ > 0 || state_ == State::complete) break;
        if (state_ == State::body) {
          finish();
        } else {
          state_ = State::chunk_end;
        }
        break;
      }
      case State::chunk_end:
      case State::trailer:
        if (bytes.size() < 2) return;
        if (!bytes.starts_with("\r\n")) return wrong("no CRLF behind a chunk");
        bytes.erase(0, 2);
        if (state_ == State::trailer) {
          finish();
        } else {
          state_ = State::chunk_size;
        }
        break;
      case State::until_close:
        take_body(bytes);
        bytes.clear();
        break;
      case State::complete: return;
    }
  }
}

bool ResponseReader::feed_end() {
  if (state_ != State::until_close) return false;
  finish();
  return true;
}

void ResponseReader::read_head(std::string_view head) {
  std::size_t end = head.find("\r\n");
  const std::string_view status_line = head.substr(0, end);
  if (status_line.size() < 13 || !status_line.starts_with("HTTP/1.1 ") || status_line[12] != ' ')
    return wrong("status line: " + std::string(status_line));
  std::from_chars(status_line.data() + 9, status_line.data() + 12, status_);
  head.remove_prefix(end + 2);
  if (status_ == 100) {
    ++interims_;
    if (!head.empty()) wrong("fields in an interim response");
    status_ = 0;
    return;
  }
  while (!head.empty()) {
    end = head.find("\r\n");
    read_field(head.substr(0, end));
    head.remove_prefix(end + 2);
  }
  if (state_ == State::head) head_complete();
}

void ResponseReader::read_field(std::string_view line) {
  const std::size_t colon = line.find(": ");
  if (colon == std::string_view::npos || colon == 0) return wrong("field: " + std::string(line));
  std::string name(line.substr(0, colon));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (line.find_first_of("\r\n") != std::string_view::npos) return wrong("bare CR or LF in a field");
  if (!fields_.emplace(name, line.substr(colon + 2)).second) wrong("a field twice: " + name);
}

void ResponseReader::head_complete() {
  Request& request = ledger_.at(tag_);
  closes_ = fields_["connection"] == "close";
  verdict_ = judge_.judge_head(tag_, status_, fields_);
  if (!verdict_.wrong.empty()) return wrong(verdict_.wrong);
  request.excused = verdict_.excused;
  if (verdict_.gzip) gunzip_ = std::make_unique<Gunzip>();
  for (const char* field : {"x-accel-buffering", "x-accel-redirect"}) {
    if (fields_.contains(field)) return wrong(std::string(field) + " is passed on");
  }
  if (!fields_.contains("date")) return wrong("no Date");
  const bool chunked = fields_["transfer-encoding"] == "chunked";
  const std::string length = fields_["content-length"];
  if (chunked && !length.empty()) return wrong("two framings");
  if (request.method == "HEAD" || status_ == 204 || status_ == 304) return finish();
  if (chunked) {
    state_ = State::chunk_size;
  } else if (!length.empty()) {
    left_ = static_cast<std::size_t>(std::stoull(length));
    state_ = State::body;
    if (left_ == 0) finish();
  } else if (closes_) {
    state_ = State::until_close;
  } else {
    wrong("no framing");
  }
}

void ResponseReader::take_body(std::string_view bytes) {
  if (!gunzip_) return take_text(bytes);
  take_text(gunzip_->take(bytes));
  if (gunzip_->failed()) wrong("this is no gzip");
}

void ResponseReader::take_text(std::string_view text) {
  switch (verdict_.body) {
    case Verdict::Body::any: break;
    case Verdict::Body::script:
      if (text_bytes_ + text.size() > ledger_.at(tag_).answer_bytes)
        return wrong("more body than php has sent");
      if (text != Ledger::answer(tag_, text_bytes_, text.size()))
        return wrong("body bytes that are not its own");
      break;
    case Verdict::Body::text:
      if (std::string_view(verdict_.text).substr(std::min(text_bytes_, verdict_.text.size()), text.size()) !=
          text)
        return wrong("body bytes that are not its own");
      break;
    case Verdict::Body::collected:
      collected_ += text;
      if (ledger_.at(tag_).wish != Wish::events) break;
      if (const std::string fault = judge_.judge_admin_body(tag_, status_, collected_); !fault.empty())
        return wrong(fault);
      events_ += static_cast<std::size_t>(text.find("\n\n") != std::string_view::npos);
      collected_.erase(0, collected_.rfind('\n') + 1);  // npos + 1 is 0
      break;
  }
  text_bytes_ += text.size();
}

bool ResponseReader::whole() const {
  if (gunzip_ && !gunzip_->ended()) return false;
  switch (verdict_.body) {
    case Verdict::Body::any:
    case Verdict::Body::collected: return true;
    case Verdict::Body::script: return text_bytes_ == ledger_.at(tag_).answer_bytes;
    case Verdict::Body::text: return text_bytes_ == verdict_.text.size();
  }
  return false;
}

bool ResponseReader::short_until_close() const {
  return state_ == State::until_close && verdict_.right && !whole();
}

void ResponseReader::finish() {
  const Request& request = ledger_.at(tag_);
  state_ = State::complete;
  const bool no_body = request.method == "HEAD" || status_ == 204 || status_ == 304;
  if (no_body) return;
  if (!whole()) return wrong("a cut body looks whole: " + std::to_string(text_bytes_) + " bytes");
  if (verdict_.body != Verdict::Body::collected) return;
  if (const std::string fault = judge_.judge_admin_body(tag_, status_, collected_); !fault.empty())
    wrong(fault);
}

}  // namespace holdfast::sim
