#include "apps/stream_table.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "nn/core/utf8.h"

namespace zoo::apps {
namespace {

constexpr size_t kMaxName = 20;
constexpr size_t kStateWidth = 7;  // "running", "opening", "stalled", "waiting"

std::string details_of(const streams::StreamSnapshot& stream) {
  std::string reconnects;
  if (stream.epoch > 0) reconnects = counted(stream.epoch, "reconnect");
  if (!stream.message.empty()) {
    return printable(stream.message) + (reconnects.empty() ? "" : fmt::format(" ({})", reconnects));
  }
  std::vector<std::string> parts = {
      fmt::format("{:5.1f}/s in, {:5.1f}/s answered", stream.captured_fps, stream.answered_fps)};
  if (stream.counts.ok + stream.counts.late > 0) parts.push_back(fmt::format("{:.0f} ms old", stream.ages.p50_ms));
  const auto add = [&](int64_t count, const char* what) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, what));
  };
  add(stream.counts.dropped(), "dropped");
  add(stream.counts.late, "late");
  add(stream.counts.failed, "failed");
  if (!reconnects.empty()) parts.push_back(reconnects);
  if (!stream.last_answer.empty()) parts.push_back(printable(stream.last_answer));
  return fmt::format("{}", fmt::join(parts, "  "));
}

/// A name in so many columns, as far as it goes.
std::string name_in(const std::string& name, size_t width) {
  return name.size() <= width ? name : name.substr(0, width - 1) + "~";
}

std::vector<std::string> sink_lines(std::span<const streams::SinkSnapshot> sinks) {
  std::vector<std::string> lines;
  for (const streams::SinkSnapshot& sink : sinks) {
    if (!sink.delivery || (sink.delivery->connected && sink.delivery->dropped == 0)) continue;
    std::string line = fmt::format("{}  {}", printable(sink.name), streams::connection_state(*sink.delivery));
    if (sink.delivery->waiting > 0) line += fmt::format("  {} waiting", sink.delivery->waiting);
    if (sink.delivery->dropped > 0) line += fmt::format("  {} dropped", sink.delivery->dropped);
    lines.push_back(std::move(line));
  }
  return lines;
}

/// At most `width` characters of a line.
std::string cut(std::string line, size_t width) {
  size_t columns = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(line[i]) & 0xC0U) != 0x80U;  // not inside a character of UTF-8
    if (begins && columns++ == width) {
      line.resize(i);
      break;
    }
  }
  return line;
}

}  // namespace

std::string stream_table(std::span<const streams::StreamSnapshot> streams, std::span<const streams::SinkSnapshot> sinks,
                         size_t width, size_t rows) {
  std::vector<std::string> of_sinks = sink_lines(sinks);
  of_sinks.resize(std::min(of_sinks.size(), rows - 1));
  rows -= of_sinks.size();
  size_t name_width = 0;
  for (const auto& stream : streams) name_width = std::max(name_width, std::min(stream.name.size(), kMaxName));
  const size_t shown = streams.size() <= rows ? streams.size() : rows - 1;
  std::vector<std::string> lines;
  for (const auto& stream : streams.first(shown)) {
    lines.push_back(cut(fmt::format("{:<{}}  {:<{}}  {}", name_in(stream.name, name_width), name_width,
                                    to_string(stream.state), kStateWidth, details_of(stream)),
                        width));
  }
  if (shown < streams.size()) {
    lines.push_back(cut(fmt::format("and {} more", counted(std::ssize(streams) - std::ssize(lines), "stream")), width));
  }
  for (std::string& line : of_sinks) lines.push_back(cut(std::move(line), width));
  return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string counts_text(const std::string& name, const streams::StreamCounts& counts) {
  std::vector<std::string> parts = {fmt::format("{} answered", counts.ok)};
  const auto add = [&](int64_t count, std::string_view what) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, what));
  };
  add(counts.late, "late");
  add(counts.failed, "failed");
  if (counts.dropped() > 0) {
    std::vector<std::string> reasons;
    for (size_t i = 0; i < streams::kDropReasons; ++i) {
      if (counts.dropped_for[i] == 0) continue;
      std::string reason(to_string(static_cast<streams::DropReason>(i)));
      std::ranges::replace(reason, '_', ' ');
      reasons.push_back(fmt::format("{} {}", counts.dropped_for[i], reason));
    }
    parts.push_back(fmt::format("{} dropped ({})", counts.dropped(), fmt::join(reasons, ", ")));
  }
  add(counts.in_flight, "in flight");
  return fmt::format("{}: {} captured: {}", name, counted(counts.captured, "frame"), fmt::join(parts, ", "));
}

}  // namespace zoo::apps
