#include "pipeline/runner_cache.h"

#include <algorithm>
#include <utility>

namespace zoo::pipeline {

RunnerCache::RunnerCache(std::shared_ptr<const models::Model> model, engine::CompileOptions options,
                         NoteFunction on_note)
    : model_(std::move(model)), options_(std::move(options)), on_note_(std::move(on_note)) {
  if (options_.threads == 0) options_.threads = model_->config().runtime.threads;
}

RunnerCache::Entry& RunnerCache::get(const Shape& input) {
  const auto found = std::ranges::find(entries_, input, &Entry::input);
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front();
  }
  auto executable = model_->compile(input, options_);
  if (const std::string note = executable->note(); on_note_ && !note.empty()) on_note_(note);
  auto runner = executable->new_runner();
  entries_.push_front({input, std::move(executable), std::move(runner)});
  if (entries_.size() > kMaxEntries) entries_.pop_back();
  return entries_.front();
}

}  // namespace zoo::pipeline
