// Stopping on Ctrl-C or `kill` without losing what was done.
#pragma once

#include <atomic>

namespace zoo::apps {

/// From now on the first SIGINT, SIGTERM or SIGHUP (a terminal that is closed, a lost connection) only sets the stop
/// flag; a second one ends the process at once. SIGHUP stays ignored where it was, as with `nohup`.
void catch_stop_signals();

/// Set by the first signal, once stop_signal() is.
const std::atomic<bool>& stop_requested();

/// The signal that came, or 0.
int stop_signal();

/// From now on SIGUSR1 stops, too, as schedulers send it some time before they take the machine away (`sbatch
/// --signal=USR1@60`). To be called after catch_stop_signals().
void catch_preemption_signal();

/// From now on SIGHUP asks for a reload instead (take_reload_request), as services have it. Where it comes because the
/// terminal was closed, it still stops. To be called after catch_stop_signals().
void catch_reload_signal();

/// Whether a reload was asked for since the last call.
bool take_reload_request();

/// Writing to a closed pipe or beyond a file size limit becomes an error code instead of the end of the process.
void ignore_write_signals();

}  // namespace zoo::apps
