// Text and JSON of doctor's findings; see doctor_report.h.
#include "proxy/doctor/doctor_report.h"

#include <algorithm>
#include <sstream>

#include "proxy/json/json.h"

namespace holdfast {

namespace {

constexpr std::size_t kWidth = 80;
constexpr std::string_view kReset = "\x1b[0m";

// Words from outside (paths, names, stderr of php) must not command the terminal.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; },
      '?');
  return text;
}

// Words put into lines: the first begins with `first`, the others with as many blanks.
std::string wrapped(const std::string& first, const std::string& text) {
  const std::string indent(first.size(), ' ');
  std::istringstream words(printable(text));
  std::string out;
  std::string line = first;
  std::string word;
  bool line_is_empty = true;
  while (words >> word) {
    if (!line_is_empty && line.size() + 1 + word.size() > kWidth) {
      out += line + "\n";
      line = indent;
      line_is_empty = true;
    }
    line += (line_is_empty ? "" : " ") + word;
    line_is_empty = false;
  }
  return out + line + "\n";
}

std::string_view severity_color(FindingSeverity severity) {
  switch (severity) {
    case FindingSeverity::ok: return "\x1b[32m";
    case FindingSeverity::info: return "\x1b[36m";
    case FindingSeverity::warning: return "\x1b[33m";
    case FindingSeverity::error: return "\x1b[31;1m";
  }
  return kReset;
}

std::string place(const Change& change) {
  return change.line > 0 ? change.file + ":" + std::to_string(change.line) : change.file;
}

// A line to copy: never wrapped.
std::string change_text(const Change& change, bool first) {
  return std::string(first ? "  change " : "  or     ") + printable(place(change)) + "\n           " +
         printable(change.text) + "\n";
}

std::string finding_text(const Finding& finding, bool color) {
  constexpr std::size_t kLabel = 9;
  std::string label(severity_name(finding.severity));
  label.resize(kLabel, ' ');
  std::string out = wrapped(label, finding.subject + ": " + finding.what);
  if (color) {
    out.insert(kLabel, kReset);
    out.insert(0, severity_color(finding.severity));
  }
  if (finding.severity == FindingSeverity::ok) return out;
  if (!finding.why.empty()) out += wrapped("  why    ", finding.why);
  for (std::size_t i = 0; i < finding.changes.size(); ++i) out += change_text(finding.changes[i], i == 0);
  return out + "\n";
}

std::size_t count_of(const std::vector<Finding>& findings, FindingSeverity severity) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [severity](const Finding& each) { return each.severity == severity; }));
}

std::string plural(std::size_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string matched(const PoolFacts& pool) {
  if (!pool.fpm) return "php-fpm's configuration not found";
  return "[" + pool.fpm->name + "] of " + pool.fpm->file;
}

}  // namespace

std::string doctor_text(const DoctorFacts& facts, const std::vector<Finding>& findings, bool color) {
  std::string out = wrapped("", facts.config_file + ", for user " + facts.account.user);
  for (const PoolFacts& pool : facts.pools) {
    const bool fpm = pool.pool.application == config::Application::php_fpm;
    out += wrapped(
        "  ", "pool " + pool.pool.name + ": " + pool.pool.address.text() + (fpm ? ", " + matched(pool) : ""));
  }
  out += "\n";
  for (const Finding& finding : findings) out += finding_text(finding, color);
  out += "\n" + plural(count_of(findings, FindingSeverity::error), "error") + ", " +
         plural(count_of(findings, FindingSeverity::warning), "warning") + ", " +
         std::to_string(count_of(findings, FindingSeverity::ok)) + " fine\n";
  return out;
}

std::string doctor_json(const DoctorFacts& facts, const std::vector<Finding>& findings) {
  Json json;
  json["config"] = facts.config_file;
  json["user"] = facts.account.user;
  json["pools"] = Json::array();
  for (const PoolFacts& pool : facts.pools) {
    Json each = {{"name", pool.pool.name}, {"address", pool.pool.address.text()}, {"fpm_pool", nullptr}};
    if (pool.fpm) each["fpm_pool"] = {{"name", pool.fpm->name}, {"file", pool.fpm->file}};
    json["pools"].push_back(each);
  }
  json["findings"] = Json::array();
  for (const Finding& finding : findings) {
    Json changes = Json::array();
    for (const Change& change : finding.changes) {
      Json each = {{"file", change.file}, {"line", nullptr}, {"text", change.text}};
      if (change.line > 0) each["line"] = change.line;
      changes.push_back(each);
    }
    json["findings"].push_back({{"id", finding.id},
                                {"severity", std::string(severity_name(finding.severity))},
                                {"subject", finding.subject},
                                {"what", finding.what},
                                {"why", finding.why},
                                {"changes", changes}});
  }
  json["errors"] = count_of(findings, FindingSeverity::error);
  json["warnings"] = count_of(findings, FindingSeverity::warning);
  json["exit_status"] = exit_status_of(findings);
  return json.dump(2) + "\n";
}

}  // namespace holdfast
