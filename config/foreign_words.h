// Words of nginx, Apache, Caddy, HAProxy and php-fpm that people write here by habit, and what does the same
// in this file. Text only: keys in it are in single quotes and must exist (a test reads them).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::config {

// "here it is 'sites[].hosts'", or empty where the word is not known. Case is ignored.
std::string foreign_hint(std::string_view word);

// Whose language a file that is no YAML block is written in: "nginx", "Apache", "php-fpm"; or empty.
std::string foreign_language(std::string_view text);

std::vector<std::string> foreign_hints();  // all, for the test

}  // namespace holdfast::config
