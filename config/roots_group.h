// Root's group is as good as root for most of what it may read: nobody keeps it who gives root up.
#pragma once

#include <string_view>

namespace holdfast::config {

// Of the keys `user` and `group`: true where the group is root's, by name or number, and the user is not root. A
// start as root is refused then. Who is not root keeps the group that it has (OpenShift: any user, in group 0),
// and both keys are of no effect.
bool names_roots_group(std::string_view user, std::string_view group);

}  // namespace holdfast::config
