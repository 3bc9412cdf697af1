// The store between a response's source and the client's protocol: what leaves when, what is held to its
// length, what a slow client makes it keep.
#include "proxy/client/response_store.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast;

namespace {

// Takes what it is given, as far as `room` goes; the rest is unsent until drain().
class Out final : public ResponseOut {
 public:
  std::size_t room = SIZE_MAX;

  void head(const http::ResponseHead& head) override {
    REQUIRE_FALSE(has_head_);
    has_head_ = true;
    log += "head " + std::to_string(head.status);
    if (head.content_length) log += " length " + std::to_string(*head.content_length);
    log += "\n";
  }
  void body(std::string_view bytes) override {
    REQUIRE(has_head_);
    REQUIRE(given_.empty());  // once between two send()
    REQUIRE_FALSE(bytes.empty());
    given_ = bytes;
  }
  void end() override { ended_ = true; }
  void break_off() override { log += "broken\n"; }
  void make_last() override {}
  void send() override {
    if (!given_.empty()) log += "body " + std::to_string(given_.size()) + "\n";
    received.append(given_);
    unsent_ += given_.size() > room ? given_.size() - room : 0;
    room -= std::min(room, given_.size());
    given_ = {};
    if (ended_) log += "end\n";
    ended_ = false;
  }
  std::size_t unsent_bytes() const override { return unsent_; }
  std::uint64_t delivered_bytes() const override { return received.size() - unsent_; }
  // The kernel has taken all, and takes `more`.
  void drain(std::size_t more) {
    unsent_ = 0;
    room = more;
  }

  std::string log;
  std::string received;

 private:
  std::string_view given_;
  std::size_t unsent_ = 0;
  bool has_head_ = false;
  bool ended_ = false;
};

struct StoreScene {
  explicit StoreScene(bool head_method = false, std::size_t memory_max = 1 << 20)
      : store(core::BodyStore(nullptr, memory_max)) {
    store.begin(head_method, memory_max);
  }
  void start(std::optional<std::uint64_t> length = {}, bool stream = false, int status = 200) {
    http::ResponseHead head;
    head.status = status;
    head.content_length = length;
    store.start_response(head, stream);
  }
  ResponseStore store;
  Out out;
};

}  // namespace

TEST_CASE("a page that is whole with its head gets a length") {
  StoreScene scene;
  scene.start();
  scene.store.response_body("hello");
  scene.store.finish_response();
  CHECK(scene.out.log.empty());  // nothing before flush()
  scene.store.flush(scene.out);
  CHECK(scene.out.log == "head 200 length 5\nbody 5\nend\n");
  CHECK(scene.store.all_sent(scene.out));
  CHECK(scene.store.body_bytes() == 5);
}

TEST_CASE("a page that is not whole yet, or streams, gets none") {
  for (const bool stream : {false, true}) {
    CAPTURE(stream);
    StoreScene scene;
    scene.start({}, stream);
    scene.store.response_body("a");
    if (stream) scene.store.finish_response();
    scene.store.flush(scene.out);
    if (!stream) {
      CHECK_FALSE(scene.store.all_sent(scene.out));
      scene.store.finish_response();
      scene.store.flush(scene.out);
    }
    CHECK(scene.out.log == std::string("head 200\nbody 1\n") + "end\n");
  }
}

TEST_CASE("nothing exceeds the promised length, and what has come whole cannot break") {
  StoreScene scene;
  scene.start(3);
  scene.store.response_body("abcdef");
  CHECK(scene.store.finished());
  scene.store.response_body("ghi");
  scene.store.break_response();
  scene.store.flush(scene.out);
  CHECK(scene.out.received == "abc");
  CHECK_FALSE(scene.store.broken());
  CHECK(scene.store.all_sent(scene.out));
}

TEST_CASE("an end short of the length is no end") {
  for (const bool by_source : {false, true}) {
    CAPTURE(by_source);
    StoreScene scene;
    scene.start(10);
    scene.store.response_body("abc");
    if (by_source) {
      scene.store.break_response();
    } else {
      scene.store.finish_response();
    }
    scene.store.flush(scene.out);
    CHECK(scene.out.log == "head 200 length 10\nbody 3\nbroken\n");
    CHECK(scene.store.broken());
    CHECK_FALSE(scene.store.all_sent(scene.out));
  }
}

TEST_CASE("an answer without a body is whole with its head") {
  struct Case {
    bool head_method;
    int status;
  };
  for (const Case& each : {Case{true, 200}, Case{false, 204}, Case{false, 304}}) {
    StoreScene scene(each.head_method);
    scene.start(each.head_method ? std::optional<std::uint64_t>(7) : std::nullopt, false, each.status);
    scene.store.response_body("ignored");
    scene.store.flush(scene.out);
    CHECK(scene.out.received.empty());
    CHECK(scene.store.all_sent(scene.out));
    CHECK(scene.store.body_bytes() == 0);
  }
}

TEST_CASE("a slow client gets every byte, in order, however little it takes") {
  for (const std::size_t memory : {std::size_t{1} << 20, std::size_t{1000}}) {
    for (const std::size_t taken : {std::size_t{1}, std::size_t{700}, std::size_t{100000}}) {
      CAPTURE(memory);
      CAPTURE(taken);
      StoreScene scene(false, memory);
      std::string sent;
      scene.out.room = 10;
      scene.start();
      for (int i = 0; i < 30; ++i) {
        const std::string piece(static_cast<std::size_t>(i) * 17, static_cast<char>('a' + i % 26));
        scene.store.response_body(piece);
        sent += piece;
        scene.store.flush(scene.out);
        if (i % 7 == 0) {
          scene.out.drain(taken);
          scene.store.on_drained(scene.out);
        }
      }
      scene.store.finish_response();
      scene.store.flush(scene.out);
      for (int turns = 0; !scene.store.all_sent(scene.out); ++turns) {
        REQUIRE(turns < 10000);
        scene.out.drain(taken);
        scene.store.on_drained(scene.out);
      }
      CHECK(scene.out.received == sent);
      CHECK(scene.store.body_bytes() == sent.size());
      CHECK(scene.out.log.ends_with("end\n"));
      CHECK(scene.store.memory_bytes() == 0);
    }
  }
}

TEST_CASE("where no more can be stored the source waits, until the client has caught up") {
  StoreScene scene(false, 100);
  scene.out.room = 0;
  scene.start();
  scene.store.response_body(std::string(50, 'a'));
  scene.store.flush(scene.out);  // with the client
  scene.store.response_body(std::string(300, 'b'));
  scene.store.flush(scene.out);  // no room
  CHECK(scene.store.congested(scene.out));
  CHECK(scene.store.memory_bytes() == 300);
  scene.out.drain(SIZE_MAX);
  scene.store.on_drained(scene.out);
  CHECK_FALSE(scene.store.congested(scene.out));
  CHECK(scene.out.received == std::string(50, 'a') + std::string(300, 'b'));
}

TEST_CASE("a stream goes to its client at once, which is never far behind") {
  StoreScene scene;
  scene.out.room = 0;
  scene.start({}, true);
  const std::string piece(50 * 1024, 'x');
  int pieces = 0;
  while (!scene.store.congested(scene.out)) {
    REQUIRE(++pieces < 10);
    scene.store.response_body(piece);
    scene.store.flush(scene.out);
  }
  CHECK(pieces == 3);  // above 128 KiB
  CHECK(scene.store.memory_bytes() == 0);
  CHECK(scene.out.received.size() == 3 * piece.size());
}

TEST_CASE("a response that is cut sends no more") {
  StoreScene scene;
  scene.out.room = 0;
  scene.start();
  scene.store.response_body("a");
  scene.store.flush(scene.out);
  scene.store.response_body("b");
  scene.store.flush(scene.out);
  scene.store.cut(scene.out);
  scene.out.drain(SIZE_MAX);
  scene.store.on_drained(scene.out);
  CHECK(scene.out.log == "head 200\nbody 1\nbroken\n");
  CHECK(scene.store.broken());
  CHECK(scene.store.memory_bytes() == 0);
}

TEST_CASE("the next response knows nothing of the last") {
  StoreScene scene;
  scene.start(10);
  scene.store.response_body("abc");
  scene.store.break_response();
  scene.store.flush(scene.out);
  scene.store.begin(false, 1 << 20);
  Out out;
  scene.start();
  scene.store.response_body("hi");
  scene.store.finish_response();
  scene.store.flush(out);
  CHECK(out.log == "head 200 length 2\nbody 2\nend\n");
  CHECK(scene.store.body_bytes() == 2);
}
