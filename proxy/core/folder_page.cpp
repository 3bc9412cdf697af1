// See folder_page.h.
#include "proxy/core/folder_page.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace holdfast::core {

namespace {

void append_html(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
}

// One segment of a path (RFC 3986 3.3), all but unreserved bytes encoded.
void append_segment(std::string& out, std::string_view name) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

std::string time_text(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&time, &parts) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts) == 0)
    return {};
  return text.data();
}

void append_row(std::string& out, const ListedName& each) {
  const std::string_view slash = each.folder ? "/" : "";
  out += "<tr><td><a href=\"./";  // "./": a name with a colon is no scheme
  append_segment(out, each.name);
  out.append(slash).append("\">");
  append_html(out, each.name);
  out.append(slash).append("</a></td><td>");
  out += time_text(each.modified_seconds) + "</td><td>" + (each.folder ? "" : std::to_string(each.size)) +
         "</td></tr>\n";
}

}  // namespace

std::string folder_page(std::string_view path, std::vector<ListedName> names, bool cut) {
  std::sort(names.begin(), names.end(), [](const ListedName& a, const ListedName& b) {
    return a.folder != b.folder ? a.folder : a.name < b.name;
  });
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>";
  append_html(out, path);
  out +=
      "</title><style>body{font-family:system-ui,sans-serif;margin:2rem}td{padding:.1rem 1.5rem .1rem 0}"
      "td:last-child{text-align:right}</style></head>\n<body><h1>";
  append_html(out, path);
  out += "</h1>\n<table>\n";
  if (path != "/") out += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";
  for (const ListedName& each : names) append_row(out, each);
  out += "</table>\n";
  if (cut)
    out +=
        "<p>There are more than " + std::to_string(kListedNamesMost) + " names: the rest is not shown.</p>\n";
  return out + "</body></html>\n";
}

}  // namespace holdfast::core
