// Heads of a classification.
#include "tests/generator/head_sketch.h"

namespace zoo::test {
namespace {

// Without a hidden layer its keys have no effect, whatever they say.
void add_unused_hidden_keys(YamlValue& params, Random& random) {
  if (random.one_in(4)) params.add("intermediate_channels", YamlValue::any(int64_t{64}));
  if (random.one_in(4)) params.add(act_type_key(random), YamlValue::any("hard_swish"));
}

void add_normalisation(YamlValue& params, const BackboneSketch& backbone, Random& random) {
  const bool pools_last = random.one_in(2);
  if (pools_last || random.one_in(2)) params.add("pooling", pools_last ? "last" : "first");
  const bool maps_are_large = backbone.levels.back().stride <= kStrideOfInstanceNorm;
  const bool of_instance = pools_last && maps_are_large && random.one_in(4);
  if (of_instance || random.one_in(2)) params.add("norm_type", of_instance ? "instance_norm" : "batch_norm");
  // A small eps amplifies the rounding of maps that a deep network has made nearly constant.
  if (of_instance || random.one_in(2)) params.add("norm_eps", of_instance ? "0.01" : "1e-4");
}

}  // namespace

HeadSketch sketch_classification_head(const BackboneSketch& backbone, int64_t classes, Random& random) {
  HeadSketch sketch;
  const bool is_fc = random.one_in(2);
  sketch.name = is_fc ? "fc" : "fc_conv";
  sketch.outputs.push_back({.name = "logits", .channels = classes, .stride = 0});
  YamlValue& params = sketch.params;
  const int64_t layers = random.between(1, 3);
  if (layers > 1 || random.one_in(2)) params.add("num_layers", layers);
  if (random.one_in(3)) params.add("dropout_prob", YamlValue::any(random.word({"0.", "0.2", "~"})));
  if (layers == 1) {
    add_unused_hidden_keys(params, random);
    return sketch;
  }
  if (backbone.head_channels == 0) {
    params.add("intermediate_channels", some_channels(random));
  } else if (random.one_in(2)) {
    params.add("intermediate_channels", backbone.head_channels);
  }
  params.add(act_type_key(random), some_activation(random));
  if (!is_fc) {
    add_normalisation(params, backbone, random);
  } else if (random.one_in(2)) {
    params.add("intermediate_bias", some_bool(random, random.one_in(2)));
  }
  return sketch;
}

}  // namespace zoo::test
