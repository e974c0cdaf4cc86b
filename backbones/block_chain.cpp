#include "backbones/block_chain.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/activation_config.h"
#include "nn/core/config_number.h"

namespace zoo::backbones {
namespace {

constexpr int64_t kMaxKernel = 31;
constexpr int64_t kMaxDilation = 16;
// Inputs are at most 8192 pixels wide; beyond this nothing is left of them.
constexpr int64_t kMaxTotalStride = 1024;

bool is_switch(const ConfigNode& value) {
  if (!value.is_scalar()) return false;
  std::string word = value.as_string();
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 6> kWords = {"true", "false", "yes", "no", "on", "off"};
  return std::ranges::find(kWords, word) != kWords.end();
}

}  // namespace

int64_t read_channels(const ConfigNode& node) { return node.as_int_in(1, kMaxChannels, 0); }

int64_t read_kernel(const ConfigNode& node) {
  const int64_t kernel = node.as_int_in(1, kMaxKernel, 1);
  if (kernel % 2 == 0) node.problem(fmt::format("must be odd, found {}", kernel));
  return kernel;
}

int64_t read_stride(const ConfigNode& node) { return node.as_int_in(1, kMaxStride, 1); }
int64_t read_dilation(const ConfigNode& node) { return node.as_int_in(1, kMaxDilation, 1); }
int64_t read_divisor(const ConfigNode& node) { return node.as_int_in(1, kMaxChannels, 1); }
bool read_bool(const ConfigNode& node) { return node.as_bool(); }

bool read_flag(const ConfigNode& node) {
  const bool is_number = node.is_scalar() && (node.as_string() == "0" || node.as_string() == "1");
  return is_number ? node.as_int() == 1 : node.as_bool();
}

void check_row_values(std::span<const ConfigNode> values) {
  for (const ConfigNode& value : values) {
    if (!is_switch(value) && !value.is_null()) value.as_int_in(0, kMaxChannels, 0);
  }
}

int64_t channels_or(const ConfigNode& node, int64_t fallback) {
  return given(node) ? node.as_int_in(1, kMaxChannels, fallback) : fallback;
}

void decode_norm_options(const ConfigNode& params, NormOptions& norm) {
  norm.kind = decode_norm(params.find("norm_type"), norm.kind);
  norm.eps = read_norm_eps(params.find("norm_eps"), norm.eps);
}

bool decode_same_padding(const ConfigNode& params) {
  const ConfigNode node = params.find("padding");
  const std::array<std::string, 2> choices = {"symmetric", "same"};
  return node && node.as_choice(choices, "padding") == size_t{1};
}

void BlockChain::check_in_channels(const ConfigNode& node, int64_t in_channels) const {
  if (in_channels == 0 || channels_ == 0 || in_channels == channels_) return;
  node.problem(fmt::format("{}, but the {} yields {} channels", in_channels, before_, channels_));
}

void BlockChain::check_expanded(const ConfigNode& node, int64_t expanded_channels, int64_t in_channels) const {
  if (expanded_channels == 0 || expanded_channels >= in_channels) return;
  node.problem(fmt::format("{} is less than the block's {} input channels", expanded_channels, in_channels));
}

int64_t BlockChain::check_stride(const ConfigNode& node, int64_t stride, int64_t dilation) {
  if (stride > 1 && dilation > 1) {
    node.problem(fmt::format("{}, but dilation is {}: a dilated convolution keeps the resolution, write stride 1",
                             stride, dilation));
  }
  if (total_stride_ * stride > kMaxTotalStride) {
    node.problem(fmt::format("the network's stride grows to {}, at most {} is supported", total_stride_ * stride,
                             kMaxTotalStride));
    return 1;
  }
  total_stride_ *= stride;
  return stride;
}

void BlockChain::advance(int64_t out_channels) {
  channels_ = out_channels;
  before_ = "block before";
}

}  // namespace zoo::backbones
