// See cgi_head_writer.h.
#include "fastcgi/cgi_head_writer.h"

#include <cstdlib>

#include "fastcgi/field_text.h"

namespace holdfast::fastcgi {

void write_cgi_head(int status, std::string_view reason, std::span<const CgiField> fields, std::string& out) {
  if (status < 200 || status > 999) std::abort();
  out.append("Status: ").append(std::to_string(status));
  if (!reason.empty() && is_field_value(reason)) out.append(" ").append(reason);
  out.append("\r\n");
  for (const CgiField& field : fields) {
    if (field.name.empty() || !is_field_name(field.name) || !is_field_value(field.value)) continue;
    if (same_name(field.name, "Status")) continue;
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  out.append("\r\n");
}

}  // namespace holdfast::fastcgi
