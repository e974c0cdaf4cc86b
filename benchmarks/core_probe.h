// Whether a core is at its full speed right now. Another program on the same core (the other hardware thread, which may
// belong to another virtual machine) takes turns at the units that compute, and no operating system shows it.
#pragma once

#include <map>
#include <string>

namespace zoo::benchmarks {

/// What a fixed number of operations of each unit takes right now, over what a chain of dependent integer
/// multiplications takes, whose speed is that of the clock whoever shares the core: "vectors": multiply-adds; "tiles",
/// where the machine has AMX: products of tiles with their loads. A unit whose figure is the least that it ever was is
/// free. Takes about a millisecond.
std::map<std::string, double> probe_core();

}  // namespace zoo::benchmarks
