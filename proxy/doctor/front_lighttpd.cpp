// lighttpd: the hosts of fastcgi.server. Tried with 1.4.69: without read-timeout there is no limit; with
// bin-path it starts a program of its own at PATH-0 and speaks to nobody else, over TCP where nobody listens
// yet; with stream-request-body = 2 it answers 411 to chunked bodies; max-request-size counts KiB. A
// connection is never used again.
#include <algorithm>
#include <utility>

#include "config/addresses.h"
#include "proxy/doctor/front_lines.h"
#include "proxy/doctor/front_readers.h"
#include "proxy/doctor/lighttpd_tree.h"

namespace holdfast {

namespace {

using Settings = std::vector<LighttpdSetting>;

struct LighttpdScope {
  FrontSize body_max{"server.max-request-size", std::nullopt, {}};
  FrontPlace refuses_chunked;
};

class Finder {
 public:
  explicit Finder(FrontConfig& out) : out_(out) {}
  bool loaded = false;

  void walk(const Settings& settings, LighttpdScope scope) {
    for (const LighttpdSetting& each : settings) take_setting(each, scope);
    for (const LighttpdSetting& each : settings) {
      if (each.name == "fastcgi.server") take_hosts(each.value, scope, 0);
      walk(each.block, scope);
    }
  }

 private:
  void take_setting(const LighttpdSetting& setting, LighttpdScope& scope) {
    const std::string& name = setting.name;
    const LighttpdValue& value = setting.value;
    if (name == "server.max-request-size") {
      const auto kib = front_number(value.text);
      scope.body_max.bytes =
          kib && *kib > 0 && *kib < (1ULL << 50) ? std::optional(*kib * 1024) : std::nullopt;
      scope.body_max.place = setting.place;
    } else if (name == "server.stream-request-body") {
      scope.refuses_chunked = value.text == "2" ? setting.place : FrontPlace{};
    } else if (name == "server.username") {
      out_.user = value.text;
    } else if (name == "server.chroot") {
      out_.chroot = value.text;
      out_.chroot_place = setting.place;
    } else if (name == "server.modules") {
      for (const LighttpdItem& each : value.items)
        loaded = loaded || each.value.text == "mod_fastcgi" || !each.value.understood;
    }
  }

  // Hosts lie in arrays of arrays, with names or without, by the end of the file's name.
  void take_hosts(const LighttpdValue& value, const LighttpdScope& scope, int depth) {
    if (!value.is_array || depth > kFrontDepthMax) return;
    if (value.find("socket") == nullptr && value.find("host") == nullptr && value.find("port") == nullptr &&
        value.find("bin-path") == nullptr) {
      for (const LighttpdItem& each : value.items) take_hosts(each.value, scope, depth + 1);
      return;
    }
    FrontPass pass;
    pass.place = value.place;
    pass.body_max = scope.body_max;
    pass.refuses_chunked = scope.refuses_chunked;
    pass.address_line = "<>";
    take_address(value, pass);
    pass.read_timeout = {"read-timeout", "\"read-timeout\" => <>", std::nullopt, true, {}};
    if (const LighttpdValue* const limit = value.find("read-timeout")) {
      const auto number = front_number(limit->text);
      pass.read_timeout.understood = number.has_value();
      pass.read_timeout.place = limit->place;
      if (number && *number > 0) pass.read_timeout.value = front_time(limit->text, std::chrono::seconds(1));
    }
    if (const LighttpdValue* const program = value.find("bin-path")) pass.spawns = program->place;
    out_.passes.push_back(std::move(pass));
  }

  void take_address(const LighttpdValue& value, FrontPass& pass) {
    const LighttpdValue* const socket = value.find("socket");
    const LighttpdValue* const host = value.find("host");
    const LighttpdValue* const port = value.find("port");
    const LighttpdValue* const first = socket != nullptr ? socket : host != nullptr ? host : port;
    bool clear = first != nullptr;
    for (const LighttpdValue* const each : {socket, host, port})
      clear = clear && (each == nullptr || each->understood);
    std::optional<config::Address> address;
    if (clear && socket != nullptr) address = config::read_pool_address("unix:" + socket->text).value;
    if (clear && socket == nullptr && port != nullptr) {
      std::string name = host != nullptr ? host->text : "127.0.0.1";
      if (name.find(':') != std::string::npos && !name.starts_with('[')) name = "[" + name + "]";
      address = config::read_pool_address("tcp:" + name + ":" + port->text).value;
    }
    if (first != nullptr) pass.address_place = first->place;
    if (address) {
      pass.addresses.push_back(*std::move(address));
    } else if (value.find("bin-path") == nullptr) {
      out_.unclear.push_back(
          {pass.place.file, pass.place.line, "where this host of fastcgi.server leads is not known"});
    }
  }

  FrontConfig& out_;
};

}  // namespace

FrontConfig read_lighttpd_front(std::string_view text, const std::string& file, const FrontFiles& files) {
  FrontConfig out;
  out.kind = FrontKind::lighttpd;
  LighttpdTree tree = read_lighttpd_tree(text, file, files);
  out.problems = std::move(tree.problems);
  out.unclear = std::move(tree.unclear);
  if (!out.problems.empty()) return out;
  Finder finder(out);
  finder.walk(tree.settings, {});
  if (!out.passes.empty() && !finder.loaded) {
    const FrontPlace& place = out.passes[0].place;
    out.unclear.push_back(
        {place.file, place.line, "mod_fastcgi is not in server.modules: fastcgi.server is ignored"});
  }
  return out;
}

}  // namespace holdfast
