// See site_files.h.
#include "proxy/client/site_files.h"

#include <array>
#include <utility>

#include "config/ascii.h"
#include "config/site.h"
#include "proxy/core/mime.h"
#include "proxy/core/path_text.h"
#include "proxy/core/withheld.h"
#include "proxy/http/content_coding.h"

namespace holdfast {

namespace {
constexpr std::array kCodings = {ReadyCoding{".br", "br"}, ReadyCoding{".zst", "zstd"},
                                 ReadyCoding{".gz", "gzip"}};

constexpr std::string_view kCannotOpen = "it cannot be opened";

bool is_older(const net::FileInfo& a, const net::FileInfo& b) {
  return std::pair(a.modified_seconds, a.modified_nanoseconds) <
         std::pair(b.modified_seconds, b.modified_nanoseconds);
}

std::string lower_ending(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  const std::size_t dot = name.rfind('.');
  return config::to_lower(dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1));
}
}  // namespace

std::string content_type(const config::Site& site, const core::RoutePlan& route, std::string_view path) {
  constexpr std::string_view kUtf8 = "; charset=utf-8";
  std::string type;
  if (route.type != nullptr) {
    type = *route.type;
  } else if (const auto own = site.types.find(lower_ending(path)); own != site.types.end()) {
    type = own->second;
  } else {
    type = core::mime_type(path);
    if (type.ends_with(kUtf8)) {
      type.resize(type.size() - kUtf8.size());
      return site.charset.empty() ? type : type + "; charset=" + site.charset;
    }
  }
  if (type.starts_with("text/") && type.find(';') == std::string::npos && !site.charset.empty())
    type += "; charset=" + site.charset;
  return type;
}

net::LinkRule link_rule(const config::Site& site) {
  return site.follow_links == config::FollowLinks::all ? net::LinkRule::all : net::LinkRule::owner;
}

bool opens_linked(const config::Site& site, std::string_view path) {
  return core::hidden_behind_link_at(path, site.publish) == std::string_view::npos;
}

bool sends_linked(const config::Site& site, std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return opens_linked(site, path) && (!core::is_withheld(name) || core::is_published(name, site.publish));
}

bool lists_entry(const config::Site& site, const net::FolderEntry& entry) {
  if (entry.linked_path.empty()) return true;
  return entry.folder ? opens_linked(site, entry.linked_path) : sends_linked(site, entry.linked_path);
}

namespace {
FileRefusal judge(const config::Site& site, net::FileKind kind, net::FileKind wanted,
                  std::string_view linked_path) {
  const bool is_folder = kind == net::FileKind::directory || wanted == net::FileKind::directory;
  if (!linked_path.empty() &&
      !(is_folder ? opens_linked(site, linked_path) : sends_linked(site, linked_path)))
    return {404, is_folder ? "a link leads to a hidden name: see publish"
                           : "a link leads to a name that is not sent as a file: see publish"};
  if (kind == wanted) return {};
  switch (kind) {
    case net::FileKind::link_refused:
      return {403, "a link of another owner is not followed: see follow_links"};
    case net::FileKind::forbidden: return {403, kCannotOpen};
    case net::FileKind::failed: return {503, kCannotOpen};
    case net::FileKind::regular:
    case net::FileKind::directory:
    case net::FileKind::other:
    case net::FileKind::missing: return {404, kCannotOpen};
  }
  return {404, kCannotOpen};
}
}  // namespace

FileRefusal judge_file(const config::Site& site, const net::StaticFile& file) {
  return judge(site, file.info().kind, net::FileKind::regular, file.linked_path());
}

FileRefusal judge_folder(const config::Site& site, const net::FolderEntries& folder) {
  return judge(site, folder.kind, net::FileKind::directory, folder.linked_path);
}

void SiteErrorPage::put_into(http::ResponseHead& head) const {
  for (http::Field& field : head.fields) {
    if (http::equals_ignore_case(field.name, "Content-Type")) field.value = type;
  }
  head.content_length = body.size();
}

std::string_view error_page_path(const config::Site& site, int status) {
  const auto& pages = site.errors.pages;
  if (pages.empty() || status < 400) return {};
  auto found = pages.find(std::to_string(status));
  if (found == pages.end()) found = pages.find(status < 500 ? "4xx" : "5xx");
  return found == pages.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<SiteErrorPage> load_error_page(const config::Site& site, std::string_view root, int status) {
  const std::string_view path = error_page_path(site, status);
  if (path.empty() || core::hidden_at(path, site.publish) != std::string_view::npos ||
      !sends_linked(site, path))
    return std::nullopt;
  const net::StaticFile file(root, path, link_rule(site));
  if (judge_file(site, file).status != 0 || file.info().size > kErrorPageBytesMost) return std::nullopt;
  SiteErrorPage page{content_type(site, {}, path), {}};
  if (!file.read(0, kErrorPageBytesMost, page.body)) return std::nullopt;
  return page;
}

ReadyCoding find_ready_coding(const http::RequestHead& request, const std::string& root,
                              const std::string& path) {
  std::optional<net::FileInfo> plain;
  ReadyCoding best;
  int most = 0;
  for (const ReadyCoding& each : kCodings) {
    const int weight = http::coding_weight(request, each.coding);
    if (weight <= most) continue;
    if (!plain) plain = net::file_info(root, path);
    const net::FileInfo ready = net::file_info(root, path + std::string(each.ending));
    if (ready.kind != net::FileKind::regular || is_older(ready, *plain)) continue;
    best = each;
    most = weight;
  }
  return best;
}

}  // namespace holdfast
