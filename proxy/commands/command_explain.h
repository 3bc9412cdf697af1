// `holdfast explain URL`: what would be done with a request, and why, without sending anything.
#pragma once

namespace holdfast {

class CommandLine;

void add_explain_command(CommandLine& line);

}  // namespace holdfast
