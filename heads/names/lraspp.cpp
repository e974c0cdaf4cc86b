#include "heads/names/head_names.h"
#include "nn/core/name_table.h"

namespace zoo::heads {

HeadNames lraspp_names() {
  const NameTable torchvision{{"lraspp.branch", "classifier.cbr.0", "classifier.cbr.1"},
                              {"lraspp.gate", "classifier.scale.1"},
                              {"lraspp.low_classifier", "classifier.low_classifier"},
                              {"lraspp.high_classifier", "classifier.high_classifier"}};
  return {{Ecosystem::kTorchvision, torchvision}};
}

}  // namespace zoo::heads
