#include "pipeline/result_filter.h"

#include <memory>
#include <variant>

#include "pipeline/tasks/label_smoother.h"

namespace zoo::pipeline {

ResultFilter make_result_filter() {
  return [smoother = std::make_shared<LabelSmoother>()](ProcessedFrame& item) {
    if (auto* result = std::get_if<Classification>(&item.result)) {
      smoother->follow(*result,
                       {.time_s = item.frame.time_s, .epoch = item.frame.epoch, .model_version = item.model_version});
    } else {
      smoother->reset();
    }
  };
}

}  // namespace zoo::pipeline
