#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/answer_flags.h"
#include "apps/commands.h"
#include "apps/listen.h"
#include "apps/live_session.h"
#include "apps/model_flags.h"
#include "apps/number_check.h"
#include "apps/output.h"
#include "apps/publish_flags.h"
#include "apps/run_inputs.h"
#include "apps/timeout_flags.h"
#include "apps/video_flags.h"
#include "nn/core/counted.h"
#include "pipeline/tasks/task_result.h"
#include "sinks/source_outputs.h"
#include "streams/model_watcher.h"
#include "streams/named_source.h"
#include "streams/streams_file.h"

namespace zoo::apps {
namespace {

constexpr double kMaxCountsEvery = 86'400.0;
constexpr int kMostStreams = 10'000;

struct LiveFlags {
  ModelFlags model;
  WeightFlags weights;
  SizeFlag size;
  std::vector<std::string> sources;
  std::string streams_file;
  std::string policy;
  TimeoutFlags timeouts;
  bool no_reconnect = false;
  int64_t max_frames = 0;
  std::string json;
  double counts_every_s = 10.0;
  AnswerFlags answers;
  int threads = 0;
  int frame_threads = 1;
  std::optional<engine::Precision> precision;
  KernelFlags kernels;
  VideoFlags video;
  ListenFlags listen;
  PublishFlags publish;
  LiveSessionOptions session;
};

streams::StreamDefaults defaults_of(const LiveFlags& flags) {
  streams::StreamDefaults defaults;
  if (!flags.policy.empty()) {
    try {
      defaults.policy = streams::frame_policy_from(flags.policy);
    } catch (const Error& error) {
      throw UsageError(fmt::format("--policy: {}", error.what()));
    }
  }
  defaults.open_timeout = flags.timeouts.open();
  defaults.stall_timeout = flags.timeouts.stall();
  defaults.reconnects = !flags.no_reconnect;
  defaults.max_frames = flags.max_frames;
  return defaults;
}

/// Of the command line and of the file.
std::vector<streams::StreamOptions> streams_of(const LiveFlags& flags, const streams::StreamDefaults& defaults) {
  std::vector<streams::StreamOptions> streams;
  std::vector<streams::NameOrigin> origins;
  if (!flags.streams_file.empty()) {
    streams = streams::load_streams_file(flags.streams_file, defaults);
    origins.assign(streams.size(), streams::NameOrigin::kUser);
  }
  for (const std::string& text : flags.sources) {
    const streams::NamedSource source = streams::named_source_from(text);
    origins.push_back(source.name.empty() ? streams::NameOrigin::kSource : streams::NameOrigin::kUser);
    try {
      streams.push_back(streams::stream_from(source, defaults));
    } catch (const IoError&) {
      throw;
    } catch (const Error& error) {
      throw UsageError(fmt::format("live: {}", error.what()));
    }
  }
  try {
    streams::make_names_differ(streams, origins);
  } catch (const Error& error) {
    throw UsageError(fmt::format("live: {}", error.what()));
  }
  return streams;
}

pipeline::PredictorOptions predictor_options(const LiveFlags& flags) {
  pipeline::PredictorOptions options;
  flags.answers.set(options);
  options.network.kernels = flags.kernels.options();
  options.network.input_size = flags.size.value();
  options.network.precision = flags.precision;
  options.network.threads = 1;
  options.network.on_note = note_reporter();
  return options;
}

void log_cores(const LiveSessionOptions& session) {
  spdlog::info("{} for frames, at most {} for one", counted(session.workers, "core"), session.frame_threads);
}

int live(LiveFlags& flags) {
  const streams::StreamDefaults defaults = defaults_of(flags);
  const std::vector<streams::StreamOptions> streams = streams_of(flags, defaults);
  if (streams.size() > flags.session.max_streams) {
    throw UsageError(
        fmt::format("live: {} are given, and at most {} are allowed; leave some out, or give --max-streams {}",
                    counted(std::ssize(streams), "stream"), flags.session.max_streams, streams.size()));
  }
  const PublishOptions publish = flags.publish.options();
  const auto model = load_model(flags.model, flags.weights);
  flags.answers.check(model->config());
  const auto files = files_with_calibration(flags.model, *model);
  files->add_input(flags.streams_file, "the streams file");
  for (const std::string& file : publish.password_files) files->add_input(file, "the password file");
  files->add_input(publish.ca_file, "the certificates");
  std::vector<pipeline::SourceSpec> specs;
  for (const streams::StreamOptions& stream : streams) specs.push_back(stream.spec);
  sinks::add_sources(specs, *files);
  claim_output(*files, flags.session.json.value_or(""), "--json");

  LiveSessionOptions session = flags.session;
  session.workers = flags.threads > 0 ? flags.threads : all_cores();
  session.frame_threads = std::min(flags.frame_threads, session.workers);
  log_cores(session);
  session.counts_every = std::chrono::seconds(std::llround(flags.counts_every_s));
  session.streams_file = flags.streams_file;
  session.of_file = streams.size() - flags.sources.size();
  session.video = flags.video.options;
  session.video.on_note = note_reporter();
  session.files = files;
  session.defaults = defaults;
  session.publish = publish;
  if (!flags.listen.listen.empty()) session.page = LivePageOptions{flags.listen.listen, flags.listen.token, defaults};
  pipeline::PredictorOptions options = predictor_options(flags);
  const models::ResolvedPrecision chosen = pipeline::resolve_precision(*model, options.network);
  options.network.precision = chosen.precision;
  const auto slot =
      std::make_shared<streams::ModelSlot>(streams::make_served_model(model, options, 1, session.workers));
  streams::ModelWatcherOptions watch;
  watch.file = model->config().file;
  watch.load = load_options(flags.weights, flags.model.overrides);
  watch.predictor = options;
  watch.predictor.network.precision = flags.precision;  // `auto` may choose another for another network
  watch.workers = session.workers;
  return LiveSession(slot, session).run(streams, std::move(watch));
}

}  // namespace

Action setup_live(CLI::App& app) {
  auto flags = std::make_shared<LiveFlags>();
  flags->model.add_to(app);
  app.add_option("SOURCE,--source,-s", flags->sources,
                 "[NAME=]SOURCE: camera index, address, gst:PIPELINE or video file; all are worked on at once")
      ->type_name("SOURCE");
  app.add_option("--streams", flags->streams_file, "YAML file of streams; saving it adds and removes streams")
      ->type_name("FILE");
  app.add_option("--policy", flags->policy,
                 "Which frames are worked on: latest (of cameras and addresses the default), block (all; of files the "
                 "default), \"every N\", \"max-age MS\"")
      ->type_name("POLICY");
  flags->timeouts.add_to(app, "Seconds to wait for a source to begin",
                         "Seconds without a frame after which a source counts as lost and is opened again");
  app.add_flag("--no-reconnect", flags->no_reconnect, "A source that is lost ends its stream");
  app.add_option("--max-frames", flags->max_frames, "Stop each stream after this many frames were worked on")
      ->check(count_check())
      ->type_name("N");
  app.add_option("--max-streams", flags->session.max_streams,
                 "Streams at a time at most, also of those that are added over the network or by the streams file")
      ->check(number_in(1, kMostStreams))
      ->capture_default_str()
      ->type_name("N");
  CLI::Option* json = app.add_option("--json", flags->json,
                                     "Write one JSON object per frame, and between them one of all counters, to a file "
                                     "or to standard output (-, or no value)")
                          ->type_name("FILE")
                          ->expected(0, 1);
  app.add_option("--counts-every", flags->counts_every_s, "Seconds between two JSON lines of counters")
      ->check(number_in(1.0, kMaxCountsEvery))
      ->capture_default_str()
      ->type_name("S");
  const CLI::Option* save = app.add_option("--save", flags->session.save_folder,
                                           "Record each stream, annotated, as NAME_TIME.mp4 in this folder")
                                ->type_name("DIR");
  flags->video.add_to(app, save);
  app.add_flag("--show", flags->session.show, "Show all streams in a window (q or Esc ends, r loads the model again)");
  flags->listen.add_to(app, "Serve a page with all streams, and the same for programs, at this HOST:PORT");
  flags->publish.add_to(app);
  flags->weights.add_to(app);
  flags->size.add_to(app);
  flags->answers.add_to(app);
  add_cores_flag(app, "--threads", flags->threads,
                 "Cores for all frames, and so the most frames that are worked on at once (default: all)");
  add_cores_flag(app, "--frame-threads", flags->frame_threads,
                 "Cores that one frame may use, at most, while fewer can be worked on at once than there are cores "
                 "(default: 1; where other programs want the cores, too, more of them make it slower)");
  add_precision_flag(app, flags->precision);
  flags->kernels.add_to(app);
  flags->weights.add_calibration_to(app);
  return [flags, json] {
    if (flags->sources.empty() && flags->streams_file.empty() && flags->listen.listen.empty()) {
      throw UsageError(
          "live: nothing to watch: give --source [NAME=]SOURCE (a camera index, an address, gst:PIPELINE or a video), "
          "once for each stream, or --streams FILE, or --listen HOST:PORT to add streams later");
    }
    flags->video.check();
    flags->listen.check("the page");
    if (json->count() > 0) flags->session.json = flags->json.empty() ? "-" : flags->json;
    return live(*flags);
  };
}

}  // namespace zoo::apps
