#include "heads/names/head_names.h"
#include "nn/core/name_table.h"

namespace zoo::heads {

HeadNames deeplabv3_names() {
  const NameTable torchvision{
      {"deeplabv3.branch", "classifier.0.convs.{position}.0", "classifier.0.convs.{position}.1"},
      // After the pooling.
      {"deeplabv3.pooled_branch", "classifier.0.convs.{position}.1", "classifier.0.convs.{position}.2"},
      {"deeplabv3.merge", "classifier.0.project.0", "classifier.0.project.1"},
      {"deeplabv3.refine", "classifier.1", "classifier.2"},
      {"deeplabv3.classifier", "classifier.4"}};
  return {{Ecosystem::kTorchvision, torchvision}};
}

}  // namespace zoo::heads
