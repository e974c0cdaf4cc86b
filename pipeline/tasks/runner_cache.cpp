#include "pipeline/tasks/runner_cache.h"

#include <algorithm>
#include <utility>

namespace zoo::pipeline {

RunnerCache::RunnerCache(std::shared_ptr<const models::Model> model, engine::CompileOptions options,
                         NoteFunction on_note, int64_t max_pixels)
    : model_(std::move(model)), options_(std::move(options)), on_note_(std::move(on_note)), max_pixels_(max_pixels) {
  if (options_.threads == 0) options_.threads = model_->config().runtime.threads;
}

RunnerCache::Entry& RunnerCache::get(const Shape& input) {
  const auto found = std::ranges::find(entries_, input, &Entry::input);
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front();
  }
  make_room_for(input);
  auto executable = model_->compile(input, options_);
  if (const std::string note = executable->note(); on_note_ && !note.empty()) on_note_(note);
  auto runner = executable->new_runner();
  entries_.push_front({input, std::move(executable), std::move(runner)});
  return entries_.front();
}

void RunnerCache::make_room_for(const Shape& input) {
  const auto pixels_of = [](const Shape& shape) { return shape[2] * shape[3]; };
  int64_t pixels = pixels_of(input);
  for (const Entry& entry : entries_) pixels += pixels_of(entry.input);
  while (!entries_.empty() && (entries_.size() >= kMaxEntries || pixels > max_pixels_)) {
    pixels -= pixels_of(entries_.back().input);
    entries_.pop_back();
  }
}

}  // namespace zoo::pipeline
