// The request: answers made of files, its own and those in place of others.
#include <utility>

#include "config/site.h"
#include "proxy/client/request.h"
#include "proxy/client/site_page_sink.h"
#include "proxy/client/wished_file.h"
#include "proxy/core/folder_page.h"
#include "proxy/core/log_text.h"
#include "proxy/net/folder.h"
#include "proxy/observe/wall_clock.h"

namespace holdfast {

void Request::answer_file() {
  ReadyCoding ready;
  const std::string root(plan_.root_or(plan_.site->root));
  if (plan_.site->precompressed) ready = find_ready_coding(*head_, root, plan_.target.path);
  const auto open = [&](const ReadyCoding& as) {
    file_ = std::make_unique<StaticResponse>(
        *plan_.site, root, plan_.target.path + std::string(as.ending),
        StaticResponse::As{.type = content_type(*plan_.site, plan_.route(), plan_.target.path),
                           .coding = as.coding,
                           .varies = plan_.site->precompressed,
                           .gzips = plan_.site->gzip});
  };
  open(ready);
  if (file_->failure() != 0 && !ready.coding.empty()) open({});  // the plain one is what was asked for
  if (const int failure = file_->failure(); failure != 0) {
    context_.descriptors.note(DescriptorWatch::Place::file, file_->error(), context_.now());
    const std::string_view why = file_->why();  // a literal
    file_.reset();
    answer_error(failure, why);
    return;
  }
  RouteSink sink(route_fields_, plan_, wall_seconds, response_sink());
  SitePageSink pages(*plan_.site, root, sink);
  file_->start(*head_, wall_seconds(), pages);
  send_file_pieces();
}

// Php has said which file: it is answered as any other, with php's fields.
void Request::answer_sent_file() {
  const http::ResponseHead& head = sent_file_->head();
  const WishedFile wished = find_wished_file(plan_.site->internal, *wished_file(head));
  if (wished.why.empty()) {
    file_ = std::make_unique<StaticResponse>(
        *plan_.site, wished.root, wished.path,
        StaticResponse::As{.type = content_type(*plan_.site, plan_.route(), wished.path),
                           .gzips = plan_.site->gzip});
  }
  if (!wished.why.empty() || file_->failure() != 0) {
    const int status = wished.why.empty() ? file_->failure() : 502;
    refusal_ = wished.why.empty() ? file_->why() : wished.why;
    context_.log.warn(php_log_prefix() + "sends " + core::escape_for_log(wished_file(head)->value) + ": " +
                      std::string(refusal_));
    file_.reset();
    answer_own(core::ErrorPage(status));
    return;
  }
  RouteSink routed(route_fields_, plan_, wall_seconds, response_sink());
  WishedFileSink sink(head, routed);
  SitePageSink pages(*plan_.site, plan_.root_or(plan_.site->root), sink);
  file_->start(*head_, wall_seconds(), pages);
  send_file_pieces();
}

void Request::answer_list() {
  const std::string root(plan_.root_or(plan_.site->root));
  const config::Site& site = *plan_.site;
  const net::FolderEntries folder =
      net::list_folder(root, plan_.target.path, core::kListedNamesMost, link_rule(site));
  if (const FileRefusal refusal = judge_folder(site, folder); refusal.status != 0) {
    context_.descriptors.note(DescriptorWatch::Place::file, folder.error, context_.now());
    answer_error(refusal.status, refusal.why);
    return;
  }
  std::vector<core::ListedName> names;
  for (const net::FolderEntry& each : folder.entries) {
    const std::string path = plan_.target.path + each.name + (each.folder ? "/" : "");
    if (lists_entry(site, each) && plan_.dispatcher->shows(site, *head_, origin_, path))
      names.push_back({each.name, each.folder, each.size, each.modified_seconds});
  }
  const std::string page = core::folder_page(head_->path, std::move(names), folder.more);
  http::ResponseHead head;
  head.fields.push_back({"Content-Type", "text/html; charset=utf-8"});
  head.content_length = page.size();
  core::ResponseSink& sink = response_sink();
  sink.start_response(route_fields_.apply(plan_, head, wall_seconds), false);
  sink.response_body(page);
  sink.finish_response();
  flush();
}

// ---- pages of errors

std::optional<SiteErrorPage> Request::load_own_page(int status) const {
  if (plan_.site == nullptr || error_page_path(*plan_.site, status).empty()) return std::nullopt;
  return load_error_page(*plan_.site, plan_.root_or(plan_.site->root), status);
}

// A page of the site in place of one that we gave for php, or of php's own where the site wants that. What
// php still says of its own is left unread.
bool Request::replace_answer(const Delivery& delivery) {
  const http::ResponseHead& given = delivery.head.head();
  const core::Outcome outcome = delivery.report.outcome;
  const bool ours = (outcome != core::Outcome::none && outcome != core::Outcome::ok) ||
                    delivery.report.outcome_if_whole == core::Outcome::upstream_send_file;
  if (plan_.site->errors.pages.empty() || (!ours && !plan_.site->errors.from_php)) return false;
  const std::optional<SiteErrorPage> page = load_own_page(given.status);
  if (!page) return false;
  const core::ErrorPage plain(given.status);
  http::ResponseHead head = plain.head();
  page->put_into(head);
  for (const http::Field& field : given.fields) {
    // Without it a browser cannot ask for a password (RFC 9110 15.5.2).
    if (http::equals_ignore_case(field.name, "WWW-Authenticate")) head.fields.push_back(field);
  }
  gzip_.reset();
  response_.start_response(route_fields_.apply(plan_, head, wall_seconds), false);
  response_.response_body(page->body);
  response_.finish_response();
  response_.flush(*owner_);
  return true;
}

}  // namespace holdfast
