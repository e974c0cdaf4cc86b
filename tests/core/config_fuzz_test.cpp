// Damaged model files: whatever the bytes, reading ends with values or with a ConfigError of one-line problems.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "nn/core/config_node.h"
#include "nn/core/error.h"

namespace zoo {
namespace {

constexpr std::string_view kModelFile = R"(# A model file with every form that YAML offers.
model:
  task: classification
  name: "mobilenet_v3_small"
  num_classes: 1000
  checkpoint: {use_pretrained: False, path: ~}
  freeze_backbone: no
  architecture:
    full: ~
    backbone:
      name: mobilenetv3
      params: &params
        act_type: 'hard_swish'
        norm_eps: 1e-3
        width: 0x10
      stage_params:
        - &stage
          in_channels: [16]
          kernel_sizes: [3]
          expanded_channels: [16]
          out_channels: [16]
          use_se: [True]
          act_type: ["relu"]
          stride: [2]
        - <<: *stage
          in_channels: [16, 24]
          kernel_sizes: [3, 3]
          expanded_channels: [72, 88]
          out_channels: [24, 24]
          use_se: [False, False]
          act_type: ["relu", "relu"]
          stride: [2, 1]
        -
          <<: [*stage, {dilation: [1]}]
          in_channels:
          - 24
          - 40
          kernel_sizes: [5, 5]
          stride: [2,
                   1]
        - [uir, 96, 192, True, 5, True, 5, 2]
    neck: !!map {}
    head:
      name: fc
      params:
        <<: *params
        num_layers: !!int 2
        intermediate_channels: 1_024
        dropout_prob: 0.
  description: >-
    A network for
    classification.
  notes: |
    Trained on images.

    "quoted" text: with # signs
  losses:
    - criterion: cross_entropy
      label_smoothing: 0.1
      weight: ~
preprocess: {resize: 256, crop: 224, mean: [0.485, 0.456, 0.406], "std": [.229, .224, .225], color: rgb}
runtime: &runtime
  precision: f32
  threads: 1
? explicit
: *runtime
)";

// Reads every value in every way.
void read_everything(const ConfigNode& node) {
  static const std::vector<std::string> choices = {"relu", "hard_swish", "rgb"};
  if (node.is_map()) {
    node.find("kernel_sizes").as_int_list();
    node.at("name").as_string();
    for (const std::string& key : node.keys()) {
      if (key.size() % 5 != 0) read_everything(node.at(key));
    }
  } else if (node.is_list()) {
    for (const ConfigNode& item : node.items()) read_everything(item);
    node.as_bool_list();
  } else {
    node.as_double();
    node.as_int_in(1, 4096, 1);
    node.as_bool();
    node.as_string();
    node.as_choice(choices, "choice");
  }
}

// Empty if reading ended as it should.
std::string fault_of(const std::string& text, std::span<const ConfigOverride> overrides = {}) {
  try {
    const ConfigDocument document = ConfigDocument::parse(text, "x.yaml", overrides);
    read_everything(document.root());
    document.finish();
  } catch (const ConfigError& error) {
    for (const std::string& line : error.problems()) {
      if (!line.starts_with("x.yaml:") && !line.starts_with("--set ")) return "problem without a place: " + line;
      if (line.find('\n') != line.npos) return "problem of several lines: " + line;
    }
    return error.problems().empty() ? "an error without problems" : "";
  } catch (const std::exception& error) {
    return std::string("another exception: ") + error.what();
  }
  return "";
}

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  size_t below(size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random_); }

  void mutate(std::string& text) {
    // Characters that mean something to YAML do more harm than random ones.
    static constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@` \t\n\r~<.0x";
    const size_t at = text.empty() ? 0 : below(text.size());
    switch (below(6)) {
      case 0:
        if (!text.empty()) text[at] = static_cast<char>(below(256));
        break;
      case 1:
        if (!text.empty()) text[at] = kIndicators[below(kIndicators.size())];
        break;
      case 2:
        text.insert(at, 1, kIndicators[below(kIndicators.size())]);
        break;
      case 3:
        text.erase(at, below(8));
        break;
      case 4:
        text.insert(at, text.substr(below(text.size() + 1), below(64)));
        break;
      default:
        if (below(8) == 0) text.resize(at);
        break;
    }
  }

 private:
  std::mt19937 random_;
};

TEST(ConfigFuzz, StartsFromAValidFile) {
  const ConfigDocument document = ConfigDocument::parse(kModelFile, "x.yaml");
  document.root().skip();
  EXPECT_NO_THROW(document.finish());
  EXPECT_EQ(document.root().at("explicit").at("threads").as_int(), 1);
}

TEST(ConfigFuzz, SurvivesTruncationAtEveryByte) {
  for (size_t length = 0; length <= kModelFile.size(); ++length) {
    ASSERT_EQ(fault_of(std::string(kModelFile.substr(0, length))), "") << "first " << length << " bytes";
  }
}

TEST(ConfigFuzz, SurvivesRandomDamage) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    Mutator mutator(seed);
    std::string text(kModelFile);
    const size_t count = 1 + mutator.below(6);
    for (size_t i = 0; i < count; ++i) mutator.mutate(text);
    ASSERT_EQ(fault_of(text), "") << "seed " << seed << "\n" << text;
  }
}

TEST(ConfigFuzz, SurvivesDamagedOverrides) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    Mutator mutator(seed);
    ConfigOverride setting{"model.architecture.backbone.stage_params[1].stride", "{a: [1, *x], <<: {b: 2}}"};
    mutator.mutate(setting.path);
    for (int i = 0; i < 3; ++i) mutator.mutate(setting.value);
    ASSERT_EQ(fault_of(std::string(kModelFile), std::span(&setting, 1)), "") << "seed " << seed << "\n"
                                                                             << setting.path << '=' << setting.value;
  }
}

}  // namespace
}  // namespace zoo
