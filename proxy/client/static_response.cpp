// Static files, RFC 9110 sections 8.8 (validators), 13 (conditions) and 14 (ranges).
#include "proxy/client/static_response.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <utility>

#include "proxy/client/gzip_response.h"
#include "proxy/core/error_page.h"
#include "proxy/http/conditional.h"
#include "proxy/http/content_coding.h"
#include "proxy/http/http_date.h"

namespace holdfast {

namespace {
// Between the parts of a multipart/byteranges body. It need not be unguessable: a client that asks for ranges
// of a file which holds this line reads by the ranges' lengths.
constexpr std::string_view kBoundary = "holdfast-byteranges-5d41402abc4b2a76";
}  // namespace

StaticResponse::StaticResponse(const config::Site& site, std::string_view root, const std::string& path,
                               As as)
    : file_(root, path, link_rule(site)), as_(std::move(as)), refusal_(judge_file(site, file_)) {}

// Would the whole file go out compressed? Its 304 carries the tag of that then, RFC 9110 15.4.5.
bool StaticResponse::is_compressed(const http::RequestHead& request) const {
  if (!as_.gzips || !as_.coding.empty()) return false;
  http::ResponseHead head;
  head.fields = {{"Content-Type", as_.type}};
  head.content_length = file_.info().size;
  const http::Compression decision = http::decide_compression(request, head, GzipResponse::kBytesMin);
  return decision == http::Compression::gzip || decision == http::Compression::head;
}

void StaticResponse::start(const http::RequestHead& request, std::time_t now, core::ResponseSink& sink) {
  const net::FileInfo& info = file_.info();
  const std::time_t modified = static_cast<std::time_t>(info.modified_seconds);
  std::array<char, 64> tag{};
  std::snprintf(tag.data(), tag.size(), "\"%llx.%x-%llx\"",
                static_cast<unsigned long long>(info.modified_seconds), info.modified_nanoseconds,
                static_cast<unsigned long long>(info.size));
  etag_ = tag.data();
  last_modified_ = http::format_http_date(modified);

  http::ResponseHead head;
  const http::Precondition condition =
      http::evaluate_conditions(request, {.etag = etag_, .last_modified = modified}, now);
  if (condition == http::Precondition::precondition_failed) {
    core::ErrorPage page(412);
    sink.start_response(page.head(), false);
    sink.response_body(page.body());
    sink.finish_response();
    done_ = true;
    return;
  }
  if (condition == http::Precondition::not_modified && is_compressed(request)) etag_.insert(0, "W/");
  head.fields = {{"ETag", etag_}, {"Last-Modified", last_modified_}};
  if (as_.varies) head.fields.push_back({"Vary", "Accept-Encoding"});
  if (condition == http::Precondition::not_modified) {
    head.status = 304;
    sink.start_response(head, false);
    sink.finish_response();
    done_ = true;
    return;
  }
  http::RangeResult ranges;
  const std::optional<std::string_view> asked = request.find("Range");
  if (asked && request.method == http::Method::get && condition != http::Precondition::ignore_range) {
    ranges = http::parse_range(*asked, info.size);
  }
  head.fields.push_back({"Accept-Ranges", "bytes"});
  if (!as_.coding.empty()) head.fields.push_back({"Content-Encoding", as_.coding});
  start_parts(ranges, as_.type, head);
  sink.start_response(head, false);
  if (request.method == http::Method::head || parts_.empty()) {
    sink.finish_response();
    done_ = true;
  }
}

void StaticResponse::start_parts(const http::RangeResult& ranges, std::string_view type,
                                 http::ResponseHead& head) {
  const std::uint64_t size = file_.info().size;
  const auto range_text = [size](const http::ByteRange& range) {
    return "bytes " + std::to_string(range.offset) + "-" + std::to_string(range.offset + range.bytes - 1) +
           "/" + std::to_string(size);
  };
  head.content_length = size;
  switch (ranges.kind) {
    case http::RangeResult::Kind::whole:
      head.fields.push_back({"Content-Type", type});
      if (size > 0) parts_.push_back({.text = {}, .range = {.offset = 0, .bytes = size}});
      return;
    case http::RangeResult::Kind::unsatisfiable:
      content_range_ = "bytes */" + std::to_string(size);
      head.status = 416;
      head.fields.push_back({"Content-Range", content_range_});
      head.content_length = 0;
      return;
    case http::RangeResult::Kind::partial: break;
  }
  head.status = 206;
  if (ranges.ranges.size() == 1) {
    content_range_ = range_text(ranges.ranges[0]);
    head.fields.push_back({"Content-Type", type});
    head.fields.push_back({"Content-Range", content_range_});
    head.content_length = ranges.ranges[0].bytes;
    parts_.push_back({.text = {}, .range = ranges.ranges[0]});
    return;
  }
  multipart_type_ = "multipart/byteranges; boundary=" + std::string(kBoundary);
  head.fields.push_back({"Content-Type", multipart_type_});
  std::uint64_t length = 0;
  for (const http::ByteRange& range : ranges.ranges) {
    std::string text = "\r\n--" + std::string(kBoundary) + "\r\nContent-Type: " + std::string(type) +
                       "\r\nContent-Range: " + range_text(range) + "\r\n\r\n";
    length += text.size() + range.bytes;
    parts_.push_back({.text = std::move(text), .range = range});
  }
  parts_.push_back({.text = "\r\n--" + std::string(kBoundary) + "--\r\n", .range = {}});
  head.content_length = length + parts_.back().text.size();
}

bool StaticResponse::give_piece(core::ResponseSink& sink, std::size_t bytes_most) {
  if (done_) return false;
  Part& part = parts_[part_];
  if (!text_given_) {
    text_given_ = true;
    if (!part.text.empty()) sink.response_body(part.text);
  }
  if (part.range.bytes > 0) {
    piece_.clear();
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(part.range.bytes, bytes_most));
    if (!file_.read(part.range.offset, want, piece_) || piece_.empty()) {
      // The file shrank after its length was told.
      sink.break_response();
      done_ = true;
      return true;
    }
    sink.response_body(piece_);
    part.range.offset += piece_.size();
    part.range.bytes -= piece_.size();
  }
  if (part.range.bytes == 0) {
    ++part_;
    text_given_ = false;
    if (part_ == parts_.size()) {
      sink.finish_response();
      done_ = true;
    }
  }
  return true;
}

}  // namespace holdfast
