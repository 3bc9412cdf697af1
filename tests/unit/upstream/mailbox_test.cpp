// What passes between the clients' side and php's: in order, once, and to nobody who has gone.
#include "proxy/upstream/mailbox.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace holdfast;

namespace {

class Reader final : public DeliveryReader {
 public:
  explicit Reader(Mailbox& mailbox) : mailbox_(mailbox) {}
  void on_delivery(std::unique_ptr<Delivery> delivery) override {
    log += delivery->body + (delivery->ending == Delivery::Ending::none ? "" : ".");
    if (cancels) mailbox_.cancel(delivery->exchange);
    mailbox_.give_back(std::move(delivery));
  }
  std::string log;
  bool cancels = false;

 private:
  Mailbox& mailbox_;
};

std::unique_ptr<Submission> submission(Mailbox& mailbox, std::string pool) {
  std::unique_ptr<Submission> submission = mailbox.begin_submission();
  submission->pool = std::move(pool);
  return submission;
}

}  // namespace

TEST_CASE("commands come up in the order they were given, once") {
  Mailbox mailbox;
  Reader reader(mailbox);
  const ExchangeId first = mailbox.open(reader);
  const ExchangeId second = mailbox.open(reader);
  CHECK(first != second);
  CHECK(mailbox.empty());
  mailbox.submit(first, submission(mailbox, "php"));
  mailbox.half_close(first);
  mailbox.cancel(second);
  mailbox.detach(first, "/x.php");
  CHECK_FALSE(mailbox.empty());
  std::vector<Command> commands;
  mailbox.take_commands(commands);
  REQUIRE(commands.size() == 4);
  CHECK(commands[0].kind == Command::Kind::submit);
  CHECK(commands[0].submission->pool == "php");
  CHECK(commands[1].kind == Command::Kind::half_close);
  CHECK(commands[2].kind == Command::Kind::cancel);
  CHECK(commands[2].exchange == second);
  CHECK(commands[3].script == "/x.php");
  mailbox.take_commands(commands);
  CHECK(commands.empty());
  CHECK(mailbox.empty());
}

TEST_CASE("a delivery reaches its reader when it is time, and nobody after close()") {
  Mailbox mailbox;
  Reader one(mailbox), other(mailbox);
  const ExchangeId of_one = mailbox.open(one);
  const ExchangeId of_other = mailbox.open(other);
  mailbox.begin_delivery(of_one).body = "a";
  mailbox.begin_delivery(of_other).body = "b";
  CHECK(one.log.empty());
  mailbox.close(of_other);
  CHECK(mailbox.deliver());
  CHECK(one.log == "a");
  CHECK(other.log.empty());
  CHECK_FALSE(mailbox.deliver());
  // The place of one who has gone is taken by another, who hears nothing of what was meant for the first.
  const ExchangeId next = mailbox.open(other);
  CHECK(next != of_other);
  mailbox.begin_delivery(of_other).body = "late";
  CHECK(mailbox.deliver());
  CHECK(other.log.empty());
}

TEST_CASE("what a reader says in answer waits for the next round") {
  Mailbox mailbox;
  Reader reader(mailbox);
  reader.cancels = true;
  const ExchangeId id = mailbox.open(reader);
  mailbox.begin_delivery(id).ending = Delivery::Ending::whole;
  CHECK(mailbox.deliver());
  CHECK(reader.log == ".");
  CHECK_FALSE(mailbox.empty());
  std::vector<Command> commands;
  mailbox.take_commands(commands);
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].kind == Command::Kind::cancel);
}

TEST_CASE("a delivery that is used again knows nothing of the last one") {
  Mailbox mailbox;
  Reader reader(mailbox);
  const ExchangeId id = mailbox.open(reader);
  {
    Delivery& delivery = mailbox.begin_delivery(id);
    http::ResponseHead head;
    std::string name = "X-Long-Enough-To-Be-Elsewhere";
    head.fields.push_back({name, "v"});
    head.content_length = 3;
    delivery.head.assign(head);
    name.assign(name.size(), '?');  // its bytes are the delivery's own
    CHECK(delivery.head.head().fields[0].name == "X-Long-Enough-To-Be-Elsewhere");
    delivery.asks = delivery.has_head = delivery.stream = delivery.stderr_cut = true;
    delivery.body = "body";
    delivery.ending = Delivery::Ending::broken;
    delivery.report.connection = 7;
    delivery.complaint = delivery.stderr_text = "text";
  }
  mailbox.deliver();
  const Delivery& again = mailbox.begin_delivery(id);
  CHECK_FALSE((again.asks || again.has_head || again.stream || again.stderr_cut));
  CHECK(again.body.empty());
  CHECK(again.head.head().fields.empty());
  CHECK_FALSE(again.head.head().content_length);
  CHECK(again.ending == Delivery::Ending::none);
  CHECK(again.report.connection == 0);
  CHECK((again.complaint.empty() && again.stderr_text.empty()));
}
