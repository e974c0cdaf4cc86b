// Results as COCO's evaluation tools read them (coco.h).
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/result_sink.h"
#include "sinks/json_array.h"

namespace zoo::sinks {

/// One JSON array of all frames of a run; `image_id` counts them from 1. Failures leave nothing.
class CocoSink : public pipeline::ResultSink {
 public:
  /// See JsonArray. Throws IoError.
  explicit CocoSink(const std::string& path) : array_(path) {}

  void prepare(pipeline::ProcessedFrame& item) const override;
  void write(const pipeline::FrameEvent& event) override;
  void finish() override { array_.finish(); }

 private:
  JsonArray array_;
  int64_t frames_ = 0;
};

}  // namespace zoo::sinks
