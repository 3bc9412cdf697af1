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
  using Action = core::RoutePlan::Action;
  if (plan_.route().action == Action::deny || plan_.route().action == Action::redirect) return;
  if (files_of(plan_.route()).empty()) return;
  if (const auto said = head_->find("Authorization")) credentials_ = core::basic_credentials(*said);
  if (!credentials_) want_password("no name and password");
}

void Request::want_password(std::string_view why) {
  plan_.kind = Plan::Kind::error;
  plan_.target.status = 401;
  plan_.target.why = why;
  std::string realm;
  for (const config::Auth* auth : plan_.route().auth) {
    if (auth != nullptr && realm.empty()) realm = auth->realm;
  }
  plan_.challenge = "Basic realm=\"" + realm + "\", charset=\"UTF-8\"";
}

// True: the answer waits for it.
bool Request::check_password() {
  if (!credentials_) return false;
  std::vector<std::string> files = files_of(plan_.route());
  password_key_ = PasswordMemory::key(files, *credentials_);
  if (plan_.dispatcher->passwords().knows(password_key_, context_.now())) return false;
  net::Background* const background = context_.network.background();
  password_ask_ = std::make_shared<PasswordAsk>(PasswordAsk{this});
  if (background == nullptr ||
      !background->run(std::make_unique<PasswordCheck>(std::move(files), *credentials_, password_ask_))) {
    password_ask_.reset();
    refuse_password(503, "too many passwords are being checked");
    return false;
  }
  return true;
}

void Request::on_password(PasswordResult result) {
  password_ask_.reset();
  switch (result) {
    case PasswordResult::right: plan_.dispatcher->passwords().add(password_key_, context_.now()); break;
    case PasswordResult::wrong:
      credentials_.reset();
      want_password("wrong name or password");
      break;
    case PasswordResult::unreadable:
      if (const auto more = context_.unread_head_line.due(context_.now()))
        context_.log.error("auth: a file of users cannot be read: " + files_of(plan_.route()).front() +
                           *more);
      refuse_password(500, "a file of users cannot be read");
      break;
  }
  answer_plan();
}

void Request::refuse_password(int status, std::string_view why) {
  credentials_.reset();
  plan_.kind = Plan::Kind::error;
  plan_.target.status = status;
  plan_.target.why = why;
}

void Request::forget_password() {
  if (password_ask_) password_ask_->reader = nullptr;
  password_ask_.reset();
}

}  // namespace holdfast
