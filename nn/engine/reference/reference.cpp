#include "nn/engine/reference/reference.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <type_traits>
#include <variant>

#include "nn/core/checked_values.h"
#include "nn/core/one_thread.h"
#include "nn/engine/machine/step_timer.h"
#include "nn/engine/reference/reference_ops.h"

namespace zoo::engine {
namespace {

class ReferenceExecutable;

class ReferenceRunner : public Runner {
 public:
  explicit ReferenceRunner(std::shared_ptr<const ReferenceExecutable> executable);

  std::span<float> input() override { return values_.front(); }
  void run() override;
  void run_timed(std::span<int64_t> step_ns) override;
  std::span<const float> output(size_t index) const override;

 private:
  void run_node(size_t index);

  std::shared_ptr<const ReferenceExecutable> executable_;
  std::vector<std::vector<float>> values_;
  OneThread one_thread_;
};

class ReferenceExecutable : public Executable {
 public:
  ReferenceExecutable(const graph::BoundGraph& network, const Shape& input)
      : network_(network), shapes_(graph::infer_shapes(network.graph, input)) {
    for (const graph::Output& output : network_.graph.outputs) outputs_.push_back({output.name, shape_of(output.node)});
  }

  const Shape& input_shape() const override { return shapes_.front(); }
  const std::vector<IoInfo>& outputs() const override { return outputs_; }

  std::vector<StepInfo> steps() const override {
    const std::vector<int64_t> macs = graph::multiply_accumulates(network_.graph, shapes_);
    std::vector<StepInfo> steps;
    for (size_t i = 1; i < network_.graph.nodes.size(); ++i) {
      const graph::Node& node = network_.graph.nodes[i];
      StepInfo& step = steps.emplace_back();
      step.node = node.name;
      step.op = graph::op_name(node.op);
      step.implementation = "reference";
      step.macs = macs[i];
      for (graph::NodeId input : node.inputs) step.srcs.push_back(shape_of(input));
      step.dst = shapes_[i];
      int64_t elements = step.dst.elements();
      for (const Shape& src : step.srcs) elements += src.elements();
      step.activation_bytes = static_cast<size_t>(elements) * sizeof(float);
    }
    return steps;
  }

  size_t weight_bytes() const override { return 0; }  // reads the network's own values

  size_t activation_bytes(int /*threads*/) const override {
    size_t elements = 0;
    for (const Shape& shape : shapes_) elements += static_cast<size_t>(shape.elements());
    return elements * sizeof(float);
  }

  const graph::BoundGraph& network() const { return network_; }
  const Shape& shape_of(graph::NodeId node) const { return shapes_[static_cast<size_t>(node)]; }

 private:
  std::unique_ptr<Runner> make_runner(int /*threads*/) const override {
    return std::make_unique<ReferenceRunner>(
        std::static_pointer_cast<const ReferenceExecutable>(this->shared_from_this()));
  }

  graph::BoundGraph network_;
  std::vector<Shape> shapes_;
  std::vector<IoInfo> outputs_;
};

ReferenceRunner::ReferenceRunner(std::shared_ptr<const ReferenceExecutable> executable)
    : executable_(std::move(executable)) {
  const auto& nodes = executable_->network().graph.nodes;
  for (size_t i = 0; i < nodes.size(); ++i) {
    values_.emplace_back(static_cast<size_t>(executable_->shape_of(static_cast<graph::NodeId>(i)).elements()));
  }
}

void ReferenceRunner::run() {
  const OneThread::Use use = one_thread_.enter("Runner");
  check_unchanged(executable_->network().values);
  for (size_t i = 1; i < values_.size(); ++i) run_node(i);
}

void ReferenceRunner::run_timed(std::span<int64_t> step_ns) {
  const OneThread::Use use = one_thread_.enter("Runner");
  check_unchanged(executable_->network().values);
  StepTimer timer;
  for (size_t i = 1; i < values_.size(); ++i) {
    run_node(i);
    step_ns[i - 1] = timer.lap_ns();
  }
}

void ReferenceRunner::run_node(size_t index) {
  const graph::BoundGraph& network = executable_->network();
  const graph::Node& node = network.graph.nodes[index];
  std::vector<reference::TensorView> srcs;
  for (graph::NodeId input : node.inputs) {
    srcs.push_back({executable_->shape_of(input), values_[static_cast<size_t>(input)]});
  }
  reference::evaluate(node.op, srcs, network.values, executable_->shape_of(static_cast<graph::NodeId>(index)),
                      values_[index]);
}

std::span<const float> ReferenceRunner::output(size_t index) const {
  return values_[static_cast<size_t>(executable_->network().graph.outputs[index].node)];
}

}  // namespace

std::shared_ptr<const Executable> compile_reference(const graph::BoundGraph& network, const Shape& input) {
  return std::make_shared<ReferenceExecutable>(network, input);
}

}  // namespace zoo::engine
