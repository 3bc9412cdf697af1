// `holdfast doctor`: compares the pools with php-fpm's and the kernel's settings.
#pragma once

namespace holdfast {

class CommandLine;

// Exit status: 0 fine, 1 warnings, 2 errors, 78 when the configuration does not load.
void add_doctor_command(CommandLine& line);

}  // namespace holdfast
