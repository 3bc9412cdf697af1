// See foreign_words.h.
#include "config/foreign_words.h"

#include <algorithm>
#include <array>

#include "config/ascii.h"

namespace holdfast::config {
namespace {

struct Hint {
  std::string_view words;  // lower case, between blanks
  std::string_view text;
};

constexpr const char* kNoTls =
    "TLS is not spoken here: a proxy in front does that, see config/samples/behind-a-proxy.yaml";
constexpr const char* kNotHere = "there is no such thing here: php does it, or a proxy in front";

constexpr std::array kHints = {
    // Sites
    Hint{" server virtualhost vhost vhosts servers frontend ",
         "here it is an item of the list 'sites', with its 'sites[].hosts' and 'sites[].root'"},
    Hint{" server_name servername serveralias domain domains ", "here it is 'sites[].hosts'"},
    Hint{" documentroot document_root docroot webroot ", "here it is 'sites[].root'"},
    Hint{" script_filename ", "made of 'sites[].root' (as php-fpm sees it: 'sites[].php_root')"},
    Hint{" location locations route handle handle_path directory filesmatch directorymatch "
         "locationmatch files ",
         "here it is an item of the list 'sites[].routes', with its 'sites[].routes[].path'"},
    Hint{" try_files fallbackresource ",
         "here it is 'sites[].fallback', such as /index.php: it gets what is no file"},
    Hint{" rewriterule rewritecond rewriteengine rewrite rewritebase ",
         "here it is 'sites[].routes[].to' or 'sites[].routes[].redirect'; what is no file goes to "
         "'sites[].fallback'"},
    Hint{" return ", "here it is 'sites[].routes[].redirect' or 'sites[].routes[].deny'"},
    Hint{" add_header header more_set_headers fastcgi_hide_header ",
         "here it is 'sites[].headers' or 'sites[].routes[].headers': NAME: value, \"\" removes"},
    Hint{" expiresactive expiresbytype expiresdefault ",
         "here it is 'sites[].expires' or 'sites[].routes[].expires': 30d, max or off"},
    Hint{" require satisfy ", "here it is 'sites[].allow' and 'sites[].auth', or the same of a route"},
    Hint{" auth_basic auth_basic_user_file basicauth basic_auth authuserfile authtype authname ",
         "here it is 'sites[].auth': { realm: NAME, users: FILE }, or 'sites[].routes[].auth'"},
    Hint{" error_page errordocument handle_errors ",
         "here it is 'sites[].errors': { 404: /404.html }; of php too: from_php: true"},
    Hint{" alias ", "here it is a site of its own with 'sites[].path' and 'sites[].root'"},
    Hint{" autoindex ", "here it is 'sites[].routes[].list' or 'sites[].list': true"},
    Hint{" gzip_static brotli_static ", "here it is 'sites[].precompressed': true"},
    Hint{" default_type ", "here it is 'sites[].routes[].type' or 'sites[].type'"},
    Hint{" mime_types addtype ", "here it is 'sites[].types': { webp: image/webp }"},
    Hint{" adddefaultcharset ", "here it is 'sites[].charset'"},
    Hint{" permanent_redirect force_https ssl_redirect ", "here it is 'sites[].https': required"},
    Hint{" directoryindex fastcgi_index ", "here it is 'sites[].index'"},
    Hint{" fastcgi_param setenv env environment variables ", "here it is 'sites[].params'"},
    Hint{" fastcgi_split_path_info ", "not needed: script and PATH_INFO are told apart anyway"},
    Hint{" client_max_body_size limitrequestbody post_max_size upload_max_filesize max_upload ",
         "here it is 'sites[].max_body'"},
    Hint{" gzip_types gzip_comp_level gzip_min_length gzip_vary brotli encode deflate compression ",
         "here it is 'sites[].gzip': true"},
    // Pools
    Hint{" fastcgi_pass php_fastcgi proxyfcgi sethandler proxypass proxypassmatch proxy_pass reverse_proxy ",
         "here it is 'sites[].pool': NAME, and 'pools.NAME.address': unix:PATH or tcp:HOST:PORT"},
    Hint{" upstream upstreams backend backends php php_fpm php-fpm fpm ",
         "here it is a block of 'pools', with its 'pools.NAME.address'"},
    Hint{" socket unix_socket fastcgi ", "here it is 'pools.NAME.address': unix:PATH or tcp:HOST:PORT"},
    Hint{" fastcgi_keep_conn keepalive ", "here it is 'pools.NAME.keep_alive', true unless set"},
    Hint{" max_children pm.max_children pm pm.start_servers process_idle_timeout ",
         "that stays in the pool file of php-fpm; here 'pools.NAME.max_connections' is one less than "
         "pm.max_children"},
    Hint{" pm.status_path ", "here it is 'pools.NAME.status_path'"},
    Hint{" fastcgi_read_timeout request_terminate_timeout max_execution_time ",
         "here it is 'pools.NAME.timeouts.first_byte' and 'pools.NAME.timeouts.idle_read'"},
    Hint{" fastcgi_connect_timeout ", "here it is 'pools.NAME.timeouts.connect'"},
    Hint{" fastcgi_send_timeout ", "here it is 'pools.NAME.timeouts.send'"},
    Hint{" fastcgi_ignore_client_abort ignore_user_abort ", "here it is 'pools.NAME.client_abort'"},
    Hint{" fastcgi_buffers fastcgi_buffer_size fastcgi_busy_buffers_size fastcgi_buffering ",
         "here it is 'buffers.response_memory'; X-Accel-Buffering: no of a script switches it off"},
    Hint{" fastcgi_temp_path fastcgi_max_temp_file_size client_body_temp_path ",
         "here it is 'buffers.spool_dir' and 'buffers.spool_max'"},
    Hint{" php_value php_admin_value php_flag php_admin_flag ", "that stays in the pool file of php-fpm"},
    // Clients
    Hint{" port bind address hostname listen_address ", "here it is 'listen', such as 127.0.0.1:8080"},
    Hint{" client_header_timeout requestreadtimeout ", "here it is 'client.timeouts.header'"},
    Hint{" client_body_timeout ", "here it is 'client.timeouts.body'"},
    Hint{" send_timeout ", "here it is 'client.timeouts.write'"},
    Hint{" keepalive_timeout keepalivetimeout ", "here it is 'client.timeouts.keep_alive'"},
    Hint{" keepalive_requests maxkeepaliverequests ", "here it is 'client.requests_per_connection'"},
    Hint{" client_header_buffer_size large_client_header_buffers limitrequestline limitrequestfieldsize ",
         "here it is 'client.max_header'"},
    Hint{" worker_connections maxrequestworkers maxclients maxconn ", "here it is 'client.max_connections'"},
    Hint{" limit_conn limit_conn_zone ", "here it is 'client.max_per_address'"},
    Hint{" disable_symlinks ",
         "links are followed where their owner owns the target; see 'sites[].resolve_root'"},
    Hint{" run_as uid username ", "here it is 'user'"},
    Hint{" client_body_buffer_size ", "here it is 'buffers.request_memory'"},
    Hint{" set_real_ip_from real_ip_header remoteipheader remoteipinternalproxy forwarded_for ",
         "here it is 'trusted_proxies'"},
    // The process
    Hint{" worker_processes workers threads ",
         "not needed: one process, and as many scripts at once as 'pools.NAME.max_connections'"},
    Hint{" worker_rlimit_nofile ", "that is LimitNOFILE= in the systemd unit"},
    Hint{" events http ", "not needed: what stands in it is at the top level here"},
    Hint{" pid pidfile pid_file daemonize daemon ",
         "not needed: it stays in the foreground, systemd watches it"},
    Hint{" access_log customlog transferlog ", "here it is 'log.access'"},
    Hint{" log_format logformat ", "here it is 'log.format': combined or json"},
    Hint{" error_log errorlog loglevel log_level ", "messages go to stderr; how many: 'log.level'"},
    Hint{" stub_status ", "here it is the admin endpoint, 'admin.listen'"},
    Hint{" includeoptional import ", "here it is 'include': the files of sites, such as sites/*.yaml"},
    Hint{" ssl tls ssl_certificate ssl_certificate_key ssl_protocols sslengine sslcertificatefile acme http2 "
         "http3 ",
         kNoTls},
    Hint{" limit_req limit_req_zone allowoverride file_server cors cache fastcgi_cache websocket ", kNotHere},
};

bool is_section(std::string_view line) {  // [www]
  return line.size() > 2 && line.starts_with('[') && line.ends_with(']') &&
         std::all_of(line.begin() + 1, line.end() - 1,
                     [](char c) { return is_letter(c) || c == '_' || c == '-' || c == '.'; });
}

}  // namespace

std::string foreign_hint(std::string_view word) {
  if (word.empty() || word.find(' ') != std::string_view::npos) return {};
  const std::string wanted = " " + to_lower(word) + " ";
  const auto* const found = std::find_if(kHints.begin(), kHints.end(), [&wanted](const Hint& hint) {
    return hint.words.find(wanted) != std::string_view::npos;
  });
  return found == kHints.end() ? std::string() : std::string(found->text);
}

// The first line that says something is enough: `server {`, `<VirtualHost *:80>`, `[www]`, `user www-data;`.
std::string foreign_language(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('<')) return "Apache";
    if (is_section(line)) return "php-fpm";
    // `pools: {` is YAML, though one that ends too early.
    const bool words = line.find(' ') != std::string_view::npos && line.find(':') == std::string_view::npos;
    if (words && (line.ends_with('{') || line.ends_with(';') || line.ends_with('}'))) return "nginx";
    return {};
  }
  return {};
}

std::vector<std::string> foreign_hints() {
  std::vector<std::string> out;
  out.reserve(std::size(kHints));
  for (const Hint& hint : kHints) out.emplace_back(hint.text);
  return out;
}

}  // namespace holdfast::config
