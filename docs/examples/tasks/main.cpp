// Boxes and a label map of one picture.
//
// Usage: tasks PICTURE, in a folder with my_detector.yaml, my_segmenter.yaml and what they name.
#include <exception>
#include <iostream>

#include <backbone_zoo/pipeline/tasks/detector.h>
#include <backbone_zoo/pipeline/tasks/segmenter.h>
#include <backbone_zoo/zoo.h>
#include <opencv2/core.hpp>

int main(int argc, char** argv) try {
  const cv::Mat frame = zoo::pipeline::read_image(argc > 1 ? argv[1] : "photo.jpg");

  zoo::pipeline::Detector detector(zoo::models::Model::load("my_detector.yaml"), {.score_thresh = 0.5});
  for (const auto& object : detector.detect(frame).boxes)  // frame: cv::Mat, 8-bit BGR
    std::cout << object.label << ' ' << object.score << ' ' << object.box.x0 << ' ' << object.box.y0 << '\n';

  zoo::pipeline::Segmenter segmenter(zoo::models::Model::load("my_segmenter.yaml"));
  cv::Mat labels = segmenter.segment(frame).labels;  // 8 bit, the frame's size
  std::cout << labels.cols << " x " << labels.rows << " labels\n";
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
