// See php_stderr.h.
#include "proxy/upstream/php_stderr.h"

#include <string>

#include "proxy/core/log_text.h"

namespace holdfast {

void log_php_stderr(Log& log, const core::Exchange& exchange, std::string_view script) {
  const std::string& text = exchange.stderr_text();
  if (text.empty()) return;
  const http::RequestHead& head = exchange.request();
  const std::string prefix = "php: " + core::escape_for_log(head.method_text) + " " +
                             core::escape_for_log(head.authority) + core::escape_for_log(head.target) + ": ";
  std::string end = exchange.stderr_cut() ? " [cut]" : "";
  if (text.find("Primary script unknown") != std::string::npos) {
    end += "; php-fpm does not see " + core::escape_for_log(script) +
           ": set php_root to the path of the root as php-fpm sees it";
  }
  log.warn_lines(prefix, text, end);
}

}  // namespace holdfast
