// See nginx_passes.h.
#include "config/import/nginx_passes.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "config/addresses.h"
#include "config/import/nginx_words.h"

namespace holdfast::config {
namespace {

using Directives = std::vector<NginxDirective>;

// What a block takes over from the one around it.
struct Inherited {
  bool keep_conn = false;
  std::optional<Duration> read_timeout = NginxPass().read_timeout;
  NginxPlace read_timeout_place;
  std::optional<std::uint64_t> body_max = NginxPass().body_max;
  NginxPlace body_max_place;
};

NginxPlace place_of(const NginxDirective& d) {
  return {d.file, d.line};
}

void collect_upstreams(const Directives& block, std::vector<const NginxDirective*>& out) {
  for (const NginxDirective& d : block) {
    if (d.name == "upstream") out.push_back(&d);
    if (d.name == "http") collect_upstreams(d.block, out);
  }
}

class Finder {
 public:
  explicit Finder(const Directives& all) { collect_upstreams(all, upstreams_); }

  void walk(const Directives& block, Inherited holds, std::vector<NginxPass>& out) const {
    // Within a block the order does not count.
    for (const NginxDirective& d : block) {
      if (d.name == "fastcgi_keep_conn") {
        holds.keep_conn = d.word(0) == "on";
      } else if (d.name == "fastcgi_read_timeout") {
        holds.read_timeout = time_of(d.word(0));
        holds.read_timeout_place = place_of(d);
      } else if (d.name == "client_max_body_size") {
        holds.body_max = size_of(d.word(0));
        if (holds.body_max == 0) holds.body_max.reset();
        holds.body_max_place = place_of(d);
      }
    }
    for (const NginxDirective& d : block) {
      if (d.name == "fastcgi_pass") out.push_back(pass_of(d, holds));
      if (d.has_block && d.name != "upstream") walk(d.block, holds, out);
    }
  }

 private:
  NginxPass pass_of(const NginxDirective& d, const Inherited& holds) const {
    NginxPass pass;
    pass.place = place_of(d);
    pass.target = d.word(0);
    pass.keep_conn = holds.keep_conn;
    pass.read_timeout = holds.read_timeout;
    pass.read_timeout_place = holds.read_timeout_place;
    pass.body_max = holds.body_max;
    pass.body_max_place = holds.body_max_place;
    const auto upstream =
        std::find_if(upstreams_.begin(), upstreams_.end(),
                     [&pass](const NginxDirective* each) { return each->word(0) == pass.target; });
    if (upstream == upstreams_.end()) {
      add_address(pass.target, pass);
    } else {
      take_upstream(**upstream, pass);
    }
    return pass;
  }

  static void take_upstream(const NginxDirective& upstream, NginxPass& pass) {
    pass.upstream = place_of(upstream);
    for (const NginxDirective& d : upstream.block) {
      const std::string& word = d.word(0);
      if (d.name == "server") {
        // Asked only while all the others fail.
        const bool backup = std::find(d.words.begin(), d.words.end(), "backup") != d.words.end();
        if (!backup) add_address(word, pass);
      } else if (d.name == "keepalive") {
        std::from_chars(word.data(), word.data() + word.size(), pass.keepalive);
        pass.keepalive_place = place_of(d);
      } else if (d.name == "keepalive_timeout") {
        pass.keepalive_timeout = time_of(word);
        pass.keepalive_timeout_place = place_of(d);
      }
    }
  }

  static void add_address(std::string text, NginxPass& pass) {
    if (text.find('$') != std::string::npos) return;
    const bool is_unix = text.starts_with("unix:");
    if (is_unix && text.ends_with(':')) text.pop_back();
    if (auto address = read_pool_address(is_unix ? text : "tcp:" + text); address.value)
      pass.addresses.push_back(*std::move(address.value));
  }

  std::vector<const NginxDirective*> upstreams_;
};

}  // namespace

NginxPasses find_passes(std::string_view text, const std::string& file, const NginxFiles& files) {
  NginxPasses out;
  NginxTree tree = parse_nginx(text, file);
  if (!tree.problems.empty()) {
    out.problems = std::move(tree.problems);
    return out;
  }
  std::vector<ImportNote> notes;  // what is missing is nginx's affair
  expand_includes(tree.directives, {file, std::string(text)}, files, notes);
  for (const NginxDirective& d : tree.directives) {
    if (d.name == "user") out.user = d.word(0);
  }
  Finder(tree.directives).walk(tree.directives, {}, out.passes);
  return out;
}

}  // namespace holdfast::config
