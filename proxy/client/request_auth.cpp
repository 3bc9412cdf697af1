// The request: a password, where its path wants one.
#include <algorithm>
#include <utility>

#include "config/auth.h"
#include "proxy/client/request.h"
#include "proxy/core/log_text.h"

namespace holdfast {

namespace {
std::vector<std::string> files_of(const core::RoutePlan& route) {
  std::vector<std::string> files;
  for (const config::Auth* auth : route.auth) {
    if (auth != nullptr && std::find(files.begin(), files.end(), auth->users) == files.end())
      files.push_back(auth->users);
  }
  return files;
}
}  // namespace

// With its head: who says no name and password is answered before a body comes. What the routes have refused
// or sent elsewhere needs none.
void Request::look_for_credentials() {
  credentials_.reset();
  password_right_ = password_refused_ = false;
  using Action = core::RoutePlan::Action;
  if (plan_.route().action == Action::deny || plan_.route().action == Action::redirect) return;
  if (files_of(plan_.route()).empty()) return;
  if (const auto said = head_->find("Authorization")) credentials_ = core::basic_credentials(*said);
  if (!credentials_) want_password("no name and password");
}

void Request::want_password(std::string_view why) {
  password_refused_ = true;
  plan_.kind = Plan::Kind::error;
  plan_.target.status = 401;
  plan_.target.why = why;
  std::string realm;
  for (const config::Auth* auth : plan_.route().auth) {
    if (auth != nullptr && realm.empty()) realm = auth->realm;
  }
  plan_.challenge = "Basic realm=\"" + realm + "\", charset=\"UTF-8\"";
}

// True: the body, or the answer, waits for it.
bool Request::check_password() {
  if (!credentials_ || password_right_) return false;
  std::vector<std::string> files = files_of(plan_.route());
  password_key_ = PasswordMemory::key(files, *credentials_);
  if (plan_.dispatcher->passwords().knows(password_key_, context_.now())) {
    password_right_ = true;
    return false;
  }
  password_id_ =
      host_.passwords().ask(core::address_key(origin_.bytes), {std::move(files), *credentials_}, *this);
  if (password_id_ != 0) return true;
  refuse_password(503, "too many passwords are being checked");
  return false;
}

void Request::on_password(const PasswordVerdict& verdict) {
  password_id_ = 0;
  const auto tell = [&](std::string_view what) {
    if (const auto more = context_.unread_head_line.due(context_.now()))
      context_.log.error("auth: " + std::string(what) + core::escape_for_log(verdict.problem) + *more);
  };
  switch (verdict.result) {
    case PasswordResult::right:
      password_right_ = true;
      plan_.dispatcher->passwords().add(password_key_, context_.now());
      break;
    case PasswordResult::useless: tell("nobody can log in by this: "); [[fallthrough]];
    case PasswordResult::wrong:
      credentials_.reset();
      want_password("wrong name or password");
      break;
    case PasswordResult::unreadable:
      tell("a file of users cannot be read: ");
      refuse_password(500, "a file of users cannot be read");
      break;
  }
  go_on_after_password();
}

void Request::go_on_after_password() {
  if (state_ == State::answering) {
    answer_plan();
    return;
  }
  take_body();
  if (state_ == State::reading) owner_->body_released();
}

PasswordReader::Presence Request::presence() const {
  if (owner_->client_gone()) return Presence::gone;
  return owner_->client_shut() ? Presence::shut : Presence::there;
}

// In another request's frame.
void Request::on_pushed_out() {
  password_pushed_out_ = true;
  host_.wants_turn(turn_);
}

void Request::lose_password_place() {
  forget_password();
  if (owner_->client_gone()) {
    on_client_left(core::ClientCloseReason::client_left);
    return;
  }
  refuse_password(503, "too many passwords are being checked");
  go_on_after_password();
}

void Request::refuse_password(int status, std::string_view why) {
  credentials_.reset();
  password_refused_ = true;
  plan_.kind = Plan::Kind::error;
  plan_.target.status = status;
  plan_.target.why = why;
}

bool Request::queues_for_password() const {
  return password_id_ != 0 && host_.passwords().waits(password_id_);
}

void Request::forget_password() {
  if (password_id_ != 0) host_.passwords().leave(password_id_);
  password_id_ = 0;
  password_pushed_out_ = false;
}

}  // namespace holdfast
