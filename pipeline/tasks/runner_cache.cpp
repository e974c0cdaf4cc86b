#include "pipeline/tasks/runner_cache.h"

#include <algorithm>
#include <utility>

namespace zoo::pipeline {

RunnerCache::RunnerCache(std::shared_ptr<const models::Model> model, engine::CompileOptions options, int threads,
                         NoteFunction on_note, int64_t max_pixels)
    : model_(std::move(model)),
      options_(std::move(options)),
      threads_(threads != 0 ? threads : model_->config().runtime.threads),
      on_note_(std::move(on_note)),
      max_pixels_(max_pixels) {
  if (options_.tuned_threads == 0) options_.tuned_threads = threads_;
}

RunnerCache::Entry& RunnerCache::get(const Shape& input) {
  const auto found = std::ranges::find(entries_, input, &Entry::input);
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return with_runner(entries_.front());
  }
  make_room_for(input);
  auto executable = model_->compile(input, options_);
  if (const std::string note = executable->note(); on_note_ && !note.empty()) on_note_(note);
  entries_.push_front({.input = input, .executable = std::move(executable), .threads = threads_, .runner = nullptr});
  return with_runner(entries_.front());
}

RunnerCache::Entry& RunnerCache::with_runner(Entry& entry) const {
  if (entry.runner != nullptr && entry.threads == threads_) return entry;
  entry.runner.reset();  // its memory first
  entry.runner = entry.executable->new_runner(threads_);
  entry.threads = threads_;
  return entry;
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
