// Model files of small networks for three classes, to be run with made-up weights; kTinyLabels belongs beside them as
// labels.txt.
#pragma once

#include <string>

#include <fmt/format.h>

namespace zoo::test {

inline constexpr const char* kTinyLabels = "background\ncat\ndog\n";
inline constexpr const char* kTinyLetterbox = "{letterbox: {size: 64, fill: 114}}";  ///< a `preprocess`

/// `neck_and_head`: lines of `architecture`, and what follows it in `model`; `preprocess`: that section on one line.
inline std::string tiny_model(const std::string& task, const std::string& neck_and_head,
                              const std::string& preprocess) {
  constexpr const char* kBackbone = R"(
    backbone:
      name: mobilenetv3
      params: {stem_channels: 8}
      stage_params:
        - {in_channels: [8], kernel_sizes: [3], expanded_channels: [8], out_channels: [8], use_se: [False], act_type: [relu], stride: [2]}
        - {in_channels: [8], kernel_sizes: [3], expanded_channels: [16], out_channels: [16], use_se: [False], act_type: [relu], stride: [2]}
)";
  return "model:\n  task: " + task +
         "\n  name: tiny\n  num_classes: 3\n  labels: labels.txt\n  architecture:" + kBackbone + neck_and_head +
         "preprocess: " + preprocess + "\n";
}

inline std::string tiny_detector(double score_thresh, const std::string& preprocess) {
  constexpr const char* kNeckAndHead =
      R"(    neck: {name: fpn, params: {num_outs: 2, start_level: 0, end_level: -1, add_extra_convs: False, relu_before_extra_convs: False}}
    head:
      name: anchor_decoupled_head
      params: {anchor_sizes: [[16], [32]], aspect_ratios: [0.5, 1.0], num_layers: 1, norm_type: batch_norm}
)";
  return tiny_model(
      "detection",
      kNeckAndHead +
          fmt::format("  postprocessor: {{params: {{topk_candidates: 3000, score_thresh: {}, nms_thresh: 0.45, "
                      "class_agnostic: False}}}}\n",
                      score_thresh),
      preprocess);
}

inline std::string tiny_segmenter(const std::string& preprocess) {
  return tiny_model("segmentation", "    head: {name: all_mlp_decoder, params: {intermediate_channels: 16}}\n",
                    preprocess);
}

}  // namespace zoo::test
