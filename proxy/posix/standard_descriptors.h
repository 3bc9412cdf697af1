// Stdin, stdout and stderr of a process that was started without some of them.
#pragma once

namespace holdfast::posix {

// Opens /dev/null in the place of each of descriptors 0, 1 and 2 that is closed (`holdfast run >&-`). Before
// anything else is opened: what then got such a number would be taken for the standard stream, be written
// over by log lines, and libuv would abort when it closes it. What cannot be opened stays closed.
void open_closed_standard_descriptors();

}  // namespace holdfast::posix
