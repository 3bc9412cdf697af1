// The questions that doctor asks php-fpm, each chosen so that no script of the user runs:
//
//   FCGI_GET_VALUES, twice on one connection     does it answer, does it keep the connection
//   a script that does not exist                 404 "File not found."
//   pm.status_path, where configured             php-fpm answers itself
//   an existing static file as SCRIPT_FILENAME   403 "Access denied." if php-fpm sees it, 404 if not:
//                                                the file is looked up (init_request_info()) before
//                                                security.limit_extensions (fpm_php_limit_extensions())
//                                                refuses it, and neither compiles it
//
// Where limit_extensions was emptied, such a file would be run as PHP; so only files without "<?" are asked
// for, which then print themselves. A control with a name that does not exist must say 404, else the answer
// proves nothing (cgi.fix_pathinfo=0 refuses the extension without looking for the file).
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "proxy/doctor/doctor_facts.h"
#include "proxy/fpm/fpm_client.h"

namespace holdfast {

namespace {

namespace fs = std::filesystem;
using Limit = std::chrono::milliseconds;

constexpr const char* kNoSuchName = "holdfast-doctor-no-such-file";

FpmReply ask(const config::Address& address, const std::string& script_name,
             const std::string& script_filename, Limit limit) {
  FpmReply reply;
  FpmClient client;
  if (client.connect(address, limit, reply.error) != 0) return reply;
  fastcgi::ParamList params;
  const std::array<std::pair<const char*, std::string>, 7> pairs = {{
      {"REQUEST_METHOD", "GET"},
      {"SCRIPT_NAME", script_name},
      {"SCRIPT_FILENAME", script_filename},
      {"REQUEST_URI", script_name},
      {"QUERY_STRING", ""},
      {"SERVER_PROTOCOL", "HTTP/1.1"},
      {"GATEWAY_INTERFACE", "CGI/1.1"},
  }};
  for (const auto& [name, value] : pairs) {
    if (!params.add(name, value)) {
      reply.error = "the path is too long";
      return reply;
    }
  }
  return client.request(params, limit);
}

void ask_values(const config::Address& address, FpmAnswers& answers, Limit limit) {
  FpmClient client;
  answers.connect_errno = client.connect(address, limit, answers.connect_error);
  answers.connected = answers.connect_errno == 0;
  if (!answers.connected) return;
  answers.local_address = client.local_address();
  using Values = FpmAnswers::Values;
  switch (client.ask_values(limit)) {
    case ValuesAnswer::closed: answers.values = Values::hung_up; return;
    case ValuesAnswer::silent: answers.values = Values::silent; return;
    case ValuesAnswer::malformed: answers.values = Values::malformed; return;
    case ValuesAnswer::answered: break;
  }
  answers.values = client.ask_values(limit) == ValuesAnswer::answered ? Values::keeps : Values::closes;
}

void ask_script(const config::Address& address, const std::string& folder, FpmAnswers& answers, Limit limit) {
  const std::string name = std::string("/") + kNoSuchName + ".php";
  const FpmReply reply = ask(address, name, folder + name, limit);
  if (!reply.complete) {
    answers.script = FpmAnswers::Script::no_answer;
    answers.script_error = reply.error;
  } else if (reply.status != 404) {
    answers.script = FpmAnswers::Script::odd;
    answers.script_error = "status " + std::to_string(reply.status) + " " + reply.errors;
  } else {
    answers.script = FpmAnswers::Script::not_found;
  }
}

// "pool:                 www" lines.
void ask_status(const config::Pool& pool, FpmAnswers& answers, Limit limit) {
  const FpmReply reply = ask(pool.address, pool.status_path, pool.status_path, limit);
  answers.status_page = FpmAnswers::StatusPage::missing;
  if (!reply.complete || reply.status != 200) return;
  std::istringstream text(reply.body);
  std::string line;
  while (std::getline(text, line)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    if (value != std::string::npos) answers.status[line.substr(0, colon)] = line.substr(value);
  }
  if (answers.status.count("process manager") != 0) answers.status_page = FpmAnswers::StatusPage::shown;
}

RootFacts::Seen ask_root(const config::Address& address, const RootFacts& root, Limit limit) {
  const fs::path below = fs::path(root.probe_file).lexically_relative(root.root);
  const fs::path file = fs::path(root.php_root) / below;
  const fs::path control = file.parent_path() / (kNoSuchName + file.extension().string());
  const FpmReply missing = ask(address, "/" + below.string(), control.string(), limit);
  if (!missing.complete || missing.status != 404) return RootFacts::Seen::unknown;
  const FpmReply reply = ask(address, "/" + below.string(), file.string(), limit);
  if (!reply.complete) return RootFacts::Seen::unknown;
  if (reply.status == 404) return RootFacts::Seen::no;
  // 403: refused by its extension. 200: printed itself, as limit_extensions is empty.
  return reply.status == 403 || reply.status == 200 ? RootFacts::Seen::yes : RootFacts::Seen::unknown;
}

bool harmless(const fs::directory_entry& entry) {
  constexpr std::array kTypes = {".html", ".htm", ".css", ".js",  ".txt",   ".xml", ".ico",
                                 ".png",  ".jpg", ".gif", ".svg", ".woff2", ".map", ".webmanifest"};
  constexpr std::uintmax_t kBytesMax = 256 * 1024;
  std::error_code failure;
  if (!entry.is_regular_file(failure) || entry.file_size(failure) > kBytesMax || failure) return false;
  const std::string type = entry.path().extension().string();
  if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) return false;
  std::ifstream file(entry.path(), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return file.good() && text.str().find("<?") == std::string::npos;
}

}  // namespace

std::string find_probe_file(const std::string& root) {
  constexpr int kEntriesMax = 2000;  // a large site is not searched to its end
  constexpr int kDepthMax = 2;
  std::error_code failure;
  int looked_at = 0;
  fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, failure);
  for (; !failure && at != fs::recursive_directory_iterator() && looked_at < kEntriesMax;
       at.increment(failure)) {
    ++looked_at;
    if (at.depth() >= kDepthMax) at.disable_recursion_pending();
    if (harmless(*at)) return at->path().string();
  }
  return {};
}

void ask_fpm(PoolFacts& pool, std::vector<RootFacts*>& roots, std::chrono::milliseconds limit) {
  FpmAnswers& answers = pool.answers;
  const config::Address& address = pool.pool.address;
  if (pool.pool.application == config::Application::generic) {
    // Others may die of questions they do not know (ruby-fcgi of GET_VALUES): no more than a connection.
    FpmClient client;
    answers.connect_errno = client.connect(address, limit, answers.connect_error);
    answers.connected = answers.connect_errno == 0;
    return;
  }
  ask_values(address, answers, limit);
  using Values = FpmAnswers::Values;
  if (answers.values != Values::keeps && answers.values != Values::closes) return;
  ask_script(address, roots.empty() ? "" : roots.front()->php_root, answers, limit);
  if (answers.script == FpmAnswers::Script::no_answer) return;
  if (!pool.pool.status_path.empty()) ask_status(pool.pool, answers, limit);
  for (RootFacts* root : roots) {
    if (!root->probe_file.empty()) root->seen_by_php = ask_root(address, *root, limit);
  }
}

}  // namespace holdfast
