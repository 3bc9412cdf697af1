// A web server on one FastCGI connection: several requests at once, their records interleaved and cut
// anywhere, at its own pace; it may abort a request, or leave at any moment. What it gets is judged here and
// noted in the Ledger. Written from the specification alone, like fcgi_wire.h.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fake_network.h"
#include "ledger.h"

namespace holdfast::sim {

struct WebServerPlan {
  std::vector<Request> requests;
  Time arrives{};
  std::size_t at_once = 1;
  std::size_t write_most = 65536;
  std::size_t read_most = 65536;
  Duration write_pause{};
  Duration read_pause{};
  unsigned aborts_percent = 0;  // of its requests
  bool keeps = true;            // FCGI_KEEP_CONN; else one request, and the proxy closes
  bool leaves = false;
  bool by_reset = false;
  std::size_t leave_after_sent = 0;  // bytes
};

class WebServer final : public Actor {
 public:
  WebServer(Universe& universe, Ledger& ledger, FakeNetwork& network, WebServerPlan plan, std::string name);
  void step() override;
  bool finished() const { return state_ == State::gone; }
  const std::string& name() const { return name_; }

 private:
  enum class State { coming, talking, gone };
  struct Open {
    std::size_t tag = 0;
    std::deque<std::string> records;  // to be sent
    std::string answer;               // STDOUT so far
    bool aborted = false;
    bool out_ended = false;
  };

  void connect();
  void receive();
  void take_records();
  void take_record(int type, int id, std::string_view content);
  void judge(const Open& open, bool cut);
  void ask();
  void write_request(Open& open, int id);
  void send();
  void on_end();
  void go(Outcome for_open);
  void set_due();

  Universe& universe_;
  Ledger& ledger_;
  FakeNetwork& network_;
  WebServerPlan plan_;
  std::string name_;
  State state_ = State::coming;
  std::shared_ptr<Link> link_;
  std::vector<std::size_t> tags_;
  std::size_t asked_ = 0;
  std::map<int, Open> open_;  // by request id
  int last_id_ = 0;
  bool told_cut_ = false;
  std::string out_;
  std::string in_;
  std::size_t sent_ = 0;
  Time next_read_{};
  Time next_write_{};
};

}  // namespace holdfast::sim
