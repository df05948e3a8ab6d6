#include "look.hpp"

Seen seen_by_second_unit() { return look(); }
