#include "heads/names/head_names.h"
#include "nn/core/name_table.h"

namespace zoo::heads {

/// A predictor is a Conv2dNormActivation (convolution 0, norm 1) and a plain convolution.
HeadNames ssdlite_names() {
  const NameTable torchvision{
      {"ssdlite.extra", "backbone.extra.{level}.{position}.0", "backbone.extra.{level}.{position}.1"},
      {"ssdlite.class_depthwise", "head.classification_head.module_list.{level}.0.0",
       "head.classification_head.module_list.{level}.0.1"},
      {"ssdlite.class_predict", "head.classification_head.module_list.{level}.1"},
      {"ssdlite.box_depthwise", "head.regression_head.module_list.{level}.0.0",
       "head.regression_head.module_list.{level}.0.1"},
      {"ssdlite.box_predict", "head.regression_head.module_list.{level}.1"}};
  return {{Ecosystem::kTorchvision, torchvision}};
}

}  // namespace zoo::heads
