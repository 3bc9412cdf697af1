// What the parts of one worker share: owned by Worker, handed down by reference. No globals.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/choices.h"
#include "config/snapshot.h"
#include "proxy/core/deadline_queue.h"
#include "proxy/core/memory_budget.h"
#include "proxy/core/rare_line.h"
#include "proxy/core/recent_texts.h"
#include "proxy/core/spill_shares.h"
#include "proxy/loop/descriptor_watch.h"
#include "proxy/net/network.h"
#include "proxy/observe/access_log.h"
#include "proxy/observe/log.h"
#include "proxy/observe/metrics.h"

namespace holdfast {

struct Context {
  config::Snapshot config;  // in force; a reload puts another in its place
  net::Network& network;
  core::SpillStore& spill;
  core::SpillShares spill_shares;  // of `spill`
  Log& log;
  AccessLog& access_log;
  Metrics metrics;
  DescriptorWatch descriptors;
  core::DeadlineQueue deadlines;
  core::MemoryBudget memory = {};  // of all clients
  std::string date;                // IMF-fixdate of this second
  std::size_t compressors = 0;     // responses being compressed now: GzipResponse counts
  core::RecentTexts complaints;    // of scripts' answers, for the log
  std::uint64_t last_id = 0;
  core::RareLine unstored_body_line;  // lines that any client can cause
  core::RareLine cut_answer_line;
  core::RareLine slow_client_line;
  core::RareLine unread_head_line;
  core::RareLine bad_records_line = {};

  std::uint64_t next_id() { return ++last_id; }
  core::Time now() const { return network.now(); }

  // Of the configuration in force; a reload ends what they refer to.
  const config::Client& client_config() const;
  const config::Buffers& buffers_config() const;
  const config::Shutdown& shutdown_config() const;
  const std::vector<config::Pool>& pools_config() const;
  const std::vector<config::Network>& trusted_proxies() const;
  const std::vector<config::ForwardedHeader>& forwarded_headers() const;
};

}  // namespace holdfast
