// A head outside the compiled network: how alike two pictures are, and what a backbone looks at.
//
// Usage: own_head MODEL.yaml PICTURE OTHER_PICTURE HEATMAP.png. The model file may be a classifier, detector or
// segmenter; only its backbone is used.
#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <backbone_zoo/pipeline/images/encode_image.h>
#include <backbone_zoo/zoo.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace {

// Works on the raw values: the mean of every channel of the coarsest level, scaled to length 1.
std::vector<float> embedding(const zoo::Features& features) {
  const zoo::FeatureMap& level = features[features.size() - 1];
  const size_t pixels = level.data().size() / static_cast<size_t>(level.channels());
  std::vector<float> means;
  double squares = 0.0;
  for (size_t first = 0; first < level.data().size(); first += pixels) {
    double sum = 0.0;
    for (const float value : level.data().subspan(first, pixels)) sum += value;
    means.push_back(static_cast<float>(sum / static_cast<double>(pixels)));
    squares += static_cast<double>(means.back()) * means.back();
  }
  for (float& mean : means) mean /= static_cast<float>(std::sqrt(squares));
  return means;
}

// Works on views: where the channels of one level answer, 0 to 255, as large as the picture.
cv::Mat heat_map(const zoo::FeatureMap& level, cv::Size picture) {
  cv::Mat sum = cv::Mat::zeros(level.plane(0).size(), CV_32F);
  for (int64_t channel = 0; channel < level.channels(); ++channel) sum += cv::abs(level.plane(channel));
  cv::Mat heat;
  cv::normalize(sum, heat, 0, 255, cv::NORM_MINMAX, CV_8U);
  cv::resize(heat, heat, picture, 0, 0, cv::INTER_LINEAR);
  return heat;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) throw zoo::Error("usage: own_head MODEL.yaml PICTURE OTHER_PICTURE HEATMAP.png");
  zoo::Backbone backbone = zoo::load_backbone(argv[1]);
  const cv::Mat picture = zoo::pipeline::read_image(argv[2]);

  const zoo::Features features = backbone(picture);
  for (const zoo::FeatureMap& level : features) {
    std::cout << "stride " << level.stride << ": " << level.shape().to_string() << '\n';
  }

  const std::vector<float> one = embedding(features);
  const std::vector<float> other = embedding(backbone(zoo::pipeline::read_image(argv[3])));
  double likeness = 0.0;
  for (size_t i = 0; i < one.size(); ++i) likeness += static_cast<double>(one[i]) * other[i];
  std::printf("likeness %.4f\n", likeness);

  zoo::pipeline::write_image(argv[4], heat_map(features.at_stride(8), picture.size()));
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
