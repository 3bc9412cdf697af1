// Signals from the program's begin until the event loop listens to them, and after it has ended. They wait in
// the kernel meanwhile: none is lost, and none kills. Of one thread, before others are there.
//
//   hold ---> release                                  a command that asks something: signals as usual
//        \--> stops_end_the_process -> hold -> listen -> hold         one that serves
#pragma once

namespace holdfast::posix {

// SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1 and SIGUSR2 wait from here on.
void hold_signals();

// Those that wait are delivered, as others from here on: to whom listens by now, else with what they do by
// default.
void release_signals();

// SIGTERM, SIGINT and SIGQUIT end the process in order at once (exit status 0), while there is nothing yet to
// end or to clean up, and reading may take any time; the others wait. Until hold_signals().
void stops_end_the_process();

// Whether one of SIGTERM, SIGINT and SIGQUIT waits.
bool stop_waits();

// SIGPIPE: a log's reader that has gone is an error like others. SIGXFSZ: so is a file that may not grow
// (`ulimit -f`, LimitFSIZE=), as a full disk is.
void ignore_file_signals();

// In a child that is to run another program, which would inherit all this: as if none of it had been.
void restore_signals_for_child();

}  // namespace holdfast::posix
