#include "apps/streams_file_watch.h"

#include <algorithm>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "apps/output.h"
#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "streams/streams_file.h"

namespace zoo::apps {
namespace {

auto values_of(const streams::StreamOptions& stream) {
  return std::tie(stream.name, stream.spec.kind, stream.spec.text, stream.policy, stream.open_timeout,
                  stream.stall_timeout, stream.reconnects, stream.max_frames);
}

std::map<std::string, streams::StreamOptions> by_name(const std::vector<streams::StreamOptions>& streams) {
  std::map<std::string, streams::StreamOptions> all;
  for (const streams::StreamOptions& stream : streams) all.emplace(stream.name, stream);
  return all;
}

}  // namespace

StreamsFile::StreamsFile(std::filesystem::path file, streams::StreamDefaults defaults,
                         const std::vector<streams::StreamOptions>& running, size_t max_streams)
    : file_(std::move(file)), defaults_(std::move(defaults)), max_streams_(max_streams), running_(by_name(running)) {
  watch_.set_files({file_});
}

void StreamsFile::update(streams::LiveStreams& streams) {
  if (watch_.changed()) {
    changed_ = true;
    return;
  }
  if (!std::exchange(changed_, false)) {
    if (waiting_.empty()) return;
    const int64_t begun = begin(streams, std::exchange(waiting_, {}), true);
    if (begun > 0) report(fmt::format("{}: there is room, {} begun", printable(file_.string()), begun));
    return;
  }
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file_, ignored)) {  // for a while: no editor that puts another in its place
    report(fmt::format("{}: cannot be read any more; the streams go on as they are", printable(file_.string())));
    return;
  }
  std::map<std::string, streams::StreamOptions> wanted;
  try {
    wanted = by_name(streams::load_streams_file(file_, defaults_));
  } catch (const ConfigError& error) {
    for (const std::string& problem : error.problems()) report(problem);
    report(fmt::format("{}: nothing was changed", printable(file_.string())));
    return;
  }
  if (wanted.size() > max_streams_) {
    report(
        fmt::format("{}: {}, and at most {} are allowed; leave some out, or begin with --max-streams {}; nothing was "
                    "changed",
                    printable(file_.string()), counted(std::ssize(wanted), "stream"), max_streams_, wanted.size()));
    return;
  }
  const auto is_same = [](const auto& streams_by_name, const streams::StreamOptions& stream) {
    const auto found = streams_by_name.find(stream.name);
    return found != streams_by_name.end() && values_of(found->second) == values_of(stream);
  };
  int64_t ended = 0;
  for (const auto& [name, stream] : running_) {
    if (!is_same(wanted, stream) && streams.remove(name)) ++ended;
  }
  std::erase_if(running_, [&](const auto& entry) { return !is_same(wanted, entry.second); });
  std::erase_if(wanted, [&](const auto& entry) { return is_same(running_, entry.second); });
  waiting_.clear();
  const int64_t begun = begin(streams, std::move(wanted), false);
  report(fmt::format("{}: {} ended, {} begun", printable(file_.string()), counted(ended, "stream"), begun));
}

int64_t StreamsFile::begin(streams::LiveStreams& live, std::map<std::string, streams::StreamOptions> streams,
                           bool again) {
  int64_t begun = 0;
  for (auto& [name, stream] : streams) {
    try {
      live.add(stream);
      running_.insert_or_assign(name, std::move(stream));
      ++begun;
    } catch (const streams::TooManyStreams& error) {
      if (!again) report(fmt::format("{}; it begins when another goes", error.what()));
      waiting_.insert_or_assign(name, std::move(stream));
    } catch (const Error& error) {
      report(error.what());  // the name belongs to a stream that is not of the file
    }
  }
  return begun;
}

}  // namespace zoo::apps
