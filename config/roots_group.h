// Root's group is as good as root for most of what it may read: nobody keeps it who gives root up.
#pragma once

#include "config/snapshot.h"

namespace holdfast::config {

// True where `group` is root's, by name or number, and `user` is not root: a start as root is refused then. Who is
// not root keeps the group that it has (OpenShift: any user, in group 0), and both keys are of no effect.
bool names_roots_group(const Config& config);

}  // namespace holdfast::config
