// A request as bytes: where each wish is asked, and with which fields.
#pragma once

#include <string>

#include "answer_judge.h"
#include "ledger.h"

namespace holdfast::sim {

// The request line and the fields that are the wish's; those of the body, and the empty line, are the
// client's. A wish that needs to know something (a tag, a pool's name) is changed to what can be asked now.
std::string request_beginning(Request& request, std::size_t tag, const AnswerJudge& judge);

}  // namespace holdfast::sim
