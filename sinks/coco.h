// Results in the form that COCO's evaluation tools read.
//
//   {"image_id":1,"file_name":"cat.jpg","category_id":17,"bbox":[12.5,40,187.6,270],"score":0.93}
//   {"image_id":1,"file_name":"cat.jpg","category_id":8,"segmentation":{"size":[480,640],"counts":"f2c1..."}}
//
// `category_id` is the class's index, `bbox` x, y, width and height in pixels of the source frame, `size` its height
// and width. One entry per box, or per class that occurs in a mask.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/result_sink.h"

namespace zoo::sinks {

/// The entries of one frame, each a JSON object; none for a classification. `file_name` is the frame's source.
std::vector<std::string> coco_entries(const pipeline::ProcessedFrame& item, int64_t image_id);

}  // namespace zoo::sinks
