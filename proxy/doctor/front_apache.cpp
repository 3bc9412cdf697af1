// Apache: where mod_proxy_fcgi is sent to, by SetHandler, ProxyPass, RewriteRule or a balancer, with what its
// worker (<Proxy>) and the scope around say. Tried with 2.4.71: `timeout` of the worker goes before
// ProxyTimeout, that before Timeout; a worker is found by what stands behind the '|', and its own socket is
// the one that counts; LimitRequestBody does not hold for what is passed on.
#include <algorithm>
#include <utility>

#include "config/addresses.h"
#include "proxy/doctor/apache_tree.h"
#include "proxy/doctor/front_readers.h"

namespace holdfast {

namespace {

using config::Address;
using config::Duration;
using Lines = std::vector<FrontLine>;

// "unix:/run/x.sock|fcgi://localhost/" in its parts.
struct Url {
  std::string socket;  // empty: TCP
  std::string name;    // "fcgi://localhost", with all that follows
};

std::optional<Url> url_of(std::string_view text) {
  if (text.starts_with("proxy:")) text.remove_prefix(6);
  Url url;
  if (lower_case(text.substr(0, 5)) == "unix:") {
    const std::size_t bar = text.find('|');
    if (bar == std::string_view::npos) return std::nullopt;
    url.socket = text.substr(5, bar - 5);
    text.remove_prefix(bar + 1);
  }
  url.name = text;
  const std::string scheme = lower_case(text.substr(0, text.find("://")));
  if (scheme == "balancer" || scheme == "fcgi") return url;
  return std::nullopt;
}

std::optional<Address> apache_address(const Url& url) {
  if (!url.socket.empty()) {
    if (url.socket.find_first_of("$%") != std::string::npos) return std::nullopt;
    return config::read_pool_address("unix:" + url.socket).value;
  }
  std::string host = url.name.substr(std::string_view("fcgi://").size());
  host = host.substr(0, host.find('/'));
  if (host.find_first_of("$%") != std::string::npos) return std::nullopt;
  const bool has_port =
      host.find(':', host.rfind(']') == std::string::npos ? 0 : host.rfind(']')) != std::string::npos;
  return config::read_pool_address("tcp:" + host + (has_port ? "" : ":8000")).value;  // fcgi_canon()
}

// A worker: where something passes on, with its parameters.
struct Worker {
  Url url;
  FrontPlace place;
  std::vector<std::string> settings;  // "enablereuse=on"
};

// What a section takes over from the one around it.
struct ApacheScope {
  FrontTime limit{"Timeout", "ProxyTimeout <>", std::chrono::seconds(60), true, {}, true};
  bool proxy_timeout = false;
  bool plain_script_name = false;
  std::vector<Worker> workers;
};

bool is_setting(const std::string& word) {
  return word.find('=') != std::string::npos && word.find("://") == std::string::npos;
}

class ApacheReader {
 public:
  explicit ApacheReader(FrontConfig& out) : out_(out) {}

  void read(const Lines& lines) {
    ApacheScope scope;
    collect_workers(lines, scope);
    walk(lines, std::move(scope));
  }

 private:
  void add_worker(const FrontLine& line, std::size_t from, ApacheScope& scope) {
    std::optional<Url> url;
    Worker worker;
    for (std::size_t i = from; i < line.words.size(); ++i) {
      if (!url) {
        url = url_of(line.words[i]);
      } else if (is_setting(line.words[i])) {
        worker.settings.push_back(line.words[i]);
      }
    }
    if (!url) return;
    for (const FrontLine& each : line.block) {
      if (each.word(0) == "proxyset")
        worker.settings.insert(worker.settings.end(), each.words.begin() + 1, each.words.end());
      if (each.word(0) == "balancermember") add_member(each, 1, url->name);
    }
    worker.url = *std::move(url);
    worker.place = line.place;
    const auto same = std::find_if(scope.workers.begin(), scope.workers.end(), [&worker](const Worker& each) {
      return each.url.name == worker.url.name;
    });
    if (same == scope.workers.end()) return scope.workers.push_back(std::move(worker));
    same->settings.insert(same->settings.end(), worker.settings.begin(), worker.settings.end());
    if (!worker.settings.empty()) same->place = worker.place;
  }

  void add_member(const FrontLine& line, std::size_t from, const std::string& balancer) {
    for (std::size_t i = from; i < line.words.size(); ++i) {
      if (auto url = url_of(line.words[i])) {
        members_.emplace_back(
            balancer, Worker{*std::move(url), line.place, {line.words.begin() + 1, line.words.end()}});
        return;
      }
    }
  }

  // Workers are of a whole (virtual) server, wherever they are defined in it.
  void collect_workers(const Lines& lines, ApacheScope& scope) {
    for (const FrontLine& line : lines) {
      const std::string& name = line.word(0);
      if (name == "<virtualhost") continue;
      if (name == "<proxy" || name == "proxypass" || name == "proxypassmatch") add_worker(line, 1, scope);
      if (name == "balancermember" && url_of(line.word(1)) &&
          url_of(line.word(1))->name.starts_with("balancer"))
        add_member(line, 2, url_of(line.word(1))->name);
      if (line.has_block) collect_workers(line.block, scope);
    }
  }

  void walk(const Lines& lines, ApacheScope scope) {
    for (const FrontLine& line : lines) {  // within a section the order does not count
      const std::string& name = line.word(0);
      if (name == "proxytimeout" || (name == "timeout" && !scope.proxy_timeout)) {
        scope.proxy_timeout = name == "proxytimeout";
        scope.limit.name = scope.proxy_timeout ? "ProxyTimeout" : "Timeout";
        scope.limit.shared = !scope.proxy_timeout;
        scope.limit.value = front_time(line.word(1), std::chrono::seconds(1));
        scope.limit.understood = scope.limit.value.has_value();
        scope.limit.place = line.place;
      }
      if (name == "proxyfcgibackendtype") scope.plain_script_name = lower_case(line.word(1)) == "generic";
      if (name == "user") out_.user = line.word(1);
      if (name == "chrootdir") {
        out_.chroot = line.word(1);
        out_.chroot_place = line.place;
      }
    }
    for (const FrontLine& line : lines) {
      take(line, scope);
      if (!line.has_block || line.word(0) == "<proxy") continue;
      ApacheScope inner = scope;
      if (line.word(0) == "<virtualhost") collect_workers(line.block, inner);
      walk(line.block, std::move(inner));
    }
  }

  void take(const FrontLine& line, const ApacheScope& scope) {
    const std::string& name = line.word(0);
    const bool handler = name == "sethandler" && line.word(1).starts_with("proxy:");
    if (!handler && name != "proxypass" && name != "proxypassmatch" && name != "rewriterule") return;
    for (std::size_t i = 1; i < line.words.size(); ++i) {
      const std::optional<Url> url = url_of(line.words[i]);
      if (!url) continue;
      FrontPass pass;
      pass.place = pass.address_place = line.place;
      pass.plain_script_name = scope.plain_script_name;
      pass.address_line = line_with(line, i, *url, handler);
      add_addresses(*url, line, pass);
      settle(*url, scope, pass);
      out_.passes.push_back(std::move(pass));
      return;
    }
    if (handler) out_.unclear.push_back({line.place.file, line.place.line, line.text()});
  }

  // The line again, with "<>" for "unix:PATH|fcgi://localhost" or "fcgi://HOST:PORT".
  static std::string line_with(const FrontLine& line, std::size_t at, const Url& url, bool handler) {
    if (handler) return "SetHandler \"proxy:<>\"";
    const std::size_t slash = url.name.find('/', url.name.find("://") + 3);
    const std::string path = slash == std::string::npos ? "" : url.name.substr(slash);
    std::string out = line.word(0) == "rewriterule" ? "RewriteRule"
                      : line.word(0) == "proxypass" ? "ProxyPass"
                                                    : "ProxyPassMatch";
    for (std::size_t i = 1; i < line.words.size(); ++i)
      out += " \"" + (i == at ? "<>" + path : line.words[i]) + "\"";
    return out;
  }

  void add_addresses(const Url& url, const FrontLine& line, FrontPass& pass) {
    const auto add = [&](const Url& to) {
      if (auto address = apache_address(to)) {
        pass.addresses.push_back(*std::move(address));
      } else {
        out_.unclear.push_back({line.place.file, line.place.line, line.text()});
      }
    };
    if (!url.name.starts_with("balancer")) return add(url);
    for (const auto& [balancer, member] : members_) {
      if (!url.name.starts_with(balancer)) continue;
      pass.address_place = member.place;
      pass.address_line = "BalancerMember \"<>\"";
      const bool standby =
          std::any_of(member.settings.begin(), member.settings.end(), [](const std::string& each) {
            return lower_case(each).starts_with("status=") && lower_case(each).find('h') != std::string::npos;
          });
      if (standby) continue;  // asked only while all the others fail
      add(member.url);
    }
  }

  // What its worker says: the one with the longest name that this begins with. With a socket of its own it
  // takes the request there, whatever stands in front of the '|' here.
  void settle(const Url& url, const ApacheScope& scope, FrontPass& pass) {
    pass.read_timeout = scope.limit;
    const Worker* worker = nullptr;
    for (const Worker& each : scope.workers) {
      std::string name = each.url.name;
      if (name.ends_with('/')) name.pop_back();
      if (!url.name.starts_with(name)) continue;
      if (worker == nullptr || each.url.name.size() > worker->url.name.size()) worker = &each;
    }
    if (worker == nullptr) return;
    if (!worker->url.socket.empty() && worker->url.socket != url.socket) {
      out_.unclear.push_back({pass.place.file, pass.place.line,
                              "the worker " + worker->url.name + " of line " +
                                  std::to_string(worker->place.line) + " takes this to its own socket, " +
                                  worker->url.socket});
      pass.addresses.clear();
      if (auto address = apache_address(worker->url)) pass.addresses.push_back(*std::move(address));
    }
    pass.idle = {"ttl", "ttl=<>", std::nullopt, true, {}};
    for (const std::string& each : worker->settings) {
      const std::size_t equals = std::min(each.find('='), each.size() - 1);
      const std::string name = lower_case(each.substr(0, equals));
      const std::string value = each.substr(equals + 1);
      if (name == "enablereuse") pass.kept = lower_case(value) == "on";
      if (name == "disablereuse" && lower_case(value) == "on") pass.kept = false;
      if (name == "max") pass.kept_max = front_number(value).value_or(0);
      if (name == "timeout") pass.read_timeout = time_of("timeout", value, worker->place);
      if (name == "ttl") pass.idle = time_of("ttl", value, worker->place);
    }
    if (pass.idle.place.line == 0) pass.idle.place = worker->place;
  }

  static FrontTime time_of(const std::string& name, const std::string& value, const FrontPlace& place) {
    FrontTime out{name, name + "=<>", front_time(value, std::chrono::seconds(1)), true, place};
    out.understood = out.value.has_value();
    return out;
  }

  FrontConfig& out_;
  std::vector<std::pair<std::string, Worker>> members_;  // by the name of their balancer
};

}  // namespace

FrontConfig read_apache_front(std::string_view text, const std::string& file, const FrontFiles& files) {
  FrontConfig out;
  out.kind = FrontKind::apache;
  ApacheTree tree = read_apache_tree(text, file, files);
  out.problems = std::move(tree.problems);
  out.unclear = std::move(tree.unclear);
  if (!out.problems.empty()) return out;
  ApacheReader(out).read(tree.lines);
  if (!out.passes.empty() && tree.loads_modules && !tree.has_proxy_fcgi) {
    const FrontPlace& place = out.passes[0].place;
    out.unclear.push_back(
        {place.file, place.line, "proxy_fcgi_module is not loaded: what is passed on gets 500"});
  }
  return out;
}

}  // namespace holdfast
