#include "serve/view/metrics_text.h"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "serve/metrics/metric.h"
#include "serve/metrics/prometheus_text.h"
#include "streams/account.h"

namespace zoo::serve {
namespace {

using streams::SinkSnapshot;
using streams::StreamCounts;
using streams::StreamSnapshot;
using streams::StreamState;
using Labels = std::vector<std::pair<std::string, std::string>>;
using Type = MetricFamily::Type;

/// One family after the other, each with its samples.
class MetricsWriter {
 public:
  void family(const std::string& name, Type type, const std::string& help) {
    families_.push_back({.name = "zoo_" + name, .help = help, .type = type});
  }
  template <typename Number>
  void sample(const Labels& labels, Number value) {
    families_.back().metrics.push_back({labels, static_cast<double>(value)});
  }
  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

/// The counts of frames, for streams one by one or for all of them.
void write_counts(MetricsWriter& writer, std::string_view prefix, std::string_view whose,
                  const std::vector<std::pair<Labels, const StreamCounts*>>& all) {
  const std::string captured = fmt::format("{}frames_captured_total", prefix);
  writer.family(captured, Type::kCounter, fmt::format("Frames that were captured, {}.", whose));
  for (const auto& [labels, counts] : all) writer.sample(labels, counts->captured);

  const std::string answered = fmt::format("{}frames_total", prefix);
  writer.family(answered, Type::kCounter, fmt::format("What became of captured frames, {}.", whose));
  for (const auto& [labels, counts] : all) {
    const auto state = [&, &own = labels](const char* name, std::string_view reason, int64_t value) {
      Labels more = own;
      more.emplace_back("state", name);
      more.emplace_back("reason", std::string(reason));
      writer.sample(more, value);
    };
    state("ok", "", counts->ok);
    state("failed", "", counts->failed);
    state("late", "", counts->late);
    for (size_t i = 0; i < streams::kDropReasons; ++i) {
      const auto reason = static_cast<streams::DropReason>(i);
      state("dropped", to_string(reason), counts->dropped(reason));
    }
  }

  const std::string in_flight = fmt::format("{}frames_in_flight", prefix);
  writer.family(in_flight, Type::kGauge, fmt::format("Captured frames that wait or are worked on, {}.", whose));
  for (const auto& [labels, counts] : all) writer.sample(labels, counts->in_flight);
}

void write_states(MetricsWriter& writer, const std::vector<StreamSnapshot>& all) {
  constexpr std::array kStates = {StreamState::kOpening, StreamState::kRunning, StreamState::kStalled,
                                  StreamState::kWaiting, StreamState::kEnded,   StreamState::kFailed};
  writer.family("stream_state", Type::kGauge, "1 for the state that a stream is in.");
  for (const StreamSnapshot& stream : all) {
    for (const StreamState state : kStates) {
      writer.sample({{"stream", stream.name}, {"state", std::string(to_string(state))}}, stream.state == state ? 1 : 0);
    }
  }
}

template <typename Value>
void write_each(MetricsWriter& writer, const std::string& name, Type type, const std::string& help,
                const std::vector<StreamSnapshot>& all, Value value) {
  writer.family(name, type, help);
  for (const StreamSnapshot& stream : all) writer.sample({{"stream", stream.name}}, value(stream));
}

void write_ages(MetricsWriter& writer, const std::vector<StreamSnapshot>& all) {
  constexpr double kMs = 1e-3;
  write_each(writer, "stream_frame_age_p50_seconds", Type::kGauge,
             "Median age of frames at their answer, over the last 1000.", all,
             [](const StreamSnapshot& stream) { return stream.ages.p50_ms * kMs; });
  write_each(writer, "stream_frame_age_p99_seconds", Type::kGauge, "99th percentile of the same.", all,
             [](const StreamSnapshot& stream) { return stream.ages.p99_ms * kMs; });
}

void write_sinks(MetricsWriter& writer, const std::vector<SinkSnapshot>& all) {
  writer.family("sink_events_total", Type::kCounter, "Answers and failures that an output has taken, or has not.");
  for (const SinkSnapshot& sink : all) {
    writer.sample({{"sink", sink.name}, {"state", "written"}}, sink.written);
    writer.sample({{"sink", sink.name}, {"state", "dropped"}}, sink.dropped);
  }
  writer.family("sink_works", Type::kGauge, "0 for an output that has failed or hangs.");
  for (const SinkSnapshot& sink : all) writer.sample({{"sink", sink.name}}, sink.works ? 1 : 0);
  const auto family = [&](const char* name, Type type, const char* help, auto value) {
    writer.family(name, type, help);
    for (const SinkSnapshot& sink : all) {
      if (sink.delivery) writer.sample({{"sink", sink.name}}, value(*sink.delivery));
    }
  };
  using pipeline::Delivery;
  family("sink_delivered_total", Type::kCounter, "What a broker has, of what was written.",
         [](const Delivery& delivery) { return delivery.delivered; });
  family("sink_lost_total", Type::kCounter, "What made room for newer while a broker was away, of what was written.",
         [](const Delivery& delivery) { return delivery.dropped; });
  family("sink_waiting", Type::kGauge, "What waits for a broker.",
         [](const Delivery& delivery) { return delivery.waiting; });
  family("sink_connected", Type::kGauge, "Whether a broker is there.",
         [](const Delivery& delivery) { return delivery.connected ? 1 : 0; });
  family("sink_reconnects_total", Type::kCounter, "How often a broker has come back.",
         [](const Delivery& delivery) { return delivery.reconnects; });
}

void write_single(MetricsWriter& writer, const std::string& name, Type type, const std::string& help, int64_t value) {
  writer.family(name, type, help);
  writer.sample({}, value);
}

}  // namespace

std::string metrics_text(const ViewSource& source, const ViewCounts& view) {
  const std::vector<StreamSnapshot> all = source.streams();
  const StreamCounts total = source.total();
  const ModelState model = source.model();
  std::vector<std::pair<Labels, const StreamCounts*>> each;
  for (const StreamSnapshot& stream : all) each.emplace_back(Labels{{"stream", stream.name}}, &stream.counts);

  MetricsWriter writer;
  write_counts(writer, "", "by stream", each);
  write_counts(writer, "run_", "of all streams, removed ones included", {{Labels{}, &total}});
  write_states(writer, all);
  write_each(writer, "stream_reconnects_total", Type::kCounter, "How often a stream was opened again.", all,
             [](const StreamSnapshot& stream) { return stream.epoch; });
  write_each(writer, "stream_captured_fps", Type::kGauge, "Frames captured per second, over the last seconds.", all,
             [](const StreamSnapshot& stream) { return stream.captured_fps; });
  write_each(writer, "stream_answered_fps", Type::kGauge, "Frames answered per second, over the last seconds.", all,
             [](const StreamSnapshot& stream) { return stream.answered_fps; });
  write_ages(writer, all);
  if (source.sinks) write_sinks(writer, source.sinks());
  writer.family("model_info", Type::kGauge, "The model that runs.");
  writer.sample({{"name", model.name}, {"version", std::to_string(model.version)}}, 1);
  write_single(writer, "model_swaps_total", Type::kCounter, "How often the model was replaced.", model.swaps);
  write_single(writer, "model_failed_swaps_total", Type::kCounter, "How often a new model's file was wrong.",
               model.failed_swaps);
  write_single(writer, "http_connections", Type::kGauge, "Open connections.", static_cast<int64_t>(view.connections));
  write_single(writer, "view_clients", Type::kGauge, "Open pages of the view.", static_cast<int64_t>(view.viewers));
  write_single(writer, "view_pictures_total", Type::kCounter, "Pictures drawn for pages and other programs.",
               view.pictures);
  return prometheus_text(writer.take());
}

}  // namespace zoo::serve
