#include "backbones/mobilenetv3_stages.h"

#include <array>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/activation_config.h"

namespace zoo::backbones {
namespace {

constexpr int64_t kMaxKernel = 31;
constexpr int64_t kMaxStride = 4;
constexpr int64_t kMaxDilation = 16;
// Inputs are at most 8192 pixels wide; beyond this nothing is left of them.
constexpr int64_t kMaxTotalStride = 1024;

using Names = std::span<const std::string_view>;

bool given(const ConfigNode& node) { return node.exists() && !node.is_null(); }

// Zero stands for a value that could not be read; a problem has been recorded then and checks leave it alone.
int64_t read_channels(const ConfigNode& node) { return node.as_int_in(1, kMaxMobileNetV3Channels, 0); }

int64_t read_kernel(const ConfigNode& node) {
  const int64_t kernel = node.as_int_in(1, kMaxKernel, 1);
  if (kernel % 2 == 0) node.problem(fmt::format("must be odd, found {}", kernel));
  return kernel;
}

bool read_bool(const ConfigNode& node) { return node.as_bool(); }
int64_t read_stride(const ConfigNode& node) { return node.as_int_in(1, kMaxStride, 1); }
int64_t read_dilation(const ConfigNode& node) { return node.as_int_in(1, kMaxDilation, 1); }
int64_t read_reduction(const ConfigNode& node) { return node.as_int_in(1, kMaxMobileNetV3Channels, 1); }
ActivationKind read_activation(const ConfigNode& node) { return decode_activation(node, ActivationKind::kRelu); }

// lucid writes its flags as Python booleans or as 0 and 1.
bool read_flag(const ConfigNode& node) {
  const bool is_number = node.is_scalar() && (node.as_string() == "0" || node.as_string() == "1");
  return is_number ? node.as_int() == 1 : node.as_bool();
}

// Checks blocks against each other as they come in, in the order of the network.
class BlockChain {
 public:
  // The stem, or whatever else the first block reads; 0 if unknown.
  explicit BlockChain(int64_t stem_channels) : channels_(stem_channels) {}

  void check_in_channels(const ConfigNode& node, int64_t in_channels) const {
    if (in_channels == 0 || channels_ == 0 || in_channels == channels_) return;
    node.problem(
        fmt::format("{}, but the {} yields {} channels", in_channels, is_first_ ? "stem" : "block before", channels_));
  }

  void check_expanded(const ConfigNode& node, const MobileNetV3Block& block) const {
    if (block.expanded_channels == 0 || block.expanded_channels >= block.in_channels) return;
    node.problem(
        fmt::format("{} is less than the block's {} input channels", block.expanded_channels, block.in_channels));
  }

  // Yields the stride to go on with.
  int64_t check_stride(const ConfigNode& node, const MobileNetV3Block& block) {
    if (block.stride > 1 && block.dilation > 1) {
      node.problem(fmt::format("{}, but dilation is {}: a dilated convolution keeps the resolution, write stride 1",
                               block.stride, block.dilation));
    }
    if (total_stride_ * block.stride > kMaxTotalStride) {
      node.problem(fmt::format("the network's stride grows to {}, at most {} is supported",
                               total_stride_ * block.stride, kMaxTotalStride));
      return 1;
    }
    total_stride_ *= block.stride;
    return block.stride;
  }

  void advance(int64_t out_channels) {
    channels_ = out_channels;
    is_first_ = false;
  }
  int64_t channels() const { return channels_; }

 private:
  int64_t channels_;
  int64_t total_stride_ = 2;
  bool is_first_ = true;
};

// One list of a stage, e.g. `kernel_sizes`.
struct Column {
  ConfigNode node;
  std::vector<ConfigNode> items;
};

Column required_column(const ConfigNode& stage, Names names) {
  ConfigNode node = stage.find_any(names);
  if (!node) node = stage.at(names.front());
  return {node, node.items()};
}

Column optional_column(const ConfigNode& stage, std::string_view name) {
  const ConfigNode node = stage.find(name);
  if (!given(node)) return {node, {}};
  return {node, node.items()};
}

template <typename Read>
auto read_all(const Column& column, Read read) {
  std::vector<decltype(read(column.node))> values;
  for (const ConfigNode& item : column.items) values.push_back(read(item));
  return values;
}

constexpr std::array<std::string_view, 1> kInChannels = {"in_channels"};
constexpr std::array<std::string_view, 1> kKernelSizes = {"kernel_sizes"};
constexpr std::array<std::string_view, 1> kExpandedChannels = {"expanded_channels"};
constexpr std::array<std::string_view, 1> kOutChannels = {"out_channels"};
constexpr std::array<std::string_view, 1> kUseSe = {"use_se"};
constexpr std::array<std::string_view, 2> kActType = {"act_type", "activation"};
constexpr std::array<std::string_view, 1> kStride = {"stride"};

// One entry of `stage_params`: a map of equally long lists.
std::vector<MobileNetV3Block> decode_stage(const ConfigNode& stage, int64_t default_reduction, BlockChain& chain) {
  const Column in_column = required_column(stage, kInChannels);
  const Column kernel_column = required_column(stage, kKernelSizes);
  const Column expanded_column = required_column(stage, kExpandedChannels);
  const Column out_column = required_column(stage, kOutChannels);
  const Column se_column = required_column(stage, kUseSe);
  const Column act_column = required_column(stage, kActType);
  const Column stride_column = required_column(stage, kStride);
  const Column dilation_column = optional_column(stage, "dilation");
  const Column skip_column = optional_column(stage, "use_skip");
  const Column reduction_column = optional_column(stage, "se_reduction");

  const auto in_channels = read_all(in_column, read_channels);
  const auto kernels = read_all(kernel_column, read_kernel);
  const auto expanded = read_all(expanded_column, read_channels);
  const auto out_channels = read_all(out_column, read_channels);
  const auto use_se = read_all(se_column, read_bool);
  const auto activations = read_all(act_column, read_activation);
  const auto strides = read_all(stride_column, read_stride);
  const auto dilations = read_all(dilation_column, read_dilation);
  const auto use_skip = read_all(skip_column, read_bool);
  const auto reductions = read_all(reduction_column, read_reduction);

  const size_t count = in_channels.size();
  if (in_column.node.is_list() && count == 0) in_column.node.problem("empty: a stage has at least one block");
  bool equally_long = count > 0;
  for (const Column* column : {&kernel_column, &expanded_column, &out_column, &se_column, &act_column, &stride_column,
                               &dilation_column, &skip_column, &reduction_column}) {
    const bool optional = column == &dilation_column || column == &skip_column || column == &reduction_column;
    if (optional && !given(column->node)) continue;
    if (column->items.size() == count) continue;
    equally_long = false;
    if (!column->node.is_list() || count == 0) continue;
    column->node.problem(fmt::format("{} value{}, but in_channels has {}", column->items.size(),
                                     column->items.size() == 1 ? "" : "s", count));
  }
  if (!equally_long) {
    chain.advance(0);
    return {};
  }

  std::vector<MobileNetV3Block> blocks;
  for (size_t i = 0; i < count; ++i) {
    MobileNetV3Block block = {.in_channels = in_channels[i],
                              .kernel = kernels[i],
                              .expanded_channels = expanded[i],
                              .out_channels = out_channels[i],
                              .use_se = use_se[i],
                              .activation = activations[i],
                              .stride = strides[i],
                              .dilation = dilations.empty() ? 1 : dilations[i],
                              .use_skip = use_skip.empty() || use_skip[i],
                              .se_reduction = reductions.empty() ? default_reduction : reductions[i]};
    chain.check_in_channels(in_column.items[i], block.in_channels);
    chain.check_expanded(expanded_column.items[i], block);
    block.stride = chain.check_stride(stride_column.items[i], block);
    chain.advance(block.out_channels);
    blocks.push_back(block);
  }
  return blocks;
}

}  // namespace

MobileNetV3Stages decode_bottleneck_rows(const ConfigNode& rows, const StageContext& context) {
  BlockChain chain(context.stem_channels);
  MobileNetV3Stages stages;
  if (rows.is_list() && rows.items().empty()) rows.problem("empty: a backbone has at least one block");
  for (const ConfigNode& row : rows.items()) {
    const std::vector<ConfigNode> values = row.items();
    if (values.size() != 6 && values.size() != 7) {
      if (row.is_list()) {
        row.problem(
            fmt::format("{} value{}; a row is [kernel, mid, out, use_se, use_hs, stride] with an optional "
                        "se_reduction at the end",
                        values.size(), values.size() == 1 ? "" : "s"));
      }
      row.skip();
      chain.advance(0);
      continue;
    }
    MobileNetV3Block block = {.in_channels = chain.channels(),
                              .kernel = read_kernel(values[0]),
                              .expanded_channels = read_channels(values[1]),
                              .out_channels = read_channels(values[2]),
                              .use_se = read_flag(values[3]),
                              .activation = read_flag(values[4]) ? ActivationKind::kHardSwish : ActivationKind::kRelu,
                              .stride = read_stride(values[5]),
                              .se_reduction = values.size() == 7 ? read_reduction(values[6]) : context.se_reduction};
    chain.check_expanded(values[1], block);
    block.stride = chain.check_stride(values[5], block);
    chain.advance(block.out_channels);
    if (stages.empty() || block.stride > 1) stages.emplace_back();
    stages.back().push_back(block);
  }
  return stages;
}

MobileNetV3Stages decode_stage_params(const ConfigNode& stage_params, const StageContext& context) {
  BlockChain chain(context.stem_channels);
  MobileNetV3Stages stages;
  if (stage_params.is_list() && stage_params.items().empty()) {
    stage_params.problem("empty: a backbone has at least one stage");
  }
  for (const ConfigNode& stage : stage_params.items()) {
    stages.push_back(decode_stage(stage, context.se_reduction, chain));
  }
  return stages;
}

}  // namespace zoo::backbones
