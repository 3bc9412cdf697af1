// See command_explain.h.
#include "proxy/commands/command_explain.h"

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/client.h"
#include "config/config.h"
#include "config/load.h"
#include "proxy/client/system_probe.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
#include "proxy/commands/explanation.h"
#include "proxy/core/forwarded.h"
#include "proxy/http/request_parser.h"

namespace holdfast {

namespace {

struct ExplainOptions {
  std::string url;
  std::string file = kDefaultFile;
  std::string method = "GET";
  std::string from = "127.0.0.1";
  std::vector<std::string> headers;
};

// The bytes that a client would send.
std::string request_of(const ExplainOptions& options, std::string& host, bool& secure) {
  std::string target = options.url;
  if (const std::size_t scheme = target.find("://"); scheme != std::string::npos) {
    secure = target.starts_with("https");
    host = target.substr(scheme + 3);
    const std::size_t path = std::min(host.find_first_of("/?"), host.size());
    target = host.substr(path);
    host.resize(path);
  }
  if (!target.starts_with('/')) target.insert(0, "/");
  std::string text =
      options.method + " " + target.substr(0, target.find('#')) + " HTTP/1.1\r\nHost: " + host + "\r\n";
  for (const std::string& header : options.headers) text += header + "\r\n";
  return text + "\r\n";
}

int explain(const ExplainOptions& options) {
  const config::LoadResult loaded = config::load_file(options.file);
  if (!loaded.config) {
    for (const config::Diagnostic& each : loaded.diagnostics)
      std::fputs(config::format_diagnostic(each).c_str(), stderr);
    return kExitConfig;
  }
  const config::Config& config = *loaded.config;
  const auto address = core::parse_ip(options.from);
  if (!address) return fail("explain", kExitUsage, "--from is no address");
  bool secure = false;
  std::string host = core::example_host(config.sites.front());  // of a path alone: the first site's
  const std::string bytes = request_of(options, host, secure);
  http::RequestParser parser(
      {.head_bytes = config.client->max_header, .field_count = config.client->max_header_fields});
  const http::RequestParser::Progress progress = parser.advance(bytes);
  if (progress.event == http::RequestParser::Event::refused) {
    std::printf("answer    %d: %s\n", parser.refusal().status, std::string(parser.refusal().why).c_str());
    return 0;
  }
  if (progress.event != http::RequestParser::Event::head_complete)
    return fail("explain", kExitUsage, "this is no request");
  std::map<std::string, std::string> real_paths;
  SystemProbe probe(real_paths);
  std::fputs(explain_request(config.sites, parser.head(), {parser.head().host, address->bytes, secure}, probe)
                 .c_str(),
             stdout);
  return 0;
}

}  // namespace

void add_explain_command(CommandLine& line) {
  Command command = line.add("explain", "Tell what would be done with a request, and why; sends nothing");
  const auto options = std::make_shared<ExplainOptions>();
  command.needed_text("URL", options->url, "Such as https://example.com/a?b=c, or a path on the first site");
  command.text("-c,--config", options->file, "Configuration file");
  command.text("--method", options->method, "Method of the request");
  command.texts("--header", options->headers,
                "A header of the request, such as \"User-Agent: x\"; may be repeated");
  command.text("--from", options->from, "Address of the client");
  command.footer(
      "https://... is a request that came by https. Files are looked at as the user who runs this.");
  command.action([options] {
    if (options->url.empty()) return fail("explain", kExitUsage, "name a URL, or a path on the first site");
    return explain(*options);
  });
}

}  // namespace holdfast
