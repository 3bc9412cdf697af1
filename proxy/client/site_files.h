// What a site says of its files: their type, which links lead to them, which names are sent; and those that it
// has ready in place of others: its own error pages (`errors`), and files compressed beforehand
// (`precompressed`). Looks at files; knows no socket.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/snapshot.h"
#include "proxy/core/route_plan.h"
#include "proxy/http/message.h"
#include "proxy/http/response_writer.h"
#include "proxy/net/folder.h"
#include "proxy/net/static_file.h"

namespace holdfast {

// The Content-Type of the file at `path`: the route's `type`, else by the site's `types`, else by the known
// endings; text in the site's `charset`.
std::string content_type(const config::Site& site, const core::RoutePlan& route, std::string_view path);

net::LinkRule link_rule(const config::Site& site);
// False for a file that links led to and that is called as `path` says itself (SafeOpen::linked_path): its own
// names count too (x.txt that leads to wp-config.php).
bool sends_linked(const config::Site& site, std::string_view path);
// The same of a folder: what is never sent is said of files, so that a folder x.bak opens, by a link as by its name.
bool opens_linked(const config::Site& site, std::string_view path);
// False for what a list leaves out: links to what would be refused.
bool lists_entry(const config::Site& site, const net::FolderEntry& entry);

// Why a file or a folder that is there is not sent. Status 0: it is.
struct FileRefusal {
  int status = 0;             // 404, 403, 503 (no descriptor left)
  std::string_view why = {};  // a literal, for the log
};
FileRefusal judge_file(const config::Site& site, const net::StaticFile& file);
FileRefusal judge_folder(const config::Site& site, const net::FolderEntries& folder);

// A larger page is not sent: it is read whole.
constexpr std::size_t kErrorPageBytesMost = std::size_t{256} << 10;

struct SiteErrorPage {
  std::string type;  // Content-Type
  std::string body;
  // In place of the page that `head` is of; holds as long as this.
  void put_into(http::ResponseHead& head) const;
};

// The path below the root of the page for `status`: that of the status itself, else of 4xx or 5xx; empty:
// there is none.
std::string_view error_page_path(const config::Site& site, int status);

// That page. `root`: the site's, or what it is without links. Nothing where there is none, or it cannot be
// read.
std::optional<SiteErrorPage> load_error_page(const config::Site& site, std::string_view root, int status);

// A file beside another, with its content compressed.
struct ReadyCoding {
  std::string_view ending;  // ".gz"; empty: none is there that the client takes
  std::string_view coding;  // "gzip"
};

// For the file at `path` below `root`: of .br, .zst and .gz that are no older than the file the one that the
// client wants most; of those that it wants alike the first of these.
ReadyCoding find_ready_coding(const http::RequestHead& request, const std::string& root,
                              const std::string& path);

}  // namespace holdfast
