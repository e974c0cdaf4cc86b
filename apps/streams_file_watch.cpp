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
  if (!std::exchange(changed_, false)) return;
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
  int64_t begun = 0;
  for (const auto& [name, stream] : running_) {
    if (!is_same(wanted, stream) && streams.remove(name)) ++ended;
  }
  for (auto& [name, stream] : wanted) {
    if (is_same(running_, stream)) continue;
    try {
      streams.add(stream);
      ++begun;
    } catch (const Error& error) {
      report(error.what());  // the name belongs to a stream that is not of the file
    }
  }
  running_ = std::move(wanted);
  report(fmt::format("{}: {} ended, {} begun", printable(file_.string()), counted(ended, "stream"), begun));
}

}  // namespace zoo::apps
