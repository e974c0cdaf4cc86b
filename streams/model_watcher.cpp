#include "streams/model_watcher.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <malloc.h>
#include <mutex>
#include <optional>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/left_threads.h"
#include "nn/core/shown_text.h"
#include "nn/core/start_thread.h"
#include "nn/core/stopwatch.h"
#include "pipeline/tasks/frame_errors.h"
#include "streams/file_watch.h"

namespace zoo::streams {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// How often a model that was replaced is looked at, until nobody uses it.
constexpr milliseconds kRetireInterval{20};
constexpr milliseconds kPatienceAtEnd{1000};

/// Of the calling thread, and of those that it will start.
void lower_priority() {
  constexpr int kLowest = 19;
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kLowest);
}

std::vector<fs::path> files_of(const models::ModelConfig& config) {
  return {config.file, config.labels_file, config.checkpoint};
}

std::vector<fs::path> files_of(const models::Model& model) {
  std::vector<fs::path> files = files_of(model.config());
  if (model.report()) files.push_back(model.report()->file);
  files.push_back(model.calibration_file());
  return files;
}

/// Throws Error where a frame fails for a reason that is not its own, or no frame fits the network.
void try_on(const ServedModel& served, const std::vector<cv::Mat>& frames) {
  std::optional<std::string> problem;
  size_t failed = 0;
  for (const cv::Mat& frame : frames) {
    auto found = pipeline::problem_of_frame("a stream's recent frame", [&] { served.predict(frame, 1); });
    if (!found) continue;
    ++failed;
    problem = std::move(found);
  }
  if (failed == frames.size()) throw Error(*problem);
}

/// "detection, " where `before` had another task.
std::string new_task(const ServedModel& next, const ServedModel& before) {
  const std::string task(models::task_name(next.model->config()));
  if (before.model == nullptr || task == models::task_name(before.model->config())) return {};
  return task + ", ";
}

}  // namespace

class ModelWatcher::Work {
 public:
  Work(std::shared_ptr<ModelSlot> slot, ModelWatcherOptions options)
      : slot_(std::move(slot)),
        options_(std::move(options)),
        clock_(options_.clock == nullptr ? system_clock() : *options_.clock) {
    options_.load.file_use = weights::FileUse::kCopy;
    options_.predictor.network.kernels.timing = engine::KernelTiming::kKnownOnly;
    const std::shared_ptr<const ServedModel> running = slot_->current();
    std::vector<fs::path> files = {options_.file};
    if (running->model != nullptr) files = files_of(*running->model);
    running_files_ = files;
    watch_.set_files(files);
  }

  void run() {
    while (!stop_) {
      watch_.wait(time_to_wait());
      if (stop_) break;
      if (watch_.changed()) due_ = clock_.now() + options_.debounce;
      if (requests_ > begun_) due_ = clock_.now();
      if (due_ && clock_.now() >= *due_) {
        due_.reset();
        reload();
      }
      retire();
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  int64_t request_reload() noexcept {
    const int64_t number = ++requests_;
    watch_.wake();
    return number;
  }

  SwapCounts counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

  /// Whether the thread has ended; else it calls nobody any more.
  bool stop() {
    stop_ = true;
    watch_.wake();
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kPatienceAtEnd, [this] { return ended_; })) return true;
    lock.unlock();
    const std::lock_guard calling(calling_);
    deserted_ = true;
    return false;
  }

 private:
  milliseconds time_to_wait() const {
    milliseconds time = options_.poll_interval;
    if (!retired_.empty()) time = std::min(time, kRetireInterval);
    if (!due_) return time;
    const auto left = std::chrono::ceil<milliseconds>(*due_ - clock_.now());
    return std::clamp(left, milliseconds(1), time);
  }

  void reload() {
    const Stopwatch watch;
    begun_ = requests_;
    try {
      const std::shared_ptr<const ServedModel> next = build_aside(last_frames());
      if (!stop_) publish(next, watch.elapsed_ms());
    } catch (const Error& error) {
      if (!stop_) refuse(error.what());
    }
    malloc_trim(0);
  }

  /// In a thread that takes what the others leave. What it locks, it shares with none of them.
  std::shared_ptr<const ServedModel> build_aside(const std::vector<cv::Mat>& frames) {
    std::packaged_task<std::shared_ptr<const ServedModel>()> task(
        [&] { return with_errors_of(options_.file.string(), [&] { return build(frames); }); });
    std::future<std::shared_ptr<const ServedModel>> built = task.get_future();
    start_thread("zoo-swap", [&] {
      lower_priority();
      task();
    }).join();
    return built.get();
  }

  /// Null if it is to stop.
  std::shared_ptr<const ServedModel> build(const std::vector<cv::Mat>& frames) {
    models::ModelConfig config = models::load_model_config(options_.file, models::overrides_of(options_.load));
    watch_also(files_of(config));  // a file that is missing may come
    auto model = std::make_shared<const models::Model>(models::Model::load(std::move(config), options_.load));
    watch_also(files_of(*model));
    if (stop_) return nullptr;
    const int64_t version = slot_->current()->version + 1;
    auto served = make_served_model(std::move(model), options_.predictor, version, options_.workers);
    try_on(*served, frames);
    return served;
  }

  std::vector<cv::Mat> last_frames() {
    std::vector<cv::Mat> frames;
    call([&] {
      if (options_.last_frames) frames = options_.last_frames();
    });
    std::erase_if(frames, [](const cv::Mat& frame) { return frame.empty(); });
    if (frames.empty()) frames.push_back(cv::Mat::zeros(480, 640, CV_8UC3));
    return frames;
  }

  void publish(const std::shared_ptr<const ServedModel>& next, double ms) {
    std::shared_ptr<const ServedModel> before = slot_->current();
    slot_->publish(next);
    running_files_ = files_of(*next->model);
    watch_.set_files(running_files_);
    std::string message =
        fmt::format("{}: {} ({}version {}) runs from now on, {:.1f} s after the change; before it ran {}",
                    printable(options_.file.string()), printable(next->name), new_task(*next, *before), next->version,
                    ms / 1000.0, printable(before->name));
    retired_.push_back(std::move(before));
    {
      const std::lock_guard lock(mutex_);
      ++counts_.swaps;
      counts_.last_error.clear();
    }
    tell({ModelChange::Kind::kSwapped, next->version, std::move(message), begun_});
  }

  void refuse(const std::string& problem) {
    const std::shared_ptr<const ServedModel> running = slot_->current();
    {
      const std::lock_guard lock(mutex_);
      ++counts_.refused;
      counts_.last_error = problem;
    }
    tell({ModelChange::Kind::kRefused, running->version,
          fmt::format("{}{}{} (version {}) goes on", problem, problem.find('\n') == std::string::npos ? "; " : "\n",
                      printable(running->name), running->version),
          begun_});
  }

  void tell(const ModelChange& change) {
    call([&] {
      if (options_.on_change) options_.on_change(change);
    });
  }

  /// Those who are called may be gone once the watcher is.
  template <typename Call>
  void call(Call call) {
    const std::lock_guard lock(calling_);
    if (!deserted_) call();
  }

  void watch_also(std::vector<fs::path> files) {
    files.insert(files.end(), running_files_.begin(), running_files_.end());
    watch_.set_files(files);
  }

  /// Here rather than in a thread that has frames to answer.
  void retire() {
    const size_t freed = std::erase_if(retired_, [](const auto& model) { return model.use_count() == 1; });
    if (freed > 0) malloc_trim(0);
  }

  const std::shared_ptr<ModelSlot> slot_;
  ModelWatcherOptions options_;
  Clock& clock_;
  FileWatch watch_;
  std::vector<fs::path> running_files_;
  std::optional<Clock::TimePoint> due_;  ///< when files that have changed are quiet
  std::vector<std::shared_ptr<const ServedModel>> retired_;
  std::atomic<int64_t> requests_ = 0;
  int64_t begun_ = 0;  ///< `requests_` when the last change began
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;  ///< guarded by mutex_
  SwapCounts counts_;   ///< guarded by mutex_
  std::mutex calling_;
  bool deserted_ = false;  ///< guarded by calling_
};

ModelWatcher::ModelWatcher(std::shared_ptr<ModelSlot> slot, ModelWatcherOptions options)
    : work_(std::make_shared<Work>(std::move(slot), std::move(options))) {
  thread_ = start_thread("zoo-watchfile", [work = work_, watching = watching_] {
    work->run();
    watching->end();
  });
}

ModelWatcher::~ModelWatcher() {
  if (work_->stop()) return;
  watching_->abandon();
  thread_.detach();
}

int64_t ModelWatcher::request_reload() noexcept { return work_->request_reload(); }

SwapCounts ModelWatcher::counts() const { return work_->counts(); }

}  // namespace zoo::streams
