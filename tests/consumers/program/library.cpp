#include "look.hpp"

Seen seen_by_library() { return look(); }

void throw_in_library() { tinygan::fail("library", "thrown ", 1, " level down"); }
