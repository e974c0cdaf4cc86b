#include "apps/live_session.h"

#include <algorithm>
#include <csignal>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/output.h"
#include "apps/signals.h"
#include "apps/stream_table.h"
#include "apps/streams_file_watch.h"
#include "nn/core/shown_text.h"
#include "pipeline/result_filter.h"
#include "streams/streams_json.h"

namespace zoo::apps {
namespace {

constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::milliseconds kTableEvery{250};
constexpr std::chrono::milliseconds kFileEvery{250};

/// True at the first call and then once in a while.
class Every {
 public:
  explicit Every(std::chrono::milliseconds period) : period_(period) {}
  bool due() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return false;
    next_ = now + period_;
    return true;
  }

 private:
  const std::chrono::milliseconds period_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace

LiveSession::LiveSession(std::shared_ptr<streams::ModelSlot> model, LiveSessionOptions options)
    : options_(std::move(options)) {
  std::vector<std::unique_ptr<pipeline::ResultSink>> sinks;
  if (options_.json) {
    auto json = std::make_unique<LiveJson>(*options_.json);
    json_ = json.get();
    sinks.push_back(std::move(json));
  }
  if (!options_.save_folder.empty()) {
    sinks::VideoOptions video = options_.video;
    video.stop = &stop_requested();
    auto videos = std::make_unique<sinks::StreamVideosSink>(options_.save_folder, options_.files, std::move(video));
    videos_ = videos.get();
    sinks.push_back(std::move(videos));
  }
  streams::LiveOptions live;
  live.workers = options_.workers;
  live.on_message = [](const std::string& message) { report(message); };
  live.make_filter = [](size_t) { return pipeline::make_result_filter(); };
  streams_ = std::make_unique<streams::LiveStreams>(std::move(model), std::move(sinks), live);
}

LiveSession::~LiveSession() = default;

int LiveSession::run(const std::vector<streams::StreamOptions>& streams) {
  catch_stop_signals();
  if (options_.reload_model) catch_reload_signal();
  for (const streams::StreamOptions& stream : streams) streams_->add(stream);
  if (!options_.streams_file.empty()) {
    file_ = std::make_unique<StreamsFile>(options_.streams_file, options_.defaults, streams);
  }
  Every table(kTableEvery);
  Every file(kFileEvery);
  Every counts(options_.counts_every);
  counts.due();  // nothing is to be told yet
  while (goes_on()) {
    if (take_reload_request()) options_.reload_model();
    if (file_ && file.due()) file_->update(*streams_);
    if (table.due()) show_table();
    if (counts.due()) write_counts();
    std::this_thread::sleep_for(kLook);
  }
  return finish();
}

bool LiveSession::goes_on() const {
  if (stop_requested() || (json_ != nullptr && json_->closed())) return false;
  return file_ != nullptr || !streams_->done();
}

void LiveSession::show_table() const {
  winsize size = {};
  if (isatty(STDERR_FILENO) == 0 || ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) return;
  if (size.ws_col < 2 || size.ws_row < 2) return;
  // The last column stays free: some terminals begin a new line there.
  show_status(stream_table(streams_->snapshot(), size.ws_col - 1U, size.ws_row - 1U));
}

void LiveSession::write_counts() {
  if (json_ != nullptr) json_->write_line(streams::streams_json(streams_->snapshot(), streams_->total()));
}

int LiveSession::finish() {
  const bool stopped = stop_signal() != 0;
  streams_->stop();
  show_status({});
  write_counts();
  if (json_ != nullptr) json_->close();
  const std::vector<streams::StreamSnapshot> streams = streams_->snapshot();
  for (const streams::StreamSnapshot& stream : streams) report(counts_text(stream.name, stream.counts));
  if (streams.size() > 1) report(counts_text("all", streams_->total()));
  if (videos_ != nullptr) {
    for (const std::string& file : videos_->saved()) report(fmt::format("saved {}", printable(file)));
  }
  if (json_ != nullptr && json_->closed()) return kExitSignalBase + SIGPIPE;
  if (stopped) return kExitSignalBase + stop_signal();
  const bool all_well = std::ranges::all_of(streams, [](const streams::StreamSnapshot& stream) {
    return stream.state != streams::StreamState::kFailed && stream.counts.failed == 0;
  });
  return all_well ? kExitDone : kExitSomeUnread;
}

}  // namespace zoo::apps
