#include "apps/live_session.h"

#include <algorithm>
#include <csignal>
#include <cstddef>
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
#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "pipeline/result_filter.h"
#include "streams/streams_json.h"

namespace zoo::apps {
namespace {

constexpr std::chrono::milliseconds kLook{40};
constexpr std::chrono::milliseconds kTableEvery{250};
constexpr std::chrono::milliseconds kFileEvery{250};
constexpr std::chrono::milliseconds kStatesEvery{250};
/// What waits for brokers that are away when everything is answered.
constexpr std::chrono::seconds kBrokerPatience{5};

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

/// The policy of sources of which every frame is wanted.
constexpr streams::FramePolicy kWaits{.kind = streams::FramePolicy::Kind::kBlock};

}  // namespace

LiveSession::LiveSession(std::shared_ptr<streams::ModelSlot> model, LiveSessionOptions options)
    : model_(std::move(model)),
      options_(std::move(options)),
      frames_(std::make_shared<serve::NewestFrames>()),
      publish_(options_.publish, model_->current()->name) {
  std::vector<std::unique_ptr<pipeline::ResultSink>> sinks;
  add_sinks(sinks);
  streams::LiveOptions live;
  live.workers = options_.workers;
  live.frame_threads = options_.frame_threads;
  live.max_streams = options_.max_streams;
  live.make_filter = [] { return pipeline::make_result_filter(); };
  live.on_message = [](const std::string& message) { report(message); };
  streams_ = std::make_unique<streams::LiveStreams>(model_, std::move(sinks), live);
}

LiveSession::~LiveSession() = default;

void LiveSession::add_sinks(std::vector<std::unique_ptr<pipeline::ResultSink>>& sinks) {
  if (options_.json) {
    auto json = std::make_unique<LiveJson>(*options_.json, [this](size_t stream) { return name_of(stream); });
    json_ = json.get();
    sinks.push_back(std::move(json));
  }
  publish_.add_sinks(sinks, {.name_of = [this](size_t stream) { return name_of(stream); },
                             .waits = [this](size_t stream) { return waits(stream); },
                             .may_wait = [this] { return may_wait(); }});
  if (!options_.save_folder.empty()) {
    sinks::VideoOptions video = options_.video;
    video.stop = &stop_requested();
    auto videos = std::make_unique<sinks::StreamVideosSink>(options_.save_folder, options_.files, std::move(video));
    videos_ = videos.get();
    sinks.push_back(std::move(videos));
  }
  if (options_.show) open_window();
  // Only for those who look: it wants a picture of its own of each frame that is drawn on.
  if (window_ || options_.page) sinks.push_back(std::make_unique<serve::ViewSink>(frames_));
}

void LiveSession::open_window() {
  const std::string problem = display_problem();
  if (problem.empty()) {
    window_ = std::make_unique<LiveWindow>(frames_);
    report("--show: q or Esc ends, r loads the model again");
  } else {
    report(fmt::format("--show: {}; going on without a window", problem));
  }
}

int LiveSession::run(const std::vector<streams::StreamOptions>& streams, streams::ModelWatcherOptions watch) {
  catch_stop_signals();
  catch_reload_signal();
  watch_model(std::move(watch));
  if (options_.page) open_page();  // an address that cannot be had is noticed before the work
  for (const streams::StreamOptions& stream : streams) streams_->add(stream);
  if (!options_.streams_file.empty()) {
    const auto end = streams.begin() + static_cast<std::ptrdiff_t>(options_.of_file);
    file_ = std::make_unique<StreamsFile>(options_.streams_file, options_.defaults, std::vector(streams.begin(), end),
                                          options_.max_streams);
  }
  Every table(kTableEvery);
  Every file(kFileEvery);
  Every states(kStatesEvery);
  Every counts(options_.counts_every);
  counts.due();  // nothing is to be told yet
  while (goes_on()) {
    if (take_reload_request()) watcher_->request_reload();
    if (file_ && file.due()) file_->update(*streams_);
    if (table.due()) show_table();
    const bool counts_due = counts.due();
    if (counts_due) write_counts();
    if (counts_due || states.due()) publish_states(counts_due);
    if (window_) update_window();
    std::this_thread::sleep_for(kLook);
  }
  return finish();
}

void LiveSession::watch_model(streams::ModelWatcherOptions watch) {
  watch.on_change = [this](const streams::ModelChange& change) { on_model_change(change); };
  watch.last_frames = [this] { return streams_->recent_frames(); };
  watcher_ = std::make_unique<streams::ModelWatcher>(model_, std::move(watch));
}

void LiveSession::open_page() {
  serve::ViewSource source;
  source.streams = [this] { return streams_->snapshot(); };
  source.total = [this] { return streams_->total(); };
  source.sinks = [this] { return streams_->sinks(); };
  source.model = [this] { return model_state(); };
  source.add = [this](streams::StreamOptions stream) { streams_->add(std::move(stream)); };
  source.remove = [this](const std::string& name) { return streams_->remove(name); };
  source.reload = [this] { watcher_->request_reload(); };
  page_ = std::make_unique<LivePage>(*options_.page, frames_, std::move(source));
  report(fmt::format("watch the streams at {}/", page_->url()));
}

void LiveSession::on_model_change(const streams::ModelChange& change) {
  report(change.message);
  const std::string json = streams::model_change_json(change);
  publish_.tell_model(json);
  with_json([&] { json_->write_line(json); });
}

template <typename Work>
void LiveSession::with_json(Work work) const {
  if (json_ == nullptr) return;
  try {
    work();
  } catch (const IoError& error) {
    report(error.what());
  }
}

serve::ModelState LiveSession::model_state() const {
  const auto model = model_->current();
  const streams::SwapCounts counts = watcher_->counts();
  return {.name = model->name,
          .version = model->version,
          .swaps = counts.swaps,
          .failed_swaps = counts.refused,
          .problem = counts.last_error};
}

std::string LiveSession::name_of(size_t stream) const {
  const std::vector<streams::StreamSnapshot> streams = streams_->snapshot();
  const auto found = std::ranges::find(streams, stream, &streams::StreamSnapshot::stream);
  return found == streams.end() ? fmt::format("stream {}", stream) : found->name;
}

bool LiveSession::waits(size_t stream) const {
  const std::vector<streams::StreamSnapshot> streams = streams_->snapshot();
  const auto found = std::ranges::find(streams, stream, &streams::StreamSnapshot::stream);
  return found != streams.end() && found->policy == to_string(kWaits);
}

/// Cameras do not wait for what a file has found.
bool LiveSession::may_wait() const {
  if (ends_ || stop_requested()) return false;
  const std::string policy = to_string(kWaits);
  return std::ranges::all_of(streams_->snapshot(), [&](const auto& stream) { return stream.policy == policy; });
}

bool LiveSession::goes_on() {
  if (stop_requested() || window_closed_ || (json_ != nullptr && json_->closed())) return false;
  return file_ != nullptr || page_ != nullptr || !streams_->done() || awaits_brokers();
}

/// What is left of a run that has ended by itself: brokers that are away may come back for what waits.
bool LiveSession::awaits_brokers() {
  const auto now = std::chrono::steady_clock::now();
  for (const streams::SinkSnapshot& sink : streams_->sinks()) {
    if (!sink.works || !sink.delivery || sink.delivery->waiting == 0) continue;
    if (!brokers_until_) {
      brokers_until_ = now + kBrokerPatience;
      report(fmt::format("{}: {} {} for it; it has {} s to come back", sink.name,
                         counted(sink.delivery->waiting, "result"), sink.delivery->waiting == 1 ? "waits" : "wait",
                         kBrokerPatience.count()));
    }
    if (now < *brokers_until_) return true;
  }
  return false;
}

void LiveSession::update_window() {
  switch (window_->update(streams_->snapshot())) {
    case LiveWindow::Wish::kNone:
      break;
    case LiveWindow::Wish::kReload:
      watcher_->request_reload();
      break;
    case LiveWindow::Wish::kEnd:
      window_closed_ = true;
      break;
  }
}

void LiveSession::show_table() const {
  winsize size = {};
  if (isatty(STDERR_FILENO) == 0 || ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) return;
  if (size.ws_col < 2 || size.ws_row < 2) return;
  // The last column stays free: some terminals begin a new line there.
  show_status(stream_table(streams_->snapshot(), streams_->sinks(), size.ws_col - 1U, size.ws_row - 1U));
}

void LiveSession::write_counts() {
  if (json_ == nullptr && options_.publish.targets.empty()) return;
  const std::string json = streams::streams_json(streams_->snapshot(), streams_->total(), streams_->sinks());
  publish_.tell_counts(json);
  with_json([&] { json_->write_line(json); });
}

void LiveSession::publish_states(bool all) {
  if (!options_.publish.targets.empty()) publish_.tell_streams(streams_->snapshot(), all);
}

int LiveSession::finish() {
  ends_ = true;
  page_.reset();
  publish_states(true);
  streams_->stop();
  watcher_.reset();
  show_status({});
  const std::vector<streams::SinkSnapshot> sinks = streams_->sinks();
  const bool json_has_ended = json_ != nullptr && std::ranges::any_of(sinks, [&](const auto& sink) {
                                return sink.name == json_->name() && !sink.works;
                              });
  if (!json_has_ended) {  // else it hangs or has failed, which was said
    write_counts();
    with_json([&] { json_->close(); });
  }
  const std::vector<streams::StreamSnapshot> streams = streams_->snapshot();
  for (const streams::StreamSnapshot& stream : streams) report(counts_text(stream.name, stream.counts));
  if (streams.size() > 1) report(counts_text("all", streams_->total()));
  for (const streams::SinkSnapshot& sink : sinks) {
    if (sink.delivery) report(delivery_text(sink));
  }
  bool some_lost = false;
  for (const streams::SinkSnapshot& sink : sinks) {
    const std::string loss = loss_text(sink, options_.publish.max_waiting);
    some_lost |= !loss.empty();
    if (!loss.empty()) report(loss);
  }
  if (json_ != nullptr && json_->closed()) return kExitSignalBase + SIGPIPE;
  if (stop_signal() != 0) return kExitSignalBase + stop_signal();
  if ((json_ != nullptr && json_->failed()) || (videos_ != nullptr && videos_->some_failed())) return kExitFailure;
  if (some_lost || std::ranges::any_of(sinks, [](const auto& sink) { return !sink.works; })) return kExitFailure;
  const bool all_well = std::ranges::all_of(streams, [](const streams::StreamSnapshot& stream) {
    return stream.state != streams::StreamState::kFailed && stream.counts.failed == 0;
  });
  return all_well ? kExitDone : kExitSomeUnread;
}

}  // namespace zoo::apps
