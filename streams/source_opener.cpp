#include "streams/source_opener.h"

#include <chrono>
#include <future>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/left_threads.h"
#include "nn/core/start_thread.h"

namespace zoo::streams {

namespace {

/// What ends by itself in time says better why. GStreamer's very first start on a machine looks through all of its
/// plug-ins, which takes seconds.
std::chrono::milliseconds patience(const pipeline::SourceSpec& spec, const pipeline::ReadOptions& options) {
  constexpr std::chrono::seconds kToSayWhy{5};
  constexpr std::chrono::seconds kPlugIns{10};
  return options.open_timeout + (spec.kind == pipeline::SourceKind::kGStreamer ? kPlugIns : kToSayWhy);
}

}  // namespace

std::shared_ptr<pipeline::FrameSource> open_source_within(const pipeline::SourceSpec& spec,
                                                          const pipeline::ReadOptions& options) {
  if (spec.kind == pipeline::SourceKind::kImages) return pipeline::open_source(spec);
  constexpr std::chrono::milliseconds kPollInterval{50};
  std::packaged_task<std::shared_ptr<pipeline::FrameSource>()> task(
      [spec, options] { return pipeline::open_source(spec, options); });
  std::future<std::shared_ptr<pipeline::FrameSource>> opened = task.get_future();
  const auto opener = std::make_shared<Abandonable>();
  start_thread("zoo-open", [task = std::move(task), opener]() mutable {
    task();
    task = {};  // with what was opened for nobody
    opener->end();
  }).detach();
  const std::chrono::milliseconds timeout = patience(spec, options);
  const auto stopped = [&] { return options.stop != nullptr && *options.stop; };
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (opened.wait_for(kPollInterval) != std::future_status::ready) {
    const bool late = std::chrono::steady_clock::now() > deadline;
    if (!stopped() && !late) continue;
    opener->abandon();
    opened = {};
    if (stopped()) return nullptr;
    throw pipeline::LossError(pipeline::LossCause::kTimeout,
                              fmt::format("{}: nothing came within {} s", pipeline::name_of(spec),
                                          std::chrono::duration<double>(timeout).count()));
  }
  if (stopped()) return nullptr;
  return opened.get();
}

}  // namespace zoo::streams
