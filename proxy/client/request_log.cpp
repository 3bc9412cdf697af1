// The request: its line in the access log, and what php said about it.
#include "proxy/client/request.h"
#include "proxy/core/log_text.h"
#include "proxy/upstream/php_stderr.h"

namespace holdfast {

namespace {
// Of a target in a line of the error log.
constexpr std::size_t kTargetBytesTold = 2048;
}  // namespace

// Its path as php should see it.
std::string Request::script() const {
  return plan_.script_path();
}

std::string Request::client_text() const {
  return "client " + (peer_->address.empty() ? "on a Unix socket" : peer_->address);
}

// "php: GET example.com/x.php: ", the begin of each line about what php said.
std::string Request::php_log_prefix() const {
  std::string prefix = "php: ";
  core::append_cut(prefix,
                   core::escape_for_log(head_->method_text) + " " + core::escape_for_log(head_->authority) +
                       core::escape_for_log(head_->target),
                   kTargetBytesTold);
  return prefix + ": ";
}

// What was wrong with its head: once a script, not once an answer.
void Request::log_complaint(const Delivery& delivery) {
  if (delivery.complaint.empty()) return;
  const std::string about = core::escape_for_log(script()) + ": " + delivery.complaint;
  core::RecentTexts& recent = context_.complaints;
  if (!recent.is_new(about, context_.now())) return;
  std::string line = php_log_prefix() + about;
  if (const std::uint64_t held = recent.take_held_back(); held > 0)
    line += " (" + std::to_string(held) + " more since the last such line)";
  context_.log.warn(line);
}

// Each piece of it as it comes.
void Request::note_stderr(const Delivery& delivery) {
  php_stderr_ += delivery.stderr_text;
  stderr_cut_ = stderr_cut_ || delivery.stderr_cut;
}

std::string_view Request::take_stderr(std::size_t bytes_most) {
  const std::string_view fresh = std::string_view(php_stderr_).substr(stderr_taken_, bytes_most);
  stderr_taken_ += fresh.size();
  return fresh;
}

// What was not passed on would be lost.
void Request::log_stderr() {
  const bool wanted = plan_.log_stderr || stderr_taken_ < php_stderr_.size();
  if (php_stderr_.empty() || !wanted) return;
  core::Asked asked;
  asked.assign(head_->method, head_->method_text, head_->authority, head_->target);
  log_php_stderr(context_.log, asked, php_stderr_, stderr_cut_, script());
}

void Request::log_request() {
  if (admin_) return;  // looking at the numbers does not change them
  Metrics& metrics = context_.metrics;
  const int status = status_to_log();
  metrics.count_response(status);
  metrics.bytes_sent += response_.body_bytes();
  const core::Time now = context_.now();
  if (report_ && report_->connection != 0) count_times(now);
  if (!context_.access_log.enabled() || !plan_.route().log) return;
  context_.access_log.add(access_record(status, now));
}

// 499: the client left before it had its answer, as nginx says it. Whom we cut off got what had begun, or
// nothing, and that was the server's doing: 503.
int Request::status_to_log() const {
  if (state_ != State::left) return response_.status();
  if (core::went_by_itself(close_reason_)) return 499;
  return response_.started() ? response_.status() : 503;
}

void Request::count_times(core::Time now) {
  PoolTimes& times = context_.metrics.pool_times[plan_.pool()];
  const core::Exchange::Timings& timings = report_->timings;
  times.queue_wait.observe(timings.queue);
  if (timings.connect > core::Duration::zero()) times.connect.observe(timings.connect);
  if (timings.first_byte) times.first_byte.observe(*timings.first_byte - timings.leased);
  times.total.observe(now - begun_);
}

// By us, before the answer was whole.
bool Request::cut_off() const {
  return state_ == State::given_up || (state_ == State::left && !core::went_by_itself(close_reason_));
}

core::AccessRecord Request::access_record(int status, core::Time now) const {
  core::AccessRecord record;
  record.client_address =
      origin_.address.empty() ? std::string_view(peer_->address) : std::string_view(origin_.address);
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(
      begun_wall_.value_or(std::chrono::system_clock::now()).time_since_epoch());
  record.time = static_cast<std::time_t>(wall.count() / 1000);
  record.milliseconds = static_cast<int>(wall.count() % 1000);
  record.status = status;
  record.body_bytes = response_.body_bytes();
  record.request_time = now - begun_;
  record.outcome = refusal_.empty() ? "ok" : refusal_;
  if (state_ == State::left) record.outcome = core::outcome_name(core::Outcome::client_left);
  if (cut_off()) record.outcome = core::client_close_reason_name(close_reason_);
  if (head_ == nullptr) {
    record.first_bytes = first_bytes_;
  } else {
    record.method = head_->method_text;
    if (credentials_ && password_right_) record.user = credentials_->user;
    record.target = head_->target;
    record.version_minor = head_->version_minor;
    record.host = head_->authority;
    record.referer = head_->find("Referer").value_or(std::string_view{});
    record.user_agent = head_->find("User-Agent").value_or(std::string_view{});
  }
  record.listener = plan_.listener;
  if (!record.listener.empty()) record.script = plan_.target.script_name;  // php_root is empty
  if (report_) add_exchange(record);
  if (record.outcome == "ok" && response_.broken())
    record.outcome = core::outcome_name(core::Outcome::truncated);
  return record;
}

void Request::add_exchange(core::AccessRecord& record) const {
  const core::Exchange::Timings& timings = report_->timings;
  record.pool = plan_.pool();
  record.queue_time = timings.queue;
  if (timings.connect > core::Duration::zero()) record.connect_time = timings.connect;
  if (timings.first_byte) record.first_byte_time = *timings.first_byte - timings.leased;
  record.connection_id = report_->connection;
  record.reused = report_->reused;
  record.retried = report_->retries;
  // Its script runs on, or broke off when the client had all of its answer.
  const bool broke = last_ != nullptr && last_->ending == Delivery::Ending::broken;
  const bool runs_on =
      (report_->outcome == core::Outcome::none || broke) && response_.finished() && !response_.broken();
  const core::Outcome outcome = runs_on ? report_->outcome_if_whole : report_->outcome;
  // A client that left had not all of it, though the application had given it.
  const bool all_given = state_ == State::left && outcome == core::Outcome::ok;
  if (outcome != core::Outcome::none && !all_given && !cut_off())
    record.outcome = core::outcome_name(outcome);
}

}  // namespace holdfast
