// HAProxy: the servers with `proto fcgi`, with what their backend, its defaults, and its fcgi-app say. After
// doc/configuration.txt of 2.6; what it does with a socket in a chroot, with `timeout queue` and with
// `retry-on` was tried.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "config/addresses.h"
#include "proxy/doctor/front_lines.h"
#include "proxy/doctor/front_readers.h"

namespace holdfast {

namespace {

using config::Duration;

struct Section {
  FrontLine head;
  std::vector<FrontLine> lines;
  const Section* defaults = nullptr;

  // The last line that begins so: in itself, else in its defaults.
  const FrontLine* find(std::string_view first, std::string_view second = {}) const {
    const auto at = std::find_if(lines.rbegin(), lines.rend(), [&](const FrontLine& each) {
      return each.word(0) == first && (second.empty() || each.word(1) == second);
    });
    if (at != lines.rend()) return &*at;
    return defaults != nullptr ? defaults->find(first, second) : nullptr;
  }
  // `option NAME`, and `no option NAME`; whichever stands last.
  bool option(std::string_view name, bool otherwise) const {
    for (auto at = lines.rbegin(); at != lines.rend(); ++at) {
      if (at->word(0) == "option" && at->word(1) == name) return true;
      if (at->word(0) == "no" && at->word(1) == "option" && at->word(2) == name) return false;
    }
    return defaults != nullptr ? defaults->option(name, otherwise) : otherwise;
  }
};

bool opens_section(std::string_view word) {
  constexpr std::string_view kNames[] = {
      "global",    "defaults",    "frontend",    "backend",     "listen",  "fcgi-app", "peers",
      "userlist",  "resolvers",   "mailers",     "cache",       "program", "ring",     "traces",
      "crt-store", "http-errors", "log-forward", "log-profile", "acme"};
  return std::find(std::begin(kNames), std::end(kNames), word) != std::end(kNames);
}

FrontTime time_limit(const Section& section, const std::string& which) {
  FrontTime out;
  out.name = "timeout " + which;
  out.line = out.name + " <>s";
  if (const FrontLine* const line = section.find("timeout", which)) {
    out.value = front_time(line->word(2), Duration(1));
    out.understood = out.value.has_value();
    out.place = line->place;
    if (out.value == Duration(0)) out.value.reset();
  }
  return out;
}

// The value of `key` in a server's line, else in the default-server lines of its section.
struct ServerWord {
  std::string value;
  FrontPlace place;
};
std::optional<ServerWord> server_word(const Section& section, const FrontLine& server, std::string_view key) {
  const auto look = [key](const FrontLine& line) -> std::optional<ServerWord> {
    for (std::size_t i = 1; i + 1 < line.words.size(); ++i) {
      if (line.words[i] == key) return ServerWord{line.words[i + 1], line.place};
    }
    return std::nullopt;
  };
  if (auto own = look(server)) return own;
  for (const Section* each = &section; each != nullptr; each = each->defaults) {
    for (auto at = each->lines.rbegin(); at != each->lines.rend(); ++at) {
      if (at->word(0) != "default-server") continue;
      if (auto found = look(*at)) return found;
    }
  }
  return std::nullopt;
}

std::optional<config::Address> haproxy_address(std::string_view word) {
  if (word.find('$') != std::string_view::npos) return std::nullopt;  // of the environment
  for (const std::string_view family : {"ipv4@", "ipv6@"}) {
    if (word.starts_with(family)) word.remove_prefix(family.size());
  }
  if (word.starts_with("unix@")) word.remove_prefix(5);
  const std::string text = (word.starts_with('/') ? "unix:" : "tcp:") + std::string(word);
  return config::read_pool_address(text).value;
}

// Words of retry-on by which a request goes out again that php may have run.
std::string repeating(const FrontLine& line) {
  std::string out;
  for (std::size_t i = 1; i < line.words.size(); ++i) {
    const std::string& word = line.words[i];
    if (word == "none" || word == "conn-failure" || word == "0rtt-rejected") continue;
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

class HaproxyReader {
 public:
  explicit HaproxyReader(const std::vector<FrontFile>& files) {
    out_.kind = FrontKind::haproxy;
    for (const FrontFile& each : files) read(each);
  }

  FrontConfig take() {
    for (const auto& section : sections_) {
      const std::string& kind = section->head.words[0];
      if (kind != "backend" && kind != "listen") continue;
      for (const FrontLine& line : section->lines) {
        if (line.word(0) == "server" || line.word(0) == "server-template") take_server(*section, line);
      }
    }
    return std::move(out_);
  }

 private:
  void read(const FrontFile& file) {
    WordRules rules;
    rules.backslash_everywhere = rules.comment_anywhere = rules.comment_within_word = true;
    for (FrontLine& line : split_lines(file.text, file.name, rules)) {
      const std::string& first = line.word(0);
      if (first.starts_with('.')) {
        out_.unclear.push_back({line.place.file, line.place.line, line.text() + ": both sides are read"});
      } else if (opens_section(first)) {
        open(std::move(line));
      } else if (!sections_.empty()) {
        take_global(line);
        sections_.back()->lines.push_back(std::move(line));
      }
    }
  }

  void open(FrontLine head) {
    sections_.push_back(std::make_unique<Section>());
    Section& section = *sections_.back();
    section.head = std::move(head);
    const auto& words = section.head.words;
    const auto from = std::find(words.begin(), words.end(), "from");
    section.defaults = defaults_;
    if (from != words.end() && from + 1 != words.end()) {
      const auto named = named_defaults_.find(*(from + 1));
      section.defaults = named != named_defaults_.end() ? named->second : nullptr;
    }
    if (words[0] == "defaults") {
      if (from == words.end()) section.defaults = nullptr;
      defaults_ = &section;
      if (words.size() > 1) named_defaults_[words[1]] = &section;
    } else if (words[0] == "fcgi-app") {
      apps_[section.head.word(1)] = &section;
      section.defaults = nullptr;
    }
  }

  void take_global(const FrontLine& line) {
    if (line.word(0) == "http-request" && line.has_word("disable-l7-retry")) retry_barred_ = true;
    if (sections_.back()->head.word(0) != "global") return;
    if (line.word(0) == "user") out_.user = line.word(1);
    if (line.word(0) == "chroot") {
      out_.chroot = line.word(1);
      out_.chroot_place = line.place;
    }
    if (line.word(0) == "tune.bufsize") {
      bufsize_ = front_number(line.word(1)).value_or(bufsize_);
      bufsize_place_ = line.place;
    }
  }

  void take_server(const Section& section, const FrontLine& line) {
    const auto proto = server_word(section, line, "proto");
    if (!proto || proto->value != "fcgi") return;
    if (line.has_word("backup")) return;  // asked only while all the others fail
    FrontPass pass;
    pass.place = pass.address_place = line.place;
    const std::size_t at = line.word(0) == "server" ? 2 : 3;
    if (auto address = haproxy_address(line.word(at))) {
      pass.addresses.push_back(*std::move(address));
    } else {
      out_.unclear.push_back({line.place.file, line.place.line, line.text()});
    }
    pass.address_line = line.word(0) + " " + line.word(1) + (at == 3 ? " " + line.word(2) : "") + " <>";
    for (std::size_t i = at + 1; i < line.words.size(); ++i) pass.address_line += " " + line.words[i];
    pass.read_timeout = time_limit(section, "server");
    take_ways(section, line, pass);
    out_.passes.push_back(std::move(pass));
  }

  void take_ways(const Section& section, const FrontLine& server, FrontPass& pass) const {
    HaproxyWays& ways = pass.haproxy.emplace();
    ways.bufsize = bufsize_;
    ways.bufsize_place = bufsize_place_;
    const FrontLine* const app_name = section.find("use-fcgi-app");
    const auto app = apps_.find(app_name != nullptr ? app_name->word(1) : "");
    bool keep_conn = true;
    if (app != apps_.end()) {
      keep_conn = app->second->option("keep-conn", true);
      ways.mpxs_conns = app->second->option("mpxs-conns", false);
      ways.get_values = app->second->option("get-values", false);
      for (const std::string_view each : {"get-values", "mpxs-conns"}) {
        if (const FrontLine* const option = app->second->find("option", each))
          ways.mpxs_place = option->place;
      }
    }
    const FrontLine* const reuse = section.find("http-reuse");
    const std::string how = reuse != nullptr ? reuse->word(1) : "safe";
    ways.reuse_always = how == "always" || how == "aggressive";
    pass.kept = keep_conn && how != "never" && !section.option("httpclose", false) &&
                !section.option("http-server-close", false);
    if (const auto purge = server_word(section, server, "pool-purge-delay")) {
      pass.idle = {"pool-purge-delay", "pool-purge-delay <>s", front_time(purge->value, Duration(1)), true,
                   purge->place};
      pass.idle.understood = pass.idle.value.has_value();
    }
    if (const auto most = server_word(section, server, "maxconn")) {
      ways.maxconn = front_number(most->value).value_or(0);
      ways.maxconn_place = most->place;
    }
    FrontTime queue = time_limit(section, "queue");
    if (queue.place.line == 0) queue = time_limit(section, "connect");
    ways.queue_limit = queue.value;
    if (const FrontLine* const retries = section.find("retries"))
      ways.retries = front_number(retries->word(1)).value_or(ways.retries);
    if (const FrontLine* const retry = section.find("retry-on"); retry != nullptr && !retry_barred_) {
      ways.retry_on = repeating(*retry);
      ways.retry_place = retry->place;
    }
  }

  FrontConfig out_;
  std::vector<std::unique_ptr<Section>> sections_;
  const Section* defaults_ = nullptr;
  std::map<std::string, const Section*> named_defaults_;
  std::map<std::string, const Section*> apps_;
  std::uint64_t bufsize_ = HaproxyWays().bufsize;
  FrontPlace bufsize_place_;
  bool retry_barred_ = false;  // somewhere, on some condition
};

}  // namespace

FrontConfig read_haproxy_front(const std::vector<FrontFile>& files) {
  return HaproxyReader(files).take();
}

}  // namespace holdfast
