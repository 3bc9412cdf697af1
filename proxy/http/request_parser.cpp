// RequestParser. Three readers share the work: LineScanner passes each byte that is not body (line ends,
// limits, chunks) and finds the pieces of the request line, llhttp those of the header fields, and
// request_rules judges the pieces. Where scanner, rules and llhttp disagree on fields or framing, the request
// is refused: two readers that differ are what request smuggling lives on.
//
// A head is collected into one string first and its fields are given to llhttp whole, so that its spans never
// straddle two reads and the views in RequestHead need no second copy. The request line is not for llhttp,
// which knows a fixed set of methods, no version but its own and no raw bytes in a target: it gets one of
// ours. Bodies are not copied, and llhttp never sees them: its chunk reader is no use to us (line_scanner.h
// says why), and it would take what follows an Upgrade field for another protocol.
#include "proxy/http/request_parser.h"

#include <llhttp.h>

#include <algorithm>
#include <cassert>

#include "proxy/http/line_scanner.h"
#include "proxy/http/request_rules.h"
#include "proxy/http/text.h"

namespace holdfast::http {

namespace {

// Bounds the memory that a client can make us hold by sending chunks of one byte.
constexpr std::size_t kSlicesMax = 64;

// What an idle connection keeps for its next head; a usual one fits.
constexpr std::size_t kIdleTextBytes = 2048;
constexpr std::size_t kIdleNameBytes = 256;
constexpr std::size_t kIdleFields = 32;

// Of the first line of a refused head, for the log.
constexpr std::size_t kFirstBytesMost = 64;
// The first byte of a TLS handshake (RFC 8446 5.1), which no method begins with.
constexpr char kTlsHandshake = 0x16;

// The request line that llhttp is given. Nothing hangs on it: the method matters to llhttp for what follows
// the head, and HTTP/1.0 with a Transfer-Encoding is refused by our rules.
constexpr std::string_view kLlhttpRequestLine = "POST / HTTP/1.1\r\n";

// White space behind a value is no part of it (RFC 9112 5.1), but llhttp takes a tab there for a part of a
// Content-Length or a Transfer-Encoding. Rare: most heads have no tab.
void blank_tabs_behind_values(std::string& text) {
  for (std::size_t tab = text.find('\t'); tab != std::string::npos; tab = text.find('\t', tab + 1)) {
    const std::size_t end = text.find_first_not_of(" \t", tab);  // a head ends with a line end
    if (text[end] == '\r')
      std::fill(text.begin() + static_cast<std::ptrdiff_t>(tab),
                text.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    tab = end;
  }
}

// Our own rules judge all that they can, so this is for what only llhttp objects to. Not every enumerator is
// named: they differ between llhttp 8 and 9.
Refusal refusal_of(llhttp_errno_t error) {
  switch (error) {
    case HPE_UNEXPECTED_CONTENT_LENGTH: return {400, "repeated Content-Length"};
    case HPE_INVALID_CONTENT_LENGTH: return {400, "malformed Content-Length"};
    case HPE_INVALID_TRANSFER_ENCODING: return {400, "malformed Transfer-Encoding"};
    default: return {400, "malformed request head"};
  }
}

}  // namespace

struct RequestParser::Impl {
  // head -> ready -> body -> complete -> head; ready -> complete without a body; head, body -> refused.
  enum class Stage : std::uint8_t {
    head,      // collecting text
    ready,     // head_complete was reported
    body,      // between the head and the end of the message
    complete,  // until next_request()
    refused,   // for good
  };

  explicit Impl(const ParserLimits& limits) : scanner(limits) {}

  LineScanner scanner;
  Stage stage = Stage::head;
  std::string text;  // the head as sent, line ends included; not touched from head_complete to next_request()
  std::vector<std::string_view> slices;
  std::uint64_t content_bytes_left = 0;  // of a body with Content-Length
  std::vector<Field>* fields = nullptr;  // where the head's fields go while llhttp reads it
  Field field;
  bool is_head = false;    // the text judged so far begins with "HEAD "
  bool disjoint = false;   // llhttp gave a span in parts that do not touch; never seen
  bool head_seen = false;  // on_headers_complete came
  llhttp_t llhttp{};

  static Impl& of(llhttp_t* parser) { return *static_cast<Impl*>(parser->data); }
  static const llhttp_settings_t& settings();
  void extend(std::string_view& view, const char* at, std::size_t bytes);
};

// Callbacks only note what they are told; decisions are made after llhttp has returned.
const llhttp_settings_t& RequestParser::Impl::settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t s;
    llhttp_settings_init(&s);
    s.on_header_field = [](llhttp_t* p, const char* at, std::size_t bytes) {
      of(p).extend(of(p).field.name, at, bytes);
      return 0;
    };
    s.on_header_value = [](llhttp_t* p, const char* at, std::size_t bytes) {
      of(p).extend(of(p).field.value, at, bytes);
      return 0;
    };
    s.on_header_value_complete = [](llhttp_t* p) {
      Impl& self = of(p);
      self.fields->push_back({self.field.name, trim(self.field.value)});
      self.field = {};
      return 0;
    };
    s.on_headers_complete = [](llhttp_t* p) -> int {
      of(p).head_seen = true;
      return HPE_PAUSED;
    };
    return s;
  }();
  return kSettings;
}

void RequestParser::Impl::extend(std::string_view& view, const char* at, std::size_t bytes) {
  if (view.empty()) {
    view = {at, bytes};
  } else if (view.data() + view.size() == at) {
    view = {view.data(), view.size() + bytes};
  } else {
    disjoint = true;
  }
}

RequestParser::RequestParser(ParserLimits limits) : impl_(std::make_unique<Impl>(limits)) {
  impl_->fields = &head_.fields;
}

RequestParser::~RequestParser() = default;

void RequestParser::set_limits(const ParserLimits& limits) {
  assert(between_requests());
  impl_->scanner.set_limits(limits);
}

bool RequestParser::between_requests() const {
  return impl_->stage == Impl::Stage::head && impl_->scanner.at_start();
}

std::string_view RequestParser::first_bytes() const {
  const std::string_view text = std::string_view(impl_->text).substr(0, kFirstBytesMost);
  return text.substr(0, text.find_first_of("\r\n"));
}

bool RequestParser::head_method() const {
  return impl_->is_head;
}

RequestParser::Progress RequestParser::advance(std::string_view input) {
  switch (impl_->stage) {
    case Impl::Stage::head: return advance_head(input);
    case Impl::Stage::ready:
      if (!head_.has_body()) {
        impl_->stage = Impl::Stage::complete;
        return {Event::message_complete, 0, {}};
      }
      impl_->stage = Impl::Stage::body;
      impl_->content_bytes_left = head_.content_length.value_or(0);
      if (head_.chunked) impl_->scanner.start_chunks();
      return head_.chunked ? advance_chunked(input) : advance_counted(input);
    case Impl::Stage::body: return head_.chunked ? advance_chunked(input) : advance_counted(input);
    case Impl::Stage::complete: return {Event::message_complete, 0, {}};
    case Impl::Stage::refused: return {Event::refused, 0, {}};
  }
  return {Event::refused, 0, {}};
}

RequestParser::Progress RequestParser::advance_head(std::string_view input) {
  Impl& impl = *impl_;
  const LineScanner::Result result = impl.scanner.scan(input);
  impl.text.append(input.substr(result.skipped, result.consumed - result.skipped));
  impl.is_head = impl.text.starts_with("HEAD ");
  switch (result.outcome) {
    case LineScanner::Outcome::refused: {
      impl.text.append(input.substr(result.consumed, kFirstBytesMost));  // for the log
      const bool tls = impl.text.starts_with(kTlsHandshake);
      return refuse(tls ? Refusal{400, "TLS on a port that speaks plain HTTP"} : impl.scanner.refusal(),
                    result.consumed);
    }
    case LineScanner::Outcome::data:  // not in a head
    case LineScanner::Outcome::more: return {Event::need_more, result.consumed, {}};
    case LineScanner::Outcome::end: break;
  }
  if (auto refusal = read_head()) return refuse(*refusal, result.consumed);
  impl.stage = Impl::Stage::ready;
  return {Event::head_complete, result.consumed, {}};
}

// The text is whole and its line ends are clean: make the RequestHead.
std::optional<Refusal> RequestParser::read_head() {
  Impl& impl = *impl_;
  blank_tabs_behind_values(impl.text);
  std::string_view line = impl.text;
  head_.method_text = line.substr(0, impl.scanner.method_bytes());
  line.remove_prefix(head_.method_text.size() + 1);
  head_.target = line.substr(0, impl.scanner.target_bytes());
  line.remove_prefix(head_.target.size() + 1);
  const std::string_view version = line.substr(0, impl.scanner.version_bytes());
  line.remove_prefix(version.size() + 2);

  if (auto refusal = apply_request_line(head_.method_text, version, head_)) return refusal;
  if (auto refusal = apply_target(head_)) return refusal;

  llhttp_init(&impl.llhttp, HTTP_REQUEST, &Impl::settings());
  // Lenient where llhttp would stop at the first doubtful framing field: apply_fields() then sees all of
  // them, refuses every such request, and knows which status fits.
  llhttp_set_lenient_chunked_length(&impl.llhttp, 1);
  llhttp_set_lenient_transfer_encoding(&impl.llhttp, 1);
  impl.llhttp.data = &impl;
  impl.head_seen = impl.disjoint = false;
  llhttp_execute(&impl.llhttp, kLlhttpRequestLine.data(), kLlhttpRequestLine.size());
  const llhttp_errno_t error = llhttp_execute(&impl.llhttp, line.data(), line.size());
  if (!impl.head_seen) return refusal_of(error);
  if (auto refusal = apply_fields(head_)) return refusal;

  // llhttp must have stopped on the last line feed, or behind it.
  const bool agreed = !impl.disjoint && head_.fields.size() == impl.scanner.field_count() &&
                      llhttp_get_error_pos(&impl.llhttp) >= impl.text.data() + impl.text.size() - 1 &&
                      ((impl.llhttp.flags & F_CHUNKED) != 0) == head_.chunked &&
                      impl.llhttp.content_length == head_.content_length.value_or(0);
  if (!agreed) return Refusal{400, "malformed request head"};
  return std::nullopt;
}

RequestParser::Progress RequestParser::advance_counted(std::string_view input) {
  Impl& impl = *impl_;
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), impl.content_bytes_left));
  if (taken == 0) return {Event::need_more, 0, {}};
  impl.content_bytes_left -= taken;
  body_bytes_ += taken;
  impl.slices.assign(1, input.substr(0, taken));
  if (impl.content_bytes_left > 0) return {Event::body, taken, impl.slices};
  impl.stage = Impl::Stage::complete;
  return {Event::message_complete, taken, impl.slices};
}

RequestParser::Progress RequestParser::advance_chunked(std::string_view input) {
  Impl& impl = *impl_;
  impl.slices.clear();
  std::size_t consumed = 0;
  while (consumed < input.size() && impl.slices.size() < kSlicesMax) {
    const std::string_view rest = input.substr(consumed);
    if (const std::uint64_t left = impl.scanner.data_bytes_left(); left > 0) {
      const std::string_view data =
          rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, rest.size())));
      impl.slices.push_back(data);
      impl.scanner.take_data(data.size());
      body_bytes_ += data.size();
      consumed += data.size();
      continue;
    }
    const LineScanner::Result result = impl.scanner.scan(rest);
    consumed += result.consumed;
    switch (result.outcome) {
      case LineScanner::Outcome::more:
      case LineScanner::Outcome::data: break;
      case LineScanner::Outcome::end:
        impl.stage = Impl::Stage::complete;
        return {Event::message_complete, consumed, impl.slices};
      case LineScanner::Outcome::refused: return refuse(impl.scanner.refusal(), consumed);
    }
  }
  return {impl.slices.empty() ? Event::need_more : Event::body, consumed, impl.slices};
}

RequestParser::Progress RequestParser::refuse(Refusal refusal, std::size_t consumed) {
  impl_->stage = Impl::Stage::refused;
  refusal_ = refusal;
  return {Event::refused, consumed, {}};
}

std::size_t RequestParser::held_bytes() const {
  return impl_->text.size();
}

void RequestParser::shrink() {
  assert(between_requests());
  const auto give_back = [](auto& kept, std::size_t most) {
    if (kept.capacity() > most) std::decay_t<decltype(kept)>().swap(kept);
  };
  give_back(impl_->text, kIdleTextBytes);
  give_back(impl_->slices, 1);
  give_back(head_.path, kIdleNameBytes);
  give_back(head_.authority, kIdleNameBytes);
  give_back(head_.host, kIdleNameBytes);
  give_back(head_.fields, kIdleFields);
}

void RequestParser::next_request() {
  assert(impl_->stage == Impl::Stage::complete);
  impl_->scanner.start_head();
  forget_head();
}

void RequestParser::start_over() {
  impl_->scanner.start_over();
  impl_->content_bytes_left = 0;
  refusal_ = {};
  forget_head();
  shrink();
}

void RequestParser::forget_head() {
  impl_->stage = Impl::Stage::head;
  impl_->text.clear();
  impl_->is_head = false;
  impl_->slices.clear();
  impl_->field = {};
  body_bytes_ = 0;
  head_.clear();
}

}  // namespace holdfast::http
