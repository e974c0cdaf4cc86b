#include "backbones/registry.h"

#include "backbones/mobilenetv1.h"
#include "backbones/mobilenetv2.h"
#include "backbones/mobilenetv3.h"
#include "backbones/mobilenetv4.h"
#include "backbones/names/mobilenet_names.h"
#include "backbones/names/shufflenetv2_names.h"
#include "backbones/shufflenetv2.h"

namespace zoo::backbones {

BackboneRegistry& BackboneRegistry::global() {
  static BackboneRegistry registry = [] {
    BackboneRegistry built_in;
    built_in.add("mobilenetv1", define_mobilenetv1, mobilenetv1_names());
    built_in.add("mobilenetv2", define_mobilenetv2, mobilenetv1_names());
    built_in.add("mobilenetv3", define_mobilenetv3, mobilenetv3_names());
    built_in.add("mobilenetv4", define_mobilenetv4, mobilenetv4_names());
    built_in.add("shufflenetv2", define_shufflenetv2, shufflenetv2_names());
    return built_in;
  }();
  return registry;
}

}  // namespace zoo::backbones
