// What is said of a file with the page that the site has for that status in place of ours: 412 of a condition
// that does not hold, 416 of a range that is not there.
#pragma once

#include <optional>
#include <string_view>

#include "config/snapshot.h"
#include "proxy/client/site_files.h"
#include "proxy/core/error_page.h"
#include "proxy/core/exchange.h"

namespace holdfast {

class SitePageSink final : public core::ResponseSink {
 public:
  // `root`: the site's, or what it is without links. All outlive it.
  SitePageSink(const config::Site& site, std::string_view root, core::ResponseSink& next)
      : site_(site), root_(root), next_(next) {}

  void start_response(const http::ResponseHead& head, bool stream) override {
    if (head.status >= 400) page_ = load_error_page(site_, root_, head.status);
    if (!page_) {
      next_.start_response(head, stream);
      return;
    }
    const core::ErrorPage plain(head.status);
    http::ResponseHead own = plain.head();
    page_->put_into(own);
    for (const http::Field& field : head.fields) {  // how long the file is (RFC 9110 15.5.17)
      if (http::equals_ignore_case(field.name, "Content-Range")) own.fields.push_back(field);
    }
    next_.start_response(own, stream);
    next_.response_body(page_->body);
  }
  void response_body(std::string_view bytes) override {
    if (!page_) next_.response_body(bytes);
  }
  void finish_response() override { next_.finish_response(); }
  void break_response() override { next_.break_response(); }

 private:
  const config::Site& site_;
  std::string_view root_;
  core::ResponseSink& next_;
  std::optional<SiteErrorPage> page_;  // sent in place of what is given
};

}  // namespace holdfast
