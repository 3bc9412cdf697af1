// What the upstream side asks of whoever waits for an exchange's response: a client connection, or a question
// of our own (FpmStatus). It owns the exchange.
#pragma once

namespace holdfast {

class ExchangeClient {
 public:
  // The response has grown or ended. May end (and destroy) the exchange.
  virtual void flush() = 0;
  // The application should wait.
  virtual bool congested() const = 0;
  // Nobody will read the answer; on_gone() is then called instead of sending the request.
  virtual bool gone() const = 0;
  virtual void on_gone() = 0;

 protected:
  ~ExchangeClient() = default;
};

}  // namespace holdfast
