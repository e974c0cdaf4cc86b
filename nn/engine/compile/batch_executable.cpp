#include "nn/engine/compile/batch_executable.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "nn/core/one_thread.h"
#include "nn/engine/machine/aligned_buffer.h"
#include "nn/engine/machine/thread_pool.h"
#include "nn/engine/plan/planned_executable.h"

namespace zoo::engine {
namespace {

size_t float_bytes(const Shape& shape) { return static_cast<size_t>(shape.elements()) * sizeof(float); }

class BatchExecutable : public Executable {
 public:
  BatchExecutable(std::shared_ptr<const Executable> part, int64_t images)
      : part_(std::move(part)), input_(with_images(part_->input_shape(), images)) {
    split_.part_images = part_->input_shape()[0];
    split_.parts = (images + split_.part_images - 1) / split_.part_images;
    for (const IoInfo& output : part_->outputs()) outputs_.push_back({output.name, with_images(output.shape, images)});
  }

  const Shape& input_shape() const override { return input_; }
  const std::vector<IoInfo>& outputs() const override { return outputs_; }

  std::vector<StepInfo> steps() const override {
    std::vector<StepInfo> steps = part_->steps();
    for (StepInfo& step : steps) step.runs = split_.parts;
    return steps;
  }

  Precision precision() const override { return part_->precision(); }
  std::string note() const override { return part_->note(); }
  size_t weight_bytes() const override { return part_->weight_bytes(); }

  size_t activation_bytes(int threads) const override {
    const Team team = team_of(threads);
    const size_t of_part = part_->activation_bytes(team.threads_of_part) - float_bytes(part_->input_shape());
    size_t bytes = static_cast<size_t>(team.parts) * of_part + float_bytes(stored_input());
    for (const IoInfo& output : outputs_) bytes += float_bytes(output.shape);
    return bytes;
  }

  /// With the images that the last part lacks: they stay zero.
  Shape stored_input() const { return with_images(input_, split_.parts * split_.part_images); }

  const Executable& part() const { return *part_; }
  const BatchSplit& split() const { return split_; }

  /// How the threads of a runner are spread.
  struct Team {
    int parts = 1;  ///< at the same time
    int threads_of_part = 1;
  };
  Team team_of(int threads) const {
    const int parts = static_cast<int>(std::min<int64_t>(threads, split_.parts));
    return {parts, threads / parts};
  }

 private:
  std::unique_ptr<Runner> make_runner(int threads) const override;

  static Shape with_images(Shape shape, int64_t images) {
    shape.dims[0] = images;
    return shape;
  }

  std::shared_ptr<const Executable> part_;
  BatchSplit split_;
  Shape input_;
  std::vector<IoInfo> outputs_;
};

class BatchRunner : public Runner {
 public:
  BatchRunner(std::shared_ptr<const BatchExecutable> executable, int threads)
      : executable_(std::move(executable)),
        input_(float_bytes(executable_->stored_input())),
        pool_(executable_->team_of(threads).parts) {
    std::vector<float*> inputs(static_cast<size_t>(executable_->split().parts));
    const auto part_elements = static_cast<size_t>(executable_->part().input_shape().elements());
    for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = values(input_).subspan(i * part_elements).data();
    for (const IoInfo& output : executable_->outputs()) outputs_.emplace_back(float_bytes(output.shape));
    const size_t steps = executable_->steps().size();
    const BatchExecutable::Team team = executable_->team_of(threads);
    for (int i = 0; i < team.parts; ++i) {
      threads_.push_back({new_part_runner(executable_->part(), inputs, team.threads_of_part),
                          std::vector<int64_t>(steps), std::vector<int64_t>(steps)});
    }
  }

  std::span<float> input() override {
    return values(input_).first(static_cast<size_t>(executable_->input_shape().elements()));
  }

  void run() override {
    const OneThread::Use use = one_thread_.enter("Runner");
    run_parts([](OfThread& thread) { thread.runner->run(); });
  }

  void run_timed(std::span<int64_t> step_ns) override {
    const OneThread::Use use = one_thread_.enter("Runner");
    for (OfThread& thread : threads_) std::ranges::fill(thread.sum_ns, 0);
    run_parts([](OfThread& thread) {
      thread.runner->run_timed(thread.step_ns);
      std::ranges::transform(thread.sum_ns, thread.step_ns, thread.sum_ns.begin(), std::plus());
    });
    std::ranges::fill(step_ns, 0);
    for (const OfThread& thread : threads_) {
      std::ranges::transform(step_ns, thread.sum_ns, step_ns.begin(), std::plus());
    }
    for (int64_t& ns : step_ns) ns /= pool_.threads();
  }

  std::span<const float> output(size_t index) const override { return values(outputs_[index]); }

 private:
  struct OfThread {
    std::unique_ptr<PartRunner> runner;
    std::vector<int64_t> step_ns;
    std::vector<int64_t> sum_ns;
  };

  static std::span<float> values(const AlignedBuffer& buffer) {
    return {reinterpret_cast<float*>(buffer.data()), buffer.size() / sizeof(float)};
  }

  template <typename Run>
  void run_parts(Run run) {
    pool_.share(executable_->split().parts, [&](int64_t part, int number) {
      OfThread& thread = threads_[static_cast<size_t>(number)];
      const int64_t images = executable_->input_shape()[0];
      const int64_t first = part * executable_->split().part_images;
      const int64_t count = std::min(executable_->split().part_images, images - first);
      thread.runner->select(static_cast<size_t>(part));
      run(thread);
      for (size_t i = 0; i < outputs_.size(); ++i) {
        const std::span<float> dst = rows(values(outputs_[i]), images, first, count);
        std::ranges::copy(thread.runner->output(i).first(dst.size()), dst.begin());
      }
    });
  }

  static std::span<float> rows(std::span<float> all, int64_t images, int64_t first, int64_t count) {
    const size_t size = all.size() / static_cast<size_t>(images);
    return all.subspan(static_cast<size_t>(first) * size, static_cast<size_t>(count) * size);
  }

  std::shared_ptr<const BatchExecutable> executable_;
  AlignedBuffer input_;
  std::vector<AlignedBuffer> outputs_;
  std::vector<OfThread> threads_;
  OneThread one_thread_;
  ThreadPool pool_;
};

std::unique_ptr<Runner> BatchExecutable::make_runner(int threads) const {
  return std::make_unique<BatchRunner>(std::static_pointer_cast<const BatchExecutable>(this->shared_from_this()),
                                       threads);
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

BatchSplit split_batch(int64_t images, int threads) {
  constexpr int64_t kMaxPart = 4;
  const int64_t rounds = divide_up(images, threads * kMaxPart);
  const int64_t part_images = divide_up(images, threads * rounds);
  return {part_images, divide_up(images, part_images)};
}

std::shared_ptr<const Executable> spread_batch(std::shared_ptr<const Executable> part, int64_t images) {
  return std::make_shared<BatchExecutable>(std::move(part), images);
}

}  // namespace zoo::engine
