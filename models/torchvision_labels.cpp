// The class names of torchvision's detectors and segmenters, as its weights list them (torchvision 0.14, `meta` of the
// weights): category numbers of COCO, of which some were never used, and of Pascal VOC.
#include <array>

#include "models/labels.h"

namespace zoo::models {
namespace {

constexpr std::array<const char*, 91> kCoco91 = {"__background__",
                                                 "person",
                                                 "bicycle",
                                                 "car",
                                                 "motorcycle",
                                                 "airplane",
                                                 "bus",
                                                 "train",
                                                 "truck",
                                                 "boat",
                                                 "traffic light",
                                                 "fire hydrant",
                                                 "N/A",
                                                 "stop sign",
                                                 "parking meter",
                                                 "bench",
                                                 "bird",
                                                 "cat",
                                                 "dog",
                                                 "horse",
                                                 "sheep",
                                                 "cow",
                                                 "elephant",
                                                 "bear",
                                                 "zebra",
                                                 "giraffe",
                                                 "N/A",
                                                 "backpack",
                                                 "umbrella",
                                                 "N/A",
                                                 "N/A",
                                                 "handbag",
                                                 "tie",
                                                 "suitcase",
                                                 "frisbee",
                                                 "skis",
                                                 "snowboard",
                                                 "sports ball",
                                                 "kite",
                                                 "baseball bat",
                                                 "baseball glove",
                                                 "skateboard",
                                                 "surfboard",
                                                 "tennis racket",
                                                 "bottle",
                                                 "N/A",
                                                 "wine glass",
                                                 "cup",
                                                 "fork",
                                                 "knife",
                                                 "spoon",
                                                 "bowl",
                                                 "banana",
                                                 "apple",
                                                 "sandwich",
                                                 "orange",
                                                 "broccoli",
                                                 "carrot",
                                                 "hot dog",
                                                 "pizza",
                                                 "donut",
                                                 "cake",
                                                 "chair",
                                                 "couch",
                                                 "potted plant",
                                                 "bed",
                                                 "N/A",
                                                 "dining table",
                                                 "N/A",
                                                 "N/A",
                                                 "toilet",
                                                 "N/A",
                                                 "tv",
                                                 "laptop",
                                                 "mouse",
                                                 "remote",
                                                 "keyboard",
                                                 "cell phone",
                                                 "microwave",
                                                 "oven",
                                                 "toaster",
                                                 "sink",
                                                 "refrigerator",
                                                 "N/A",
                                                 "book",
                                                 "clock",
                                                 "vase",
                                                 "scissors",
                                                 "teddy bear",
                                                 "hair drier",
                                                 "toothbrush"};

constexpr std::array<const char*, 21> kVoc21 = {
    "__background__", "aeroplane", "bicycle",     "bird", "boat",  "bottle",    "bus",    "car",         "cat",
    "chair",          "cow",       "diningtable", "dog",  "horse", "motorbike", "person", "pottedplant", "sheep",
    "sofa",           "train",     "tvmonitor"};

}  // namespace

const std::vector<std::string>& coco91_labels() {
  static const std::vector<std::string> labels(kCoco91.begin(), kCoco91.end());
  return labels;
}

const std::vector<std::string>& voc21_labels() {
  static const std::vector<std::string> labels(kVoc21.begin(), kVoc21.end());
  return labels;
}

}  // namespace zoo::models
