// How findings are shown: for people at 80 columns, and as JSON. Prints nothing itself.
#pragma once

#include <string>
#include <vector>

#include "proxy/doctor/doctor.h"

namespace holdfast {

std::string doctor_text(const DoctorFacts& facts, const std::vector<Finding>& findings, bool color);
std::string doctor_json(const DoctorFacts& facts, const std::vector<Finding>& findings);

}  // namespace holdfast
