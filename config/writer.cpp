// See writer.h.
#include "config/writer.h"

namespace holdfast::config {

void Writer::begin_line(std::string_view name) {
  std::string margin(indent_, ' ');
  if (first_of_item_) {
    margin[indent_ - 2] = '-';
    first_of_item_ = false;
  }
  text_ += margin;
  text_ += name;
  text_ += ':';
}

void Writer::leaf(std::string_view name, const std::string& value) {
  begin_line(name);
  text_ += " " + value + "\n";
  keys_.push_back({path_.empty() ? std::string(name) : path_ + "." + std::string(name), value});
}

void Writer::unset(std::string_view name) {
  keys_.push_back({path_.empty() ? std::string(name) : path_ + "." + std::string(name), {}});
}

void Writer::open(std::string_view name) {
  begin_line(name);
  text_ += '\n';
  path_lengths_.push_back(path_.size());
  path_ += (path_.empty() ? "" : ".") + std::string(name);
  indent_ += 2;
}

// Both kinds of nesting cut the path back to where it was when they began.
void Writer::close() {
  path_.resize(path_lengths_.back());
  path_lengths_.pop_back();
  indent_ -= 2;
}

void Writer::item(const std::string& value) {
  text_ += std::string(indent_, ' ') + "- " + value + "\n";
}

void Writer::open_item() {
  path_lengths_.push_back(path_.size());
  path_ += "[]";
  indent_ += 2;
  first_of_item_ = true;
}

void Writer::close_item() {
  close();
  // An item without keys would hand its dash to the line after it.
  first_of_item_ = false;
}

}  // namespace holdfast::config
