#include "serve/inference/served_entry.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::serve {
namespace {

constexpr size_t kMaxName = 128;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

bool is_model_name(const std::string& name) {
  if (name.empty() || name.size() > kMaxName || !is_letter_or_digit(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_'; });
}

ServedEntry::ServedEntry(ModelSpec spec, EntryOptions options)
    : spec_([&] {
        spec.predictor.network.threads = 1;
        spec.load.file_use = weights::FileUse::kCopy;
        return std::move(spec);
      }()),
      options_(std::move(options)) {}

ServedEntry::~ServedEntry() { unload(); }

void ServedEntry::load() {
  {
    const std::scoped_lock lock(mutex_);
    state_ = RepositoryEntry::State::kLoading;
    unwanted_ = false;
    reason_.clear();
  }
  try {
    watch(build());
  } catch (const std::exception& error) {
    const std::scoped_lock lock(mutex_);
    state_ = RepositoryEntry::State::kUnavailable;
    reason_ = fmt::format("{}; once that is mended: POST /v2/repository/models/{}/load", error.what(), spec_.name);
    slot_.reset();
    loaded_.reset();
    throw;
  }
}

std::shared_ptr<streams::ModelSlot> ServedEntry::build() {
  auto model = std::make_shared<const models::Model>(models::Model::load(spec_.file, spec_.load));
  if (options_.on_load) options_.on_load(*model);
  pipeline::PredictorOptions predictor = spec_.predictor;
  int64_t version = 1;
  {
    const std::scoped_lock lock(mutex_);
    version = version_ + 1;
  }
  // Later loads share the machine with requests; so does what is compiled for the sizes that clients send.
  const bool fixed_size = predictor.network.input_size || model->config().preprocess.output_size();
  if (version > 1 || !fixed_size) predictor.network.kernels.timing = engine::KernelTiming::kKnownOnly;
  predictor.network.precision = pipeline::resolve_precision(*model, predictor.network).precision;
  auto served = streams::make_served_model(std::move(model), predictor, version, options_.workers);
  auto loaded = std::make_shared<const LoadedModel>(spec_.name, served, predictor.network);
  auto slot = std::make_shared<streams::ModelSlot>(std::move(served));
  const std::scoped_lock lock(mutex_);
  version_ = version;
  loaded_ = std::move(loaded);
  slot_ = slot;
  return slot;
}

void ServedEntry::watch(const std::shared_ptr<streams::ModelSlot>& slot) {
  streams::ModelWatcherOptions watch;
  watch.file = slot->current()->model->config().file;
  watch.load = spec_.load;
  watch.predictor = spec_.predictor;
  watch.workers = options_.workers;
  watch.on_change = [this](const streams::ModelChange& change) { on_change(change); };
  watch.clock = options_.clock;
  auto watcher = std::make_shared<streams::ModelWatcher>(slot, std::move(watch));
  const std::scoped_lock lock(mutex_);
  watcher_ = std::move(watcher);
  state_ = RepositoryEntry::State::kReady;
}

void ServedEntry::take_over() {
  std::shared_ptr<streams::ModelSlot> slot;
  {
    const std::scoped_lock lock(mutex_);
    slot = slot_;
  }
  if (!slot) return;  // unloaded meanwhile
  pipeline::NetworkOptions options = spec_.predictor.network;
  options.kernels.timing = engine::KernelTiming::kKnownOnly;  // as the watcher has compiled it
  auto loaded = std::make_shared<const LoadedModel>(spec_.name, slot->current(), options);
  const std::scoped_lock lock(mutex_);
  if (slot_ == slot) loaded_ = std::move(loaded);
}

void ServedEntry::on_change(const streams::ModelChange& change) {
  std::optional<InferFailure> failure;
  const bool refused = change.kind == streams::ModelChange::Kind::kRefused;
  if (refused) {
    failure = InferFailure{400, change.message};
  } else {
    take_over();
  }
  {
    const std::scoped_lock lock(mutex_);
    ++(refused ? failed_swaps_ : swaps_);
  }
  for (const Waiting& waiting : take_waiting(change.requests)) waiting.done(failure);
  if (options_.on_message) options_.on_message(change.message);
}

std::vector<ServedEntry::Waiting> ServedEntry::take_waiting(int64_t requests) {
  const std::scoped_lock lock(mutex_);
  std::vector<Waiting> taken;
  std::vector<Waiting> kept;
  for (Waiting& one : waiting_) (one.request <= requests ? taken : kept).push_back(std::move(one));
  waiting_ = std::move(kept);
  return taken;
}

void ServedEntry::reload(Done done) {
  {
    const std::scoped_lock lock(mutex_);
    if (watcher_) {
      waiting_.push_back({0, std::move(done)});
      waiting_.back().request = watcher_->request_reload();
      return;
    }
  }
  done(InferFailure{.status = 503, .message = fmt::format("model {} is not loaded", spec_.name)});
}

void ServedEntry::reload() {
  const std::scoped_lock lock(mutex_);
  if (watcher_) watcher_->request_reload();
}

void ServedEntry::unload() {
  std::shared_ptr<streams::ModelWatcher> watcher;
  std::shared_ptr<streams::ModelSlot> slot;
  std::shared_ptr<const LoadedModel> loaded;
  {
    const std::scoped_lock lock(mutex_);
    state_ = RepositoryEntry::State::kUnloading;
    reason_ = "unloaded";
    unwanted_ = true;
    if (slot_) version_ = slot_->current()->version;
    watcher.swap(watcher_);
    slot.swap(slot_);
    loaded.swap(loaded_);
  }
  watcher.reset();
  {
    const std::scoped_lock lock(mutex_);
    state_ = RepositoryEntry::State::kUnavailable;
  }
  for (const Waiting& waiting : take_waiting(std::numeric_limits<int64_t>::max())) {
    waiting.done(InferFailure{.status = 503, .message = fmt::format("model {} was unloaded meanwhile", spec_.name)});
  }
}

std::shared_ptr<const LoadedModel> ServedEntry::current() const {
  const std::scoped_lock lock(mutex_);
  return state_ == RepositoryEntry::State::kReady ? loaded_ : nullptr;
}

bool ServedEntry::is_running() const {
  const std::scoped_lock lock(mutex_);
  return state_ == RepositoryEntry::State::kReady;
}

bool ServedEntry::is_as_wished() const {
  const std::scoped_lock lock(mutex_);
  return state_ == RepositoryEntry::State::kReady || unwanted_;
}

RepositoryEntry ServedEntry::state() const {
  const std::scoped_lock lock(mutex_);
  RepositoryEntry entry{
      .name = spec_.name, .version = std::max<int64_t>(version_, 1), .state = state_, .reason = reason_};
  if (loaded_) entry.version = loaded_->version();
  if (watcher_) entry.reason = watcher_->counts().last_error;
  entry.unloaded = unwanted_;
  return entry;
}

int64_t ServedEntry::swaps() const {
  const std::scoped_lock lock(mutex_);
  return swaps_;
}

int64_t ServedEntry::failed_swaps() const {
  const std::scoped_lock lock(mutex_);
  return failed_swaps_;
}

}  // namespace zoo::serve
