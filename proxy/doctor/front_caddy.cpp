// Caddy: php_fastcgi, and reverse_proxy with `transport fastcgi`, in a Caddyfile. After the documentation
// "Caddyfile Concepts"; tried with 2.6.2: read_timeout and write_timeout are set once and count to the end of
// the answer and of the upload, and without one there is no limit. A connection is never used again. JSON is
// not read.
#include <algorithm>
#include <map>
#include <utility>

#include "config/addresses.h"
#include "proxy/doctor/front_lines.h"
#include "proxy/doctor/front_readers.h"

namespace holdfast {

namespace {

using Lines = std::vector<FrontLine>;

// "1m30s"; nothing for what is not understood, as "1.5h". Only 0 needs no unit.
std::optional<config::Duration> caddy_time(std::string_view text) {
  config::Duration sum{};
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    end = std::min(text.find_first_of("0123456789", end), text.size());
    const auto part = front_time(text.substr(0, end), config::Duration(0));
    const bool has_unit = text.substr(0, end).find_first_not_of("0123456789") != std::string_view::npos;
    if (!part || (!has_unit && text != "0")) return std::nullopt;
    sum += *part;
    text.remove_prefix(end);
  }
  return sum;
}

class CaddyReader {
 public:
  CaddyReader(std::string first_file, const FrontFiles& files, FrontConfig& out)
      : first_file_(std::move(first_file)), files_(files), out_(out) {}

  Lines read(std::string_view text, const std::string& name) {
    WordRules rules;
    rules.quotes = "\"`";
    rules.comment_anywhere = rules.lines_go_on = true;
    const Lines lines = split_lines(text, name, rules);
    Lines out;
    std::size_t at = 0;
    read_block(lines, at, out, 0);
    return out;
  }

  // Puts snippets and files in the place of `import`; what they are is known by then.
  void expand(Lines& lines, int depth) {
    Lines out;
    for (FrontLine& line : lines) {
      if (line.word(0) == "import") {
        import(line, out, depth);
      } else if (line.words[0].size() > 2 && line.words[0].front() == '(' && line.has_block) {
        snippets_[line.words[0].substr(1, line.words[0].size() - 2)] = line.block;
      } else {
        expand(line.block, depth);
        out.push_back(std::move(line));
      }
    }
    lines = std::move(out);
  }

  // `body_max`: of the block around.
  void walk(const Lines& lines, FrontSize body_max) {
    for (const FrontLine& line : lines) {
      if (line.word(0) != "request_body") continue;
      for (const FrontLine& each : line.block) {
        if (each.word(0) == "max_size")
          body_max = {"request_body max_size", caddy_size(each.word(1)), each.place};
      }
    }
    for (const FrontLine& line : lines) {
      if (line.word(0) == "php_fastcgi") take(line, line.block, body_max);
      if (line.word(0) == "reverse_proxy") {
        for (const FrontLine& each : line.block) {
          if (each.word(0) == "transport" && each.word(1) == "fastcgi") take(line, each.block, body_max);
        }
      }
      walk(line.block, body_max);
    }
  }

 private:
  // Up to the '}' of a block, or the end of the file.
  void read_block(const Lines& lines, std::size_t& at, Lines& out, int depth) {
    if (depth > kFrontDepthMax) return problem(lines[at].place, "blocks lie too deep");
    const FrontPlace begin = at > 0 ? lines[at - 1].place : FrontPlace{};
    while (at < lines.size() && out_.problems.empty()) {
      FrontLine line = lines[at++];
      if (line.words[0] == "}") {
        if (depth == 0) return problem(line.place, "'}' ends nothing");
        return;
      }
      if (line.words.back() == "{") {
        line.words.pop_back();
        if (line.words.empty()) line.words.emplace_back();  // the global options
        line.has_block = true;
        read_block(lines, at, line.block, depth + 1);
      }
      out.push_back(std::move(line));
    }
    if (depth > 0) problem(begin, "'{' has no end");
  }

  void import(const FrontLine& line, Lines& out, int depth) {
    if (depth > kFrontDepthMax || ++count_ > kFrontFilesMax) return note(line, "imports lie too deep");
    Lines lines;
    if (const auto snippet = snippets_.find(line.word(1)); snippet != snippets_.end()) {
      lines = snippet->second;
    } else {
      const std::vector<FrontFile> found = files_(beside(line.place.file, line.word(1)));
      if (found.empty() && line.word(1).find('*') == std::string::npos)
        return note(line, "there is nothing of that name");
      for (const FrontFile& each : found) {
        Lines more = read(each.text, each.name);
        std::move(more.begin(), more.end(), std::back_inserter(lines));
      }
    }
    put_in_arguments(lines, line);
    expand(lines, depth + 1);
    std::move(lines.begin(), lines.end(), std::back_inserter(out));
  }

  // What a file imports is relative to that file; all else is relative to the first.
  std::string beside(const std::string& file, const std::string& pattern) const {
    const std::size_t slash = file.rfind('/');
    if (pattern.starts_with('/') || file == first_file_ || slash == std::string::npos) return pattern;
    return file.substr(0, slash + 1) + pattern;
  }

  // {args.0} of Caddy 2.6, {args[0]} since 2.7.
  static void put_in_arguments(Lines& lines, const FrontLine& import) {
    for (FrontLine& line : lines) {
      for (std::string& word : line.words) {
        for (std::size_t i = 2; i < import.words.size(); ++i) {
          for (const std::string& name :
               {"{args." + std::to_string(i - 2) + "}", "{args[" + std::to_string(i - 2) + "]}"}) {
            if (const std::size_t at = word.find(name); at != std::string::npos)
              word.replace(at, name.size(), import.words[i]);
          }
        }
      }
      put_in_arguments(line.block, import);
    }
  }

  // `transport`: the block with the time limits.
  void take(const FrontLine& line, const Lines& transport, const FrontSize& body_max) {
    FrontPass pass;
    pass.place = pass.address_place = line.place;
    pass.body_max = body_max;
    pass.address_line = line.word(0);
    pass.read_timeout = {"read_timeout", "read_timeout <>s", std::nullopt, true, {}};
    for (std::size_t i = 1; i < line.words.size(); ++i) {
      const std::string& word = line.words[i];
      if (i == 1 && (word == "*" || word[0] == '@' || word[0] == '/')) {
        pass.address_line += " " + word;
      } else {
        add_address(word, line, pass);
      }
    }
    pass.address_line += " <>";
    for (const FrontLine& each : line.block) {
      if (each.word(0) == "dynamic") note(each, "where that leads is not known");
      if (each.word(0) != "to") continue;
      pass.address_place = each.place;
      pass.address_line = "to <>";
      for (std::size_t i = 1; i < each.words.size(); ++i) add_address(each.words[i], each, pass);
    }
    for (const FrontLine& each : transport) {
      if (each.word(0) == "read_timeout") pass.read_timeout = time_of(each);
      if (each.word(0) == "write_timeout") pass.upload = time_of(each);
    }
    pass.reads_whole = pass.read_timeout.value.has_value();
    out_.passes.push_back(std::move(pass));
  }

  static FrontTime time_of(const FrontLine& line) {
    FrontTime out{line.word(0), line.word(0) + " <>s", caddy_time(line.word(1)), true, line.place};
    out.understood = out.value.has_value();
    if (out.value == config::Duration(0)) out.value.reset();
    return out;
  }

  void add_address(const std::string& word, const FrontLine& line, FrontPass& pass) {
    std::string text = "tcp:" + (word[0] == ':' ? "localhost" + word : word);
    if (word.starts_with("unix/")) text = "unix:" + word.substr(5);
    if (word.starts_with("tcp/")) text = "tcp:" + word.substr(4);
    auto address = config::read_pool_address(text);
    if (!address.value || word.find('{') != std::string::npos)
      return note(line, "where that leads is not known");
    pass.addresses.push_back(*std::move(address.value));
  }

  // "10MB" is 10,000,000, "10MiB" 10,485,760 (go-humanize).
  static std::optional<std::uint64_t> caddy_size(const std::string& text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = front_number(std::string_view(text).substr(0, digits));
    if (!number || *number > 1'000'000) return std::nullopt;
    const std::string unit = lower_case(text.substr(digits));
    if (unit.empty() || unit == "b") return *number;
    const std::uint64_t step = unit.size() == 3 && unit.substr(1) == "ib" ? 1024 : 1000;
    if (unit.size() > 3 || (unit.size() == 3 && step != 1024)) return std::nullopt;
    if (unit.size() == 2 && unit[1] != 'b') return std::nullopt;
    switch (unit[0]) {
      case 'k': return *number * step;
      case 'm': return *number * step * step;
      case 'g': return *number * step * step * step;
      default: return std::nullopt;
    }
  }

  void note(const FrontLine& line, const std::string& why) {
    out_.unclear.push_back({line.place.file, line.place.line, line.text() + ": " + why});
  }
  void problem(const FrontPlace& place, const std::string& text) {
    if (out_.problems.empty()) out_.problems.push_back({place.file, place.line, text});
  }

  std::string first_file_;
  const FrontFiles& files_;
  FrontConfig& out_;
  std::map<std::string, Lines> snippets_;
  std::size_t count_ = 0;
};

}  // namespace

FrontConfig read_caddy_front(std::string_view text, const std::string& file, const FrontFiles& files) {
  FrontConfig out;
  out.kind = FrontKind::caddy;
  CaddyReader reader(file, files, out);
  Lines lines = reader.read(text, file);
  if (out.problems.empty()) reader.expand(lines, 0);
  if (out.problems.empty()) reader.walk(lines, {});
  return out;
}

}  // namespace holdfast
