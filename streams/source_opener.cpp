#include "streams/source_opener.h"

#include <future>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/start_thread.h"
#include "streams/left_threads.h"

namespace zoo::streams {

std::shared_ptr<pipeline::FrameSource> open_source_within(const pipeline::SourceSpec& spec,
                                                          std::chrono::milliseconds timeout,
                                                          const std::atomic<bool>& stop) {
  if (spec.kind == pipeline::SourceKind::kImages) return pipeline::open_source(spec);
  constexpr std::chrono::milliseconds kPollInterval{50};
  std::packaged_task<std::shared_ptr<pipeline::FrameSource>()> task([spec] { return pipeline::open_source(spec); });
  std::future<std::shared_ptr<pipeline::FrameSource>> opened = task.get_future();
  const auto opener = std::make_shared<Abandonable>();
  start_thread([task = std::move(task), opener]() mutable {
    task();
    task = {};  // with what was opened for nobody
    opener->end();
  }).detach();
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (opened.wait_for(kPollInterval) != std::future_status::ready) {
    const bool late = std::chrono::steady_clock::now() > deadline;
    if (!stop && !late) continue;
    opener->abandon();
    opened = {};
    if (stop) return nullptr;
    throw IoError(fmt::format("{}: nothing came within {} s", pipeline::name_of(spec),
                              std::chrono::duration<double>(timeout).count()));
  }
  return opened.get();
}

}  // namespace zoo::streams
