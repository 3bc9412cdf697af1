// What an operator is told of an application, in the log: that it answers, or does not, and why that may be.
// Each once, when it becomes so. Owned by Upstream.
#pragma once

#include <cstdint>
#include <string>

#include "fastcgi/session.h"
#include "proxy/core/upstream_pool.h"
#include "proxy/net/stream.h"

namespace holdfast {

class Log;

class UpstreamNews {
 public:
  explicit UpstreamNews(Log& log) : log_(log) {}

  // At the end of each turn: costs a comparison when there is nothing new.
  void tell(const core::UpstreamPool& pool) {
    if (pool.application().changes() != told_) tell_changes(pool);
  }
  // Once a cause, not once a try.
  void connect_failed(const core::UpstreamPool& pool, net::Error error);
  void not_fastcgi(const core::UpstreamPool& pool, fastcgi::Fault fault);

 private:
  void tell_changes(const core::UpstreamPool& pool);
  void tell_reachability(const core::UpstreamPool& pool);
  void tell_barriers(const core::UpstreamPool& pool);
  void tell_missing_workers(const core::UpstreamPool& pool);
  void tell_refusals(const core::UpstreamPool& pool);
  void tell_open_ends(const core::UpstreamPool& pool);
  bool is_news(const core::UpstreamPool& pool, const std::string& trouble);

  Log& log_;
  std::uint32_t told_ = 0;  // of Application::changes()
  std::string last_trouble_;
  core::Application::Barriers barriers_ = core::Application::Barriers::unknown;
  bool was_reachable_ = false;
  bool workers_were_missing_ = false;
  bool refusals_told_ = false;
  bool open_ends_told_ = false;
};

}  // namespace holdfast
