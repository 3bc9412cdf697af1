// Turns yaml-cpp's events into our Node tree. Events, not YAML::Node: of two equal keys YAML::Node keeps one
// and says nothing, converts `012` to 10 and "yes" to true. Here every key, style and mark is seen as it was
// written.
#include "config/load_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace holdfast::config {
namespace {

constexpr std::string_view kOpenQuoteAtEnd = "illegal document indicator in scalar";

// yaml-cpp counts from 0, and uses -1 for "no place".
Mark to_mark(const YAML::Mark& mark) {
  if (mark.line < 0) {
    return {};
  }
  return {mark.line + 1, mark.column + 1};
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  // `file`: what all marks of nodes carry.
  TreeBuilder(std::vector<YamlProblem>& problems, int file) : problems_(problems), file_(file) {}

  NodePtr root() const { return root_; }
  Mark last_mark() const { return last_mark_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish(make_node(Node::Kind::null, mark), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      // yaml-cpp refuses unknown names itself; what is left is an anchor still open: *a inside &a.
      problems_.push_back({to_mark(mark), "this alias refers to the node that contains it", {}});
      finish(make_node(Node::Kind::null, mark), YAML::NullAnchor);
      return;
    }
    finish(known->second, YAML::NullAnchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    auto node = make_node(Node::Kind::scalar, mark);
    node->text = value;
    node->quoted = tag == "!";
    finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool has_key = false;  // maps: `key` waits for its value
    std::string key;
    Mark key_mark;
    bool drop_value = false;  // its key was no word
  };

  std::shared_ptr<Node> make_node(Node::Kind kind, const YAML::Mark& mark) const {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->mark = to_mark(mark);
    node->mark.file = file_;
    return node;
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    stack_.push_back({make_node(kind, mark), anchor, false, {}, {}, false});
  }

  void close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    finish(std::move(frame.node), frame.anchor);
  }

  // A node is complete: it becomes the root, an item, a key, or the value of the key before it.
  void finish(NodePtr node, YAML::anchor_t anchor) {
    if (node->mark.line > last_mark_.line) {
      last_mark_ = node->mark;
    }
    if (anchor != YAML::NullAnchor) {
      anchors_[anchor] = node;
    }
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node->kind == Node::Kind::list) {
      frame.node->items.push_back(std::move(node));
    } else if (frame.drop_value) {
      frame.drop_value = false;
      frame.has_key = false;
    } else if (frame.has_key) {
      frame.has_key = false;
      frame.node->entries.push_back({std::move(frame.key), frame.key_mark, std::move(node)});
    } else {
      if (node->kind != Node::Kind::scalar) {
        problems_.push_back({node->mark, "a key must be a word", {}});
        frame.drop_value = true;
      }
      frame.has_key = true;
      frame.key = node->text;
      frame.key_mark = node->mark;
    }
  }

  // "?" is an untagged plain node, "!" a quoted one.
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      problems_.push_back({to_mark(mark), "YAML tags (!name) have no meaning here", "leave the tag out"});
    }
  }

  std::vector<YamlProblem>& problems_;
  int file_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, NodePtr> anchors_;
  NodePtr root_;
  Mark last_mark_{1, 1};
};

std::string_view line_of(std::string_view text, int line) {
  for (; line > 1; --line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) {
      return {};
    }
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// yaml-cpp's words are about its grammar. These are the mistakes that people in fact make.
std::string syntax_hint(std::string_view line, const std::string& message) {
  const auto first = line.find_first_not_of(' ');
  if (first != std::string_view::npos && line[first] == '\t') {
    return "indent with spaces, YAML allows no tabs";
  }
  const bool has_star =
      line.find(" *") != std::string_view::npos || line.find("[*") != std::string_view::npos;
  const auto says = [&](const char* word) { return message.find(word) != std::string::npos; };
  if (has_star && (says("alias") || says("anchor"))) {
    return "put quotes around a name that begins with a star: \"*.example.com\"";
  }
  if (line.find("${") != std::string_view::npos && line.find_first_of("[{") < line.rfind("${") + 1) {
    return "inside { } and [ ] put quotes around it: \"${NAME}\"";
  }
  if (says("unknown token")) {
    return "put quotes around a text that begins with @, ` or %";
  }
  const auto colon = line.find(": ");
  if (colon != std::string_view::npos && line.find(": ", colon + 2) != std::string_view::npos) {
    return "put quotes around a value that holds ': '";
  }
  if (says("end of map") || says("end of sequence")) {
    return "look for a missing bracket, or for lines that belong together and are indented differently";
  }
  return {};
}

// `last` is the place of the last node that was read whole.
YamlProblem syntax_problem(std::string_view text, const YAML::Exception& error, Mark last) {
  const Mark mark = to_mark(error.mark);
  if (error.msg == kOpenQuoteAtEnd || error.msg == "illegal EOF in scalar") {
    return {last, "not valid YAML: a quote is opened after this and never closed", {}};
  }
  if (error.msg == "bad file") {  // what yaml-cpp's depth guard says
    return {mark, "nested too deeply", {}};
  }
  return {mark, "not valid YAML: " + error.msg, syntax_hint(line_of(text, mark.line), error.msg)};
}

// yaml-cpp 0.7 takes an unclosed quote in the last line for a whole scalar. An end of document put behind it
// makes it notice. (Not done in the first place, because it blurs the messages about unclosed brackets.)
std::optional<YamlProblem> find_open_quote(std::string_view text) {
  std::vector<YamlProblem> ignored;
  TreeBuilder builder(ignored, 0);
  try {
    std::istringstream stream{std::string(text) + "\n...\n"};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
  } catch (const YAML::Exception& error) {
    if (error.msg == kOpenQuoteAtEnd) {
      return syntax_problem(text, error, builder.last_mark());
    }
  }
  return std::nullopt;
}

}  // namespace

namespace {
YamlResult read_document(std::string_view text, int file) {
  YamlResult result;
  TreeBuilder builder(result.problems, file);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      result.root = std::make_shared<Node>();
      return result;
    }
    result.root = builder.root();
    TreeBuilder second(result.problems, file);
    if (parser.HandleNextDocument(second)) {
      const Mark mark = second.root() ? second.root()->mark : Mark{};
      result.problems.push_back({mark, "a second YAML document begins here; one file holds one configuration",
                                 "remove the line ---"});
    }
    if (auto problem = find_open_quote(text)) {
      result = {nullptr, {std::move(*problem)}};
    }
  } catch (const YAML::Exception& error) {
    result = {nullptr, {syntax_problem(text, error, builder.last_mark())}};  // the rest would be guesses
  } catch (const std::exception& error) {
    result = {nullptr, {{Mark{}, std::string("cannot be read as YAML: ") + error.what(), {}}}};
  }
  return result;
}

}  // namespace

YamlResult read_yaml(std::string_view text, int file) {
  YamlResult result = read_document(text, file);
  for (YamlProblem& problem : result.problems) problem.mark.file = file;
  return result;
}

}  // namespace holdfast::config
