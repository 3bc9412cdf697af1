// Draws the second site, the second pool and all that comes with them, and who asks for it. By chance of its
// own: the rest of a scenario is what it would be without.
#pragma once

#include "house.h"
#include "random.h"
#include "scenario.h"

namespace holdfast::sim {

// Whether a run of this theme is furnished, and with what.
bool is_furnished(Theme theme, Random& random);
void furnish(Scenario& scenario, Random& random, Time start);

// What a reload makes of `state`. The second pool's address and its presence stay where its application has
// just as many processes as the theme gave it.
House::State changed_state(const House::State& state, bool pools_may_move, Random& random);

}  // namespace holdfast::sim
