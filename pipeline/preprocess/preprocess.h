// From an 8-bit picture to the tensor a network was trained on, equal to PIL + NumPy (and so to torchvision and timm)
// bit for bit; for torchvision's detectors, which resize floats with torch, equal to a few units of the last place.
// docs/preprocessing.md says what is done in which order and how the equality is tested.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "models/preprocess_config.h"
#include "nn/core/one_thread.h"
#include "pipeline/preprocess/resample.h"
#include "pipeline/preprocess/torch_bilinear.h"

namespace zoo::pipeline {

/// Where a picture and the tensor meet, all in pixels.
struct PreprocessGeometry {
  cv::Size resized;  ///< the whole picture after resizing
  cv::Rect window;   ///< the part of it that the tensor shows
  cv::Point
      origin;  ///< where the window's first pixel lies in the tensor; not (0, 0) where there is something around it
  cv::Size output;  ///< the tensor's width and height
};

/// The preprocessing for another input size: crops and letterboxes become `size`, resizing keeps its ratio to the crop
/// (256 for 224 is 320 for 280); without both the picture is resized to exactly `size`.
models::PreprocessConfig with_input_size(const models::PreprocessConfig& config, std::array<int64_t, 2> size);

/// Turns frames into the network's input. Reusable; keeps scratch memory, so one thread at a time, a second one is
/// refused (Error). After the first frame of a size it allocates nothing.
class Preprocessor {
 public:
  /// Throws Error if the configuration contradicts itself: mean and std of different lengths, rgb or bgr without
  /// exactly three of them, a mean or std that is not finite, a std of zero, sizes below 1.
  explicit Preprocessor(models::PreprocessConfig config);

  const models::PreprocessConfig& config() const { return config_; }

  /// [H, W] of the tensor for a frame of this size. Throws Error for a size of zero, or if the frame is so long and
  /// thin that resizing would make it longer than 2^31 - 1 pixels.
  std::array<int64_t, 2> output_size(int64_t frame_height, int64_t frame_width) const;

  /// How a frame of this size is placed, e.g. to map boxes back. Throws as output_size does.
  PreprocessGeometry geometry(int64_t frame_height, int64_t frame_width) const;

  /// `frame`: 8 bit, BGR (3 channels) or grey (1 channel); `dst`: [C, H, W] row-major, C = mean.size(), H and W as
  /// output_size says. Throws Error for another depth or channel count, a size of zero, or a `dst` of another length.
  void run(const cv::Mat& frame, std::span<float> dst);

 private:
  uint8_t fill_of(size_t channel) const;
  int source_channel(size_t channel, int channels) const;

  models::PreprocessConfig config_;
  Resampler resampler_;
  TorchBilinear torch_bilinear_;
  std::vector<std::array<float, 256>> tables_;  ///< per channel: the float of each 8-bit value
  cv::Mat gray_;                                ///< the frame in grey
  cv::Mat pixels_;                              ///< the window, 8 bit
  OneThread one_thread_;
};

/// Luma of an 8-bit BGR picture as Pillow's convert("L") computes it: (19595 R + 38470 G + 7471 B + 32768) / 65536,
/// rounded down (ITU-R 601-2). `dst` is made to fit.
void bgr_to_gray(const cv::Mat& src, cv::Mat& dst);

}  // namespace zoo::pipeline
