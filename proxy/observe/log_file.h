// Opening a log by its path, which root does with care: php's own user may well be able to write to the
// folder of the logs, and would choose the file that root appends to.
#pragma once

#include <string>

namespace holdfast {

struct LogFile {
  int fd = -1;        // the caller's to close; -1: not opened
  bool made = false;  // it was not there before
  int error_code = 0;
};

// For appending, made where it is missing; a FIFO must have a reader. Else the reason and the remedy are in
// `error`. As root: the last part of the path is no link, links before it are root's, and in a
// folder where others may write the file has no other name.
LogFile open_log_file(const std::string& path, std::string& error);

// Does the path mean this open file?
bool is_same_file(int fd, const std::string& path);
bool is_same_file(int a, int b);  // two descriptors; false for -1

// Is it a regular file whose last line has no end? `fd` need not be open for reading.
bool ends_within_line(int fd);

}  // namespace holdfast
