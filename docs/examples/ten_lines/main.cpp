// From an installed package to a result: class names of a picture, and the features of a backbone.
//
// Usage: ten_lines PICTURE, in a folder with configs/, model.safetensors and my_net.yaml.
#include <exception>
#include <iostream>

#include <backbone_zoo/zoo.h>
#include <opencv2/core.hpp>

int main(int argc, char** argv) try {
  const cv::Mat frame = zoo::pipeline::read_image(argc > 1 ? argv[1] : "photo.jpg");
  const cv::Mat& input = frame;

  zoo::Model model = zoo::load_model("configs/timm/mobilenetv4_conv_small.yaml", {.checkpoint = "model.safetensors"});
  zoo::Classifier classify(model);                       // preprocessing comes with the weights
  for (const auto& [label, score] : classify(frame, 5))  // frame: cv::Mat, BGR 8 bit
    std::cout << label << ' ' << score << '\n';

  zoo::Backbone backbone = zoo::load_backbone("my_net.yaml");  // any YAML, no head
  zoo::Features f = backbone(input);                           // [N, C, H, W] at strides 4, 8, 16, 32 for your own head

  for (const zoo::FeatureMap& level : f) {
    std::cout << "stride " << level.stride << ": " << level.shape().to_string() << ", mean of the first channel "
              << cv::mean(level.plane(0))[0] << '\n';
  }
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
