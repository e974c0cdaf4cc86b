#include "nn/engine/plan/planned_executable.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/one_thread.h"
#include "nn/engine/machine/aligned_buffer.h"
#include "nn/engine/machine/parallel.h"
#include "nn/engine/machine/step_timer.h"
#include "nn/engine/machine/thread_pool.h"
#include "nn/engine/plan/memory_plan.h"

namespace zoo::engine {
namespace {

/// Start of every value and packed weight: one cache line, and what AVX-512 wants.
constexpr size_t kAlignment = 64;

class PlannedExecutable : public Executable {
 public:
  PlannedExecutable(CompiledSteps compiled, const graph::Graph& graph, Precision precision)
      : compiled_(std::move(compiled)), precision_(precision) {
    pack_weights();
    plan_activations();
    for (size_t i = 0; i < graph.outputs.size(); ++i) {
      outputs_.push_back({graph.outputs[i].name, value(compiled_.outputs[i]).shape});
    }
  }

  const Shape& input_shape() const override { return value(compiled_.input).shape; }
  const std::vector<IoInfo>& outputs() const override { return outputs_; }

  std::vector<StepInfo> steps() const override {
    std::vector<StepInfo> infos;
    for (const auto& step : compiled_.steps) {
      StepInfo info = step->info;
      for (ValueId read : step->reads) {
        info.srcs.push_back(value(read).shape);
        info.activation_bytes += value(read).bytes;
      }
      info.dst = value(step->writes).shape;
      info.activation_bytes += value(step->writes).bytes;
      infos.push_back(std::move(info));
    }
    return infos;
  }

  Precision precision() const override { return precision_; }
  std::string note() const override { return compiled_.note; }
  size_t weight_bytes() const override { return weights_.size(); }
  size_t activation_bytes(int threads) const override { return input_bytes() + arena_bytes_ + scratch_bytes(threads); }

  const CompiledSteps& compiled() const { return compiled_; }
  const Value& value(ValueId id) const { return compiled_.values[static_cast<size_t>(id)]; }
  size_t input_bytes() const { return (value(compiled_.input).bytes + kAlignment - 1) / kAlignment * kAlignment; }
  size_t arena_bytes() const { return arena_bytes_; }
  /// Offset of a value in the arena; the input lies before it.
  size_t offset(ValueId id) const { return offsets_[static_cast<size_t>(id)]; }

 private:
  std::unique_ptr<Runner> make_runner(int threads) const override;

  size_t scratch_bytes(int threads) const {
    size_t most = 0;
    for (const auto& step : compiled_.steps) {
      const size_t of_threads = step->thread_scratch_bytes ? step->thread_scratch_bytes(threads) : 0;
      most = std::max(most, step->scratch_bytes + of_threads);
    }
    return most;
  }

  void pack_weights() {
    size_t total = 0;
    for (const auto& block : compiled_.packed) total += (block->bytes + kAlignment - 1) / kAlignment * kAlignment;
    weights_ = AlignedBuffer(total);
    std::byte* next = weights_.data();
    for (const auto& block : compiled_.packed) {
      block->data = next;
      block->pack(next);
      block->pack = nullptr;
      next += (block->bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
  }

  /// Which memory a value uses: in-place steps give their output the memory of their first input.
  std::vector<ValueId> share_in_place(const std::vector<Lifetime>& lifetimes) const {
    std::vector<ValueId> home(compiled_.values.size());
    for (size_t i = 0; i < home.size(); ++i) home[i] = static_cast<ValueId>(i);
    for (size_t s = 0; s < compiled_.steps.size(); ++s) {
      const Step& step = *compiled_.steps[s];
      if (!step.in_place || step.reads[0] == compiled_.input) continue;
      const auto src = static_cast<size_t>(step.reads[0]);
      const bool last_use = lifetimes[src].last == s;
      const bool read_once = std::count(step.reads.begin(), step.reads.end(), step.reads[0]) == 1;
      if (last_use && read_once) home[static_cast<size_t>(step.writes)] = home[src];
    }
    return home;
  }

  void plan_activations() {
    const size_t step_count = compiled_.steps.size();
    std::vector<Lifetime> lifetimes(compiled_.values.size());
    for (size_t i = 0; i < lifetimes.size(); ++i) lifetimes[i].bytes = compiled_.values[i].bytes;
    for (size_t s = 0; s < step_count; ++s) {
      const Step& step = *compiled_.steps[s];
      for (ValueId read : step.reads) lifetimes[static_cast<size_t>(read)].last = s;
      for (const ValueId id : {step.writes, step.also_writes}) {
        if (id < 0) continue;
        Lifetime& written = lifetimes[static_cast<size_t>(id)];
        written.first = s;
        written.last = std::max(written.last, s);
      }
    }
    for (ValueId output : compiled_.outputs) lifetimes[static_cast<size_t>(output)].last = step_count;

    const std::vector<ValueId> home = share_in_place(lifetimes);
    for (size_t i = 0; i < home.size(); ++i) {
      Lifetime& shared = lifetimes[static_cast<size_t>(home[i])];
      shared.first = std::min(shared.first, lifetimes[i].first);
      shared.last = std::max(shared.last, lifetimes[i].last);
      shared.bytes = std::max(shared.bytes, lifetimes[i].bytes);
      if (home[i] != static_cast<ValueId>(i)) lifetimes[i].bytes = 0;
    }
    // The image keeps its own memory, so that it can be run again.
    lifetimes[static_cast<size_t>(compiled_.input)].bytes = 0;

    const MemoryPlan plan = plan_memory(lifetimes, kAlignment);
    arena_bytes_ = plan.total_bytes;
    offsets_.resize(home.size());
    for (size_t i = 0; i < home.size(); ++i) offsets_[i] = plan.offsets[static_cast<size_t>(home[i])];
  }

  CompiledSteps compiled_;
  Precision precision_;
  AlignedBuffer weights_;
  std::vector<size_t> offsets_;
  size_t arena_bytes_ = 0;
  std::vector<IoInfo> outputs_;
};

class PlannedRunner : public PartRunner {
 public:
  /// Without `inputs` it has one of its own.
  PlannedRunner(std::shared_ptr<const PlannedExecutable> executable, std::vector<float*> inputs, int threads)
      : executable_(std::move(executable)),
        inputs_(std::move(inputs)),
        buffer_(executable_->activation_bytes(threads) - (inputs_.empty() ? 0 : executable_->input_bytes())),
        pool_(threads) {
    const CompiledSteps& compiled = executable_->compiled();
    std::byte* arena = buffer_.data();
    if (inputs_.empty()) {
      inputs_.push_back(reinterpret_cast<float*>(buffer_.data()));
      arena += executable_->input_bytes();
    }
    RunnerMemory memory{.threads = threads, .values = {}};
    for (size_t i = 0; i < compiled.values.size(); ++i) {
      memory.values.push_back(reinterpret_cast<float*>(arena + executable_->offset(static_cast<ValueId>(i))));
    }
    memory.scratch = arena + executable_->arena_bytes();
    for (const auto& step : compiled.steps) steps_.push_back(bind(*step, memory));
    for (const ValueId output : compiled.outputs) outputs_.push_back(memory[output]);
  }

  void select(size_t part) override { selected_ = part; }

  std::span<float> input() override {
    return {inputs_[selected_], static_cast<size_t>(executable_->input_shape().elements())};
  }

  void run() override {
    const OneThread::Use use = one_thread_.enter("Runner");
    const PoolScope scope(&pool_);
    size_t at = 0;
    try {
      for (; at < steps_.size(); ++at) selected(steps_[at]).run();
    } catch (const EngineError& error) {
      throw EngineError(fmt::format("node \"{}\": {}", executable_->compiled().steps[at]->info.node, error.what()));
    }
  }

  void run_timed(std::span<int64_t> step_ns) override {
    const OneThread::Use use = one_thread_.enter("Runner");
    const PoolScope scope(&pool_);
    StepTimer timer;
    for (size_t i = 0; i < steps_.size(); ++i) {
      selected(steps_[i]).run();
      step_ns[i] = timer.lap_ns();
    }
  }

  std::span<const float> output(size_t index) const override {
    return {outputs_[index], static_cast<size_t>(executable_->outputs()[index].shape.elements())};
  }

 private:
  /// One, or one for each input where the step reads that.
  using BoundForInputs = std::vector<std::unique_ptr<BoundStep>>;

  BoundForInputs bind(const Step& step, RunnerMemory& memory) const {
    const ValueId input = executable_->compiled().input;
    const bool reads_input = std::ranges::find(step.reads, input) != step.reads.end();
    BoundForInputs bound;
    bound.reserve(reads_input ? inputs_.size() : 1);
    for (float* place : std::span(inputs_).first(reads_input ? inputs_.size() : 1)) {
      memory.values[static_cast<size_t>(input)] = place;
      bound.push_back(step.bind(memory));
    }
    return bound;
  }

  BoundStep& selected(const BoundForInputs& bound) const { return *bound[bound.size() == 1 ? 0 : selected_]; }

  std::shared_ptr<const PlannedExecutable> executable_;
  std::vector<float*> inputs_;
  AlignedBuffer buffer_;
  std::vector<BoundForInputs> steps_;
  std::vector<const float*> outputs_;
  size_t selected_ = 0;
  OneThread one_thread_;
  ThreadPool pool_;
};

std::unique_ptr<Runner> PlannedExecutable::make_runner(int threads) const {
  return std::make_unique<PlannedRunner>(std::static_pointer_cast<const PlannedExecutable>(this->shared_from_this()),
                                         std::vector<float*>{}, threads);
}

}  // namespace

std::unique_ptr<PartRunner> new_part_runner(const Executable& executable, std::vector<float*> inputs, int threads) {
  return std::make_unique<PlannedRunner>(
      std::static_pointer_cast<const PlannedExecutable>(executable.shared_from_this()), std::move(inputs), threads);
}

std::shared_ptr<const Executable> plan_executable(CompiledSteps compiled, const graph::Graph& graph,
                                                  Precision precision) {
  return std::make_shared<PlannedExecutable>(std::move(compiled), graph, precision);
}

}  // namespace zoo::engine
