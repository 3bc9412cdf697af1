// See detached_exchange.h.
#include "proxy/upstream/detached_exchange.h"

#include <utility>

#include "proxy/upstream/php_stderr.h"
#include "proxy/upstream/upstream.h"

namespace holdfast {

DetachedExchange::DetachedExchange(std::unique_ptr<PhpExchange> exchange, core::BodyStore body,
                                   std::string script)
    : body_(std::move(body)), script_(std::move(script)), exchange_(std::move(exchange)) {
  const http::RequestHead& head = exchange_->request();
  text_ = head.method_text;
  text_ += head.target;
  request_.method = head.method;
  request_.method_text = std::string_view(text_).substr(0, head.method_text.size());
  request_.target = std::string_view(text_).substr(head.method_text.size());
  request_.authority = head.authority;
  exchange_->hand_over(request_, body_, *this);
  exchange_->client.link(*this);
}

void DetachedExchange::flush() {
  if (!done()) return;
  log_php_stderr(exchange_->upstream().context().log, *exchange_, script_);
}

}  // namespace holdfast
