// One process of the application: takes a connection from the backlog, serves one request after the other on
// it, and nothing else until that connection is gone (php-fpm.md 1.1). What a script does is drawn by chance.
//
//   elsewhere: it serves a kept connection of somebody else's until it becomes free
//   unborn: the master has not forked it yet, and may never
//
//   starting -> free -> reading -> running -> reading ...      max_requests: -> finishing -> starting
//                                     \-> dies: starting
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fcgi_wire.h"
#include "ledger.h"
#include "link.h"

namespace holdfast::sim {

enum class AppKind { php, old_php, generic };
// When there are processes. `late`: pm = dynamic, some time after the start. `on_demand`: one for each waking
// of the master, which is woken by new connections only, and counts one that it has just forked as free.
enum class Forking { at_start, late, on_demand };

// Weights of what a script does, and how the processes behave.
struct AppKnobs {
  AppKind kind = AppKind::php;
  std::size_t workers = 4;
  Forking forking = Forking::at_start;
  Duration fork_most = std::chrono::seconds(3);           // late
  Duration accept_most = std::chrono::microseconds(500);  // from connect() to accept() of a free one
  std::size_t backlog = 16;
  std::size_t max_requests = 0;
  unsigned prompt = 10, slow = 3, stderr_first = 2, runs_on = 0, early = 0, dies = 0, dies_midway = 0,
           hangs = 0, not_cgi = 0, stalls = 0, zombies = 0;
  Duration slow_most = std::chrono::milliseconds(300);
  Duration run_on_most = std::chrono::milliseconds(80);
  Duration hang = std::chrono::seconds(20);
  std::size_t padding_most = 7;
  Duration elsewhere_most{};  // all processes belong to others at first, each for as long as this
  unsigned chokes = 0;        // percent: sleeps before it reads the body
  unsigned reset_on_accept_percent = 0;
  bool prompt_closes_wanted = true;  // the proxy has no reason to leave an end unread
  bool may_start_late = true;        // what it was given may lie before it for a second
};

class PhpApp;

class PhpWorker final : public Actor {
 public:
  PhpWorker(PhpApp& app, std::string name);
  void step() override;
  bool is_free() const { return state_ == State::free; }
  bool is_unborn() const { return state_ == State::unborn; }
  // As the master sees it.
  bool counts_as_free() const { return state_ == State::free || state_ == State::starting; }
  void fork();
  // It will be free, and no script is in the way.
  bool is_free_soon() const;
  bool at_rest() const {
    return state_ == State::free || state_ == State::unborn || (state_ == State::reading && in_.empty());
  }
  // The master restarts it. `graceful`: it ends its request first, and notices only after the next one read.
  void stop(bool graceful);

 private:
  enum class State { elsewhere, unborn, starting, free, reading, running, finishing };
  enum class Page { whole, cut, end_cut };  // end_cut: inside END_REQUEST or its padding
  struct Output {
    Duration after;
    std::string bytes;
    bool dies = false;
    bool is_lost = false;       // a process that was killed while a child of its own holds the socket
    bool ends_request = false;  // END_REQUEST is in `bytes`
  };

  void accept();
  void read();
  bool fill(std::size_t bytes);
  bool take_record(const wire::Header& header, std::string_view content);
  void answer_get_values();
  void read_on_end();
  void start_script(bool body_cut);
  void check_place(const Request& request);
  void plan_script(std::size_t tag);
  void plan_page(std::size_t tag, Page kind);
  void plan_nonsense();
  void plan_stall(std::size_t tag);
  void run();
  void script_ended();
  void finish_in_order();
  void die();
  void check_promptness();
  void drop_link();
  void rest(Time when) { due_ = when; }
  std::string stdout_records(std::string_view bytes);

  PhpApp& app_;
  std::string name_;
  State state_ = State::free;
  std::shared_ptr<Link> link_;
  Time accepted_{};
  Time finishing_since_{};
  Time reads_on_at_{};
  bool anything_read_ = false;
  bool stopping_ = false;
  std::size_t requests_ = 0;

  std::string in_;  // of the record under way
  bool request_open_ = false;
  bool params_done_ = false;
  int id_ = 0;
  bool keep_ = false;
  std::map<std::string, std::string> params_;
  std::string body_;
  std::size_t content_length_ = 0;
  std::size_t tag_ = SIZE_MAX;
  bool early_ = false;

  std::vector<Output> plan_;
  std::size_t plan_at_ = 0;
  std::string out_;  // written by the script, not taken by the kernel yet
  Time next_output_{};
};

}  // namespace holdfast::sim
