// What many streams are doing, for a terminal.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "streams/account.h"

namespace zoo::apps {

/// A line per stream, cut to `width` columns, no line feed at the end:
///   door  running   25.0/s in, 12.5/s answered  34 ms old  120 dropped  cat 0.93
///   yard  waiting   connection refused (3 reconnects)
/// and one for each output that sends to somebody who is not there, or who has missed something:
///   mqtt://host:1883  away  1000 waiting  340 dropped
/// `rows`: the most lines, at least 1; where they are too few, the last says how many streams are left out.
std::string stream_table(std::span<const streams::StreamSnapshot> streams, std::span<const streams::SinkSnapshot> sinks,
                         size_t width, size_t rows);

/// What is said of a stream, or of all in sum, at the end: `door: 1500 frames captured: 1498 answered, 2 dropped
/// (2 replaced)`.
std::string counts_text(const std::string& name, const streams::StreamCounts& counts);

}  // namespace zoo::apps
