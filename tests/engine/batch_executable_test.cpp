// A batch spread over threads gives what one image after the other does.
#include "nn/engine/compile/batch_executable.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/engine/compile/calibrator.h"
#include "nn/engine/plan/planned_executable.h"
#include "tests/engine/network_cases.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

using ::testing::Each;
using ::testing::Gt;

/// A planar map and a vector as outputs.
graph::BoundGraph two_outputs() {
  graph::GraphBuilder b(3);
  const graph::NodeId stem = b.conv(b.input(), "stem", {.out_channels = 24, .kernel = 3, .stride = 2});
  const graph::NodeId x = b.activation(stem, "act", ActivationKind::kHardSwish);
  b.output("features", x);
  b.output("logits", b.linear(b.flatten(b.global_avg_pool(x, "pool"), "flat"), "classifier", 10, true));
  return bind_formula(b.take());
}

/// Values of which the last lies at the end of a page, before one that nobody may touch.
class GuardedFloats {
 public:
  explicit GuardedFloats(const std::vector<float>& values) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = values.size() * sizeof(float);
    const size_t pages = (bytes + page - 1) / page * page;
    size_ = pages + page;
    memory_ = static_cast<std::byte*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory_ + pages, page, PROT_NONE);
    data_ = reinterpret_cast<float*>(memory_ + pages - bytes);
    std::ranges::copy(values, data_);
  }
  ~GuardedFloats() { munmap(memory_, size_); }
  GuardedFloats(const GuardedFloats&) = delete;
  GuardedFloats& operator=(const GuardedFloats&) = delete;

  float* data() const { return data_; }

 private:
  std::byte* memory_;
  size_t size_;
  float* data_;
};

TEST(SplitBatch, GivesEveryThreadAsManyPartsOfUpToFour) {
  struct Case {
    int64_t images;
    int threads;
    int64_t part_images, parts;
  };
  for (const Case& c : std::vector<Case>{{64, 2, 4, 16},
                                         {64, 4, 4, 16},
                                         {8, 2, 4, 2},
                                         {8, 8, 1, 8},
                                         {7, 2, 4, 2},
                                         {65, 2, 4, 17},
                                         {5, 4, 2, 3},
                                         {2, 2, 1, 2},
                                         {8, 1, 4, 2},
                                         {9, 1, 3, 3},
                                         {64, 1, 4, 16}}) {
    const BatchSplit split = split_batch(c.images, c.threads);
    EXPECT_EQ(split.part_images, c.part_images) << c.images << " on " << c.threads;
    EXPECT_EQ(split.parts, c.parts) << c.images << " on " << c.threads;
    EXPECT_GE(split.part_images * split.parts, c.images);
  }
}

TEST(BatchExecutable, ComputesWhatSingleImagesDo) {
  const graph::BoundGraph network = two_outputs();
  for (const int64_t images : {2, 3, 7, 16, 17}) {
    for (const int threads : {1, 2, 3}) {
      SCOPED_TRACE(fmt::format("{} images on {} threads", images, threads));
      expect_engines_agree(network, {images, 3, 20, 12}, threads);
    }
  }
}

TEST(BatchExecutable, EveryImageHasItsOwnResult) {
  const graph::BoundGraph network = two_outputs();
  const auto batch = Executable::compile(network, {7, 3, 16, 16}, {.tuned_threads = 2});
  const auto single = Executable::compile(network, {1, 3, 16, 16});
  const auto batch_runner = batch->new_runner(2);
  const auto single_runner = single->new_runner();
  const size_t image_size = single_runner->input().size();
  for (int round = 0; round < 3; ++round) {
    const Tensor images = weights::formula_input({7, 3, 16, 16}, "round" + std::to_string(round));
    std::ranges::copy(images.data, batch_runner->input().begin());
    batch_runner->run();
    for (size_t image = 0; image < 7; ++image) {
      std::ranges::copy(std::span(images.data).subspan(image * image_size, image_size), single_runner->input().begin());
      single_runner->run();
      for (size_t output = 0; output < 2; ++output) {
        const std::span<const float> expected = single_runner->output(output);
        EXPECT_TRUE(test::close_to_max(batch_runner->output(output).subspan(image * expected.size(), expected.size()),
                                       expected, 1e-5))
            << "image " << image;
      }
    }
  }
}

/// Calibrated on the image that run_network runs, or the first of its images.
std::shared_ptr<const Calibration> calibration_of(const graph::BoundGraph& network, const Shape& shape) {
  Calibrator calibrator(network, {1, shape[1], shape[2], shape[3]});
  const Tensor images = weights::formula_input(shape, "test");
  std::ranges::copy(std::span(images.data).first(calibrator.input().size()), calibrator.input().begin());
  calibrator.observe();
  return std::make_shared<const Calibration>(calibrator.finish(RangeMethod::kMinMax));
}

/// One for every kind of step that reads the image.
std::vector<CompileOptions> ways_to_read(const graph::BoundGraph& network, const Shape& shape) {
  std::vector<CompileOptions> ways;
  for (const InstructionSet isa : {InstructionSet::kSse, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    if (!is_available(isa)) continue;
    for (const char* kernels : {"own", "onednn"}) ways.push_back({.kernels = {.wanted = kernels, .isa = isa}});
  }
  for (const Precision precision : {Precision::kBf16, Precision::kInt8}) {
    if (!why_unavailable(precision).empty()) continue;
    ways.push_back({.precision = precision, .calibration = calibration_of(network, shape)});
  }
  return ways;
}

std::string name_of(const CompileOptions& options) {
  return fmt::format("{} {} {}", to_string(options.precision.value_or(Precision::kF32)), options.kernels.wanted,
                     to_string(options.kernels.isa));
}

TEST(BatchExecutable, EveryPartReadsItsOwnImagesWhateverReadsThem) {
  const graph::BoundGraph network = two_outputs();
  const Shape shape = {5, 3, 17, 13};
  for (const CompileOptions& one_thread : ways_to_read(network, shape)) {
    SCOPED_TRACE(name_of(one_thread));
    CompileOptions two_threads = one_thread;
    two_threads.tuned_threads = 2;
    const auto expected = run_network(network, shape, one_thread);
    const auto actual = run_network(network, shape, two_threads);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(test::close_to_max(actual[i], expected[i], 1e-2));
  }
}

TEST(PartRunner, ReadsTheSelectedInputAndNothingBehindIt) {
  const graph::BoundGraph network = two_outputs();
  for (const Shape& shape : {Shape{1, 3, 16, 16}, Shape{2, 3, 17, 13}, Shape{1, 3, 31, 35}}) {
    for (const CompileOptions& options : ways_to_read(network, shape)) {
      SCOPED_TRACE(name_of(options) + " " + shape.to_string());
      const auto executable = Executable::compile(network, shape, options);
      const auto expected = run_network(network, shape, options);
      const GuardedFloats image(weights::formula_input(shape, "test").data);
      const GuardedFloats other(weights::formula_input(shape, "other").data);
      const auto runner = new_part_runner(*executable, {other.data(), image.data()});
      for (const size_t part : {1U, 0U, 1U}) {
        runner->select(part);
        runner->run();
        EXPECT_EQ(static_cast<bool>(test::close_to_max(runner->output(1), expected[1], 1e-5)), part == 1);
      }
    }
  }
}

TEST(BatchExecutable, SharesTheWeightsAndTellsItsSize) {
  const graph::BoundGraph network = two_outputs();
  for (const int threads : {1, 2}) {
    SCOPED_TRACE(fmt::format("{} threads", threads));
    const auto batch = Executable::compile(network, {16, 3, 16, 16}, {.tuned_threads = threads});
    const auto single = Executable::compile(network, {1, 3, 16, 16});
    EXPECT_EQ(batch->steps().front().runs, 4);
    EXPECT_EQ(batch->input_shape(), (Shape{16, 3, 16, 16}));
    EXPECT_EQ(batch->outputs()[0].shape, (Shape{16, 24, 8, 8}));
    EXPECT_EQ(batch->outputs()[1].shape, (Shape{16, 10}));
    EXPECT_EQ(batch->weight_bytes(), single->weight_bytes());
    int64_t macs = 0;
    for (const StepInfo& step : batch->steps()) macs += step.macs * step.runs;
    int64_t single_macs = 0;
    for (const StepInfo& step : single->steps()) single_macs += step.macs * step.runs;
    EXPECT_EQ(macs, 16 * single_macs);
  }
}

TEST(BatchExecutable, TakesMemoryForThePartsThatRunAtATime) {
  const auto batch = Executable::compile(two_outputs(), {9, 3, 16, 16});  // in three parts
  const size_t one = batch->activation_bytes(1);
  const size_t two = batch->activation_bytes(2);
  const size_t three = batch->activation_bytes(3);
  EXPECT_GT(two, one);
  EXPECT_EQ(three - two, two - one);
  EXPECT_EQ(batch->activation_bytes(5), three);
}

TEST(BatchExecutable, TimesItsSteps) {
  const auto batch = Executable::compile(two_outputs(), {4, 3, 16, 16}, {.tuned_threads = 2});
  const auto runner = batch->new_runner(2);
  std::vector<int64_t> step_ns(batch->steps().size(), -1);
  runner->run_timed(step_ns);
  EXPECT_THAT(step_ns, Each(Gt(0)));
}

/// The layers of a mobile block, each with kernels of its own.
graph::BoundGraph mobile_block() {
  graph::GraphBuilder b(3);
  const auto act = [&](graph::NodeId x, const std::string& name) {
    return b.activation(x, name, ActivationKind::kHardSwish);
  };
  const graph::NodeId stem =
      act(b.conv(b.input(), "stem", {.out_channels = 24, .kernel = 3, .stride = 2, .bias = true}), "stem_act");
  const graph::NodeId expanded = act(pointwise(b, stem, "widen", 72), "widen_act");
  const graph::NodeId filtered = act(depthwise(b, expanded, "depthwise"), "depthwise_act");
  const graph::NodeId projected = pointwise(b, squeeze_excite(b, filtered, 24), "project", 24);
  const graph::NodeId pooled = b.global_avg_pool(b.add(projected, stem, "add"), "last_pool");
  b.output("logits", b.linear(b.flatten(pooled, "flat"), "classifier", 10, true));
  return bind_formula(b.take());
}

std::vector<float> logits_of(Runner& runner, const Shape& shape, const std::string& images) {
  std::ranges::copy(weights::formula_input(shape, images).data, runner.input().begin());
  runner.run();
  const std::span<const float> logits = runner.output(0);
  return {logits.begin(), logits.end()};
}

/// But for rounding: what is computed together decides the order of some sums. With more and fewer threads than it was
/// compiled for, few and many images, more and fewer threads than images or than parts of a batch.
TEST(Executable, RunnersWithAnyNumberOfThreadsYieldTheSame) {
  const graph::BoundGraph network = mobile_block();
  for (const Shape& shape : {Shape{1, 3, 18, 14}, Shape{1, 3, 86, 86}, Shape{2, 3, 18, 14}, Shape{9, 3, 18, 14}}) {
    for (CompileOptions options : ways_to_read(network, shape)) {
      const double allowed = options.precision.value_or(Precision::kF32) != Precision::kF32 ? 1e-2 : 1e-5;
      for (const int tuned_threads : {1, 3}) {
        SCOPED_TRACE(fmt::format("{} {} tuned for {}", name_of(options), shape.to_string(), tuned_threads));
        options.tuned_threads = tuned_threads;
        const auto executable = Executable::compile(network, shape, options);
        const auto expected = run_executable(*executable, 1);
        for (const int threads : {2, 3, 5, 7}) {
          const auto actual = run_executable(*executable, threads);
          EXPECT_TRUE(test::close_to_max(actual[0], expected[0], allowed)) << threads << " threads";
          EXPECT_EQ(run_executable(*executable, threads), actual) << threads << " threads again";
        }
      }
    }
  }
}

// The next two are also what the thread sanitizer is to see.

TEST(BatchExecutable, RunnersWithThreadsOfTheirOwnShareAnExecutable) {
  const graph::BoundGraph network = mobile_block();
  // Operations shared between threads, with few and with many parts that overlap; a batch in parts of three.
  for (const Shape& shape : {Shape{1, 3, 18, 14}, Shape{1, 3, 86, 86}, Shape{9, 3, 18, 14}}) {
    for (CompileOptions options : ways_to_read(network, shape)) {
      SCOPED_TRACE(name_of(options) + " " + shape.to_string());
      options.tuned_threads = 2;
      const auto executable = Executable::compile(network, shape, options);
      std::vector<std::vector<float>> expected;
      for (const char* user : {"a", "b", "c"}) {
        expected.push_back(logits_of(*executable->new_runner(1 + *user - 'a'), shape, user));
      }
      EXPECT_NE(expected[0], expected[1]);
      std::vector<std::vector<float>> actual(expected.size());
      {
        std::vector<std::jthread> users;
        for (size_t user = 0; user < actual.size(); ++user) {
          users.emplace_back([&, user] {
            const auto runner = executable->new_runner(1 + static_cast<int>(user));
            for (int round = 0; round < 3; ++round) {
              actual[user] = logits_of(*runner, shape, std::string(1, static_cast<char>('a' + user)));
            }
          });
        }
      }
      EXPECT_EQ(actual, expected);
    }
  }
}

TEST(BatchExecutable, IsCompiledOnSeveralThreadsAtTheSameTime) {
  const graph::BoundGraph network = mobile_block();
  const Shape shape = {9, 3, 18, 14};
  std::vector<CompileOptions> ways = ways_to_read(network, shape);
  ways.push_back({});
  for (CompileOptions options : ways) {
    SCOPED_TRACE(name_of(options));
    options.tuned_threads = 2;
    std::vector<std::vector<float>> actual(3);
    {
      std::vector<std::jthread> users;
      for (std::vector<float>& logits : actual) {
        users.emplace_back(
            [&] { logits = logits_of(*Executable::compile(network, shape, options)->new_runner(2), shape, "test"); });
      }
    }
    const auto expected = run_network(network, shape, options);
    for (const std::vector<float>& logits : actual) EXPECT_TRUE(test::close_to_max(logits, expected[0], 1e-4));
  }
}

}  // namespace
}  // namespace zoo::engine
