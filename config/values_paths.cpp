// Values that are paths: on our disk, on php-fpm's, in a URL. See values.h.
#include "config/addresses.h"
#include "config/values.h"

namespace holdfast::config {
namespace {

// Front controllers and status paths are compared and joined as text: they must be in their only form.
bool has_dot_segment(const std::string& path) {
  const std::string padded = path + "/";
  return padded.find("/../") != std::string::npos || padded.find("/./") != std::string::npos;
}

}  // namespace

std::optional<std::string> FilePath::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto scalar = reader.scalar(slot, "a path");
  if (!scalar) {
    return std::nullopt;
  }
  if (scalar->text.empty()) {
    reader.error(slot, "expected a path, got ''");
    return std::nullopt;
  }
  if (scalar->text.starts_with('~')) {  // the shell would expand it, nobody else does
    reader.error(slot, "'~' is not expanded here, got " + quote(scalar->text), "write the absolute path");
    return std::nullopt;
  }
  return reader.absolute(scalar->text);
}

std::optional<std::string> ForeignPath::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto scalar = reader.scalar(slot, "an absolute path");
  if (!scalar) {
    return std::nullopt;
  }
  if (!scalar->text.starts_with('/')) {
    reader.error(slot, "expected an absolute path, got " + quote(scalar->text),
                 "it is the path as php-fpm sees it, so it cannot be resolved here");
    return std::nullopt;
  }
  return reader.absolute(scalar->text);
}

std::optional<std::string> UrlPath::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto scalar = reader.scalar(slot, "a path such as /index.php");
  if (!scalar || scalar->text.empty()) {
    return scalar ? std::optional<std::string>("") : std::nullopt;
  }
  const std::string& text = scalar->text;
  const auto end = text.find_first_of("?#");
  if (end != std::string::npos) {
    reader.error(slot, "expected a path without a query, got " + quote(text),
                 (text.starts_with('/') ? "write " : "write /") + text.substr(0, end) +
                     "; the query of the request is passed on as it came");
  } else if (!text.starts_with('/')) {
    reader.error(slot, "expected a path that begins with '/', got " + quote(text), "write /" + text);
  } else if (has_dot_segment(text) || text.find("//") != std::string::npos || text.ends_with('/')) {
    reader.error(slot, "expected the path of a file such as /index.php, got " + quote(text));
  } else {
    return text;
  }
  return std::nullopt;
}

std::optional<std::string> LogTarget::read(Reader& reader, const Slot& slot, const Limits&) {
  const auto scalar = reader.scalar(slot, "stdout, off or a path");
  if (!scalar || scalar->text == "stdout" || scalar->text == "off") {
    return scalar ? std::optional(scalar->text) : std::nullopt;
  }
  // A path must hold a slash: else a slip such as `stdot` would quietly become a file.
  if (scalar->text.find('/') == std::string::npos || scalar->text.ends_with('/')) {
    const std::string meant = did_you_mean(scalar->text, {"stdout", "off"});
    reader.error(slot, "expected stdout, off or a path, got " + quote(scalar->text),
                 !meant.empty() || scalar->text.empty() ? meant : "write ./" + scalar->text + " for a file");
    return std::nullopt;
  }
  return reader.absolute(scalar->text);
}

}  // namespace holdfast::config
