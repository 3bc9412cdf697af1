// See forwarded_field.h.
#include "proxy/core/forwarded_field.h"

#include "proxy/http/message.h"
#include "proxy/http/request_rules.h"

namespace holdfast::core {

namespace {

class ForwardedReader {
 public:
  explicit ForwardedReader(std::string_view line) : rest_(line) {}

  bool at_end() const { return rest_.empty(); }

  // Up to the next comma or the end. False: malformed. Where there is nothing `empty` is true.
  bool read_element(ForwardedElement& element, bool& empty) {
    empty = true;
    for (;;) {
      skip_white_space();
      if (rest_.empty() || take(',')) return true;
      if (take(';')) continue;
      empty = false;
      if (!read_pair(element)) return false;
      skip_white_space();
      if (!rest_.empty() && rest_[0] != ',' && rest_[0] != ';') return false;
    }
  }

 private:
  void skip_white_space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }

  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view take_bytes(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  bool read_pair(ForwardedElement& element) {
    const std::size_t equals = rest_.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view name = take_bytes(equals);
    if (!http::is_field_name(name)) return false;  // a token, too
    rest_.remove_prefix(1);
    std::string_view value;
    if (!(take('"') ? read_quoted(value) : read_bare(value))) return false;
    if (http::equals_ignore_case(name, "for")) return keep(value, element.node, element.has_node);
    if (http::equals_ignore_case(name, "proto")) return keep(value, element.proto, element.has_proto);
    if (http::equals_ignore_case(name, "host")) return keep(value, element.host, element.has_host);
    return true;
  }

  static bool keep(std::string_view value, std::string_view& out, bool& there) {
    if (there || value.find('\\') != std::string_view::npos) return false;
    there = true;
    out = value;
    return true;
  }

  bool read_quoted(std::string_view& value) {
    for (std::size_t at = 0; at < rest_.size(); ++at) {
      if (rest_[at] == '\\') {
        ++at;
      } else if (rest_[at] == '"') {
        value = take_bytes(at);
        rest_.remove_prefix(1);
        return true;
      }
    }
    return false;
  }

  bool read_bare(std::string_view& value) {
    const std::size_t end = rest_.find_first_of(",; \t");
    value = take_bytes(end);
    return !value.empty() && value.find_first_of("\"\\") == std::string_view::npos;
  }

  std::string_view rest_;
};

}  // namespace

bool append_forwarded(std::string_view line, std::size_t most, std::vector<ForwardedElement>& out) {
  const std::size_t before = out.size();
  ForwardedReader reader(line);
  while (!reader.at_end()) {
    ForwardedElement element;
    bool empty = true;
    if (!reader.read_element(element, empty)) {
      out.resize(before);
      return false;
    }
    if (empty) continue;
    if (out.size() - before == most) out.erase(out.begin() + static_cast<std::ptrdiff_t>(before));
    out.push_back(element);
  }
  return true;
}

}  // namespace holdfast::core
