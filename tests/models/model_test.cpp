#include "models/model.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/support/environment.h"
#include "tests/support/temp_folder.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

class ModelTest : public ::testing::Test {
 protected:
  void SetUp() override { write_model(""); }

  // The smallest model, with `checkpoint` as its fourth line.
  void write_model(const std::string& checkpoint) const {
    std::ofstream(file()) << "model:\n  task: classification\n  name: tiny\n"
                          << checkpoint
                          << "  num_classes: 5\n  architecture:\n    backbone:\n      name: mobilenetv3\n"
                             "      stage_params:\n"
                             "        - {in_channels: [8], kernel_sizes: [3], expanded_channels: [8],\n"
                             "           out_channels: [8], use_se: [True], act_type: [relu], stride: [2]}\n"
                             "    head: {name: fc}\n";
  }

  // A checkpoint that fits, named as an ecosystem names it; `classes` other than 5 do not fit the head.
  fs::path write_checkpoint(const std::string& name, weights::Ecosystem ecosystem, int64_t classes = 5) const {
    ModelConfig config = load_model_config(file(), {});
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (const Parameter& parameter : build_graph(config).parameters) {
      auto tensor = weights::expected_tensor(ecosystem, parameter);
      if (parameter.role.section == Section::kHead) tensor->shape[0] = classes;
      tensors.emplace_back(tensor->name, weights::formula_tensor(tensor->name, tensor->shape, {}));
    }
    weights::write_safetensors(folder_ / name, tensors);
    return folder_ / name;
  }

  fs::path file() const { return folder_ / "model.yaml"; }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
};

TEST_F(ModelTest, RunsWithRandomWeights) {
  const Model model =
      Model::load(file(), {.checkpoint = {}, .random_weights = true, .allow_missing = {}, .overrides = {}});
  EXPECT_FALSE(model.report());
  const auto executable =
      model.compile({1, 3, 32, 32}, {.engine = engine::EngineKind::kReference, .outputs = {"logits"}});
  const auto runner = executable->new_runner();
  const std::span<float> input = runner->input();
  std::fill(input.begin(), input.end(), 0.5F);
  runner->run();
  ASSERT_EQ(runner->output(0).size(), 5U);
  for (const float logit : runner->output(0)) EXPECT_TRUE(std::isfinite(logit));
}

TEST_F(ModelTest, CompilesOnceForAllWhoNeedTheSame) {
  const Model model = Model::load(file(), {.random_weights = true});
  const Shape input = {1, 3, 32, 32};
  auto first = model.compile(input, {.outputs = {"logits"}});
  EXPECT_EQ(model.compile(input, {.outputs = {"logits"}}), first);
  EXPECT_NE(model.compile({1, 3, 32, 40}, {.outputs = {"logits"}}), first);
  EXPECT_NE(model.compile(input, {}), first);
  EXPECT_NE(model.compile(input, {.tuned_threads = 2, .outputs = {"logits"}}), first);
  EXPECT_NE(model.compile(input, {.engine = engine::EngineKind::kReference, .outputs = {"logits"}}), first);
  EXPECT_EQ(model.compile(input, {.precision = engine::Precision::kF32, .outputs = {"logits"}}), first)
      << "as the file";
  EXPECT_EQ(model.compile(input, {.outputs = {"logits"}}), first) << "others do not displace it";
}

TEST_F(ModelTest, CompilesTheFastestPrecisionOnce) {
  using engine::Precision;
  const Model model = Model::load(file(), {.random_weights = true});
  const Shape input = {1, 3, 32, 32};
  const auto automatic = model.compile(input, {.precision = Precision::kAuto, .outputs = {"logits"}});
  const std::weak_ptr<const engine::Executable> exact =
      model.compile(input, {.precision = automatic->precision(), .outputs = {"logits"}});
  EXPECT_FALSE(exact.expired()) << "it is what kAuto chose, which is in use";
}

TEST_F(ModelTest, ResolvesAPrecision) {
  using engine::Precision;
  const Model model = Model::load(file(), {.random_weights = true});
  const Shape input = {1, 3, 32, 32};
  const ResolvedPrecision as_the_file_says = model.resolve_precision(input, {});
  EXPECT_EQ(as_the_file_says.precision, Precision::kF32);
  EXPECT_EQ(as_the_file_says.executable, nullptr);
  EXPECT_EQ(model.resolve_precision(input, {.precision = Precision::kInt8}).precision, Precision::kInt8);

  engine::CompileOptions options = {.precision = Precision::kAuto, .outputs = {"logits"}};
  const ResolvedPrecision chosen = model.resolve_precision(input, options);
  ASSERT_NE(chosen.executable, nullptr);
  EXPECT_NE(chosen.precision, Precision::kAuto);
  EXPECT_EQ(chosen.executable->precision(), chosen.precision);
  EXPECT_THAT(chosen.note, ::testing::StartsWith("precision "));
  options.precision = chosen.precision;
  EXPECT_EQ(model.compile(input, options), chosen.executable);
}

TEST_F(ModelTest, LoadsWhatHasBeenRead) {
  ModelConfig config = load_model_config(file());
  const int64_t classes = config.num_classes;
  config.name = "renamed";
  fs::remove(file());
  const Model model = Model::load(std::move(config), {.random_weights = true});
  EXPECT_EQ(model.config().name, "renamed");
  EXPECT_EQ(model.config().num_classes, classes);
}

TEST_F(ModelTest, KeepsNoExecutableAlive) {
  const Model model = Model::load(file(), {.random_weights = true});
  const std::weak_ptr<const engine::Executable> unused = model.compile({1, 3, 32, 32}, {});
  EXPECT_TRUE(unused.expired());
  const auto again = model.compile({1, 3, 32, 32}, {});
  EXPECT_EQ(again->input_shape(), (Shape{1, 3, 32, 32}));
  EXPECT_NE(Model::load(file(), {.random_weights = true}).compile({1, 3, 32, 32}, {}), again) << "another model";
}

TEST_F(ModelTest, ThreadsThatCompileAtOnceShareTheResult) {
  const Model model = Model::load(file(), {.random_weights = true});
  constexpr std::ptrdiff_t kThreads = 8;
  std::latch start(kThreads);
  std::vector<std::shared_ptr<const engine::Executable>> found(kThreads);
  {
    std::vector<std::jthread> threads;
    for (auto& executable : found) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        // Half of them begin with another shape, so that they meet those who compile this one.
        if ((&executable - found.data()) % 2 == 0) model.compile({1, 3, 48, 48}, {});
        executable = model.compile({1, 3, 32, 32}, {});
      });
    }
  }
  EXPECT_THAT(found, ::testing::Each(found[0]));
  EXPECT_THROW(model.compile({1, 4, 32, 32}, {}), GraphError);
  EXPECT_THROW(model.compile({1, 4, 32, 32}, {}), GraphError) << "a failure leaves nothing behind";
}

TEST_F(ModelTest, ReadsTheCheckpointItIsGiven) {
  for (const auto ecosystem : weights::all_ecosystems()) {
    LoadModelOptions options;
    options.checkpoint = write_checkpoint("w.safetensors", ecosystem);
    const Model model = Model::load(file(), options);
    ASSERT_TRUE(model.report());
    EXPECT_TRUE(model.report()->complete());
    EXPECT_EQ(model.report()->ecosystem, ecosystem);
    EXPECT_EQ(model.report()->total, model.network().graph.parameters.size());
  }
}

TEST_F(ModelTest, ReadsTheCheckpointOfTheModelFile) {
  write_checkpoint("w.safetensors", weights::Ecosystem::kTimm);
  write_model("  checkpoint: {path: w.safetensors}\n");
  const Model model = Model::load(file());
  ASSERT_TRUE(model.report());
  EXPECT_TRUE(model.report()->complete());
}

TEST_F(ModelTest, PrefersTheCheckpointItIsGiven) {
  LoadModelOptions options;
  options.checkpoint = write_checkpoint("given.safetensors", weights::Ecosystem::kTimm);
  write_model("  checkpoint: {path: absent.safetensors}\n");
  EXPECT_EQ(Model::load(file(), options).report()->file, folder_ / "given.safetensors");
}

TEST_F(ModelTest, AsksTheCheckpointForTheEntryOfTheModelFile) {
  const std::string trained = std::string(ZOO_SOURCE_DIR) + "/tests/reference_data/pth/trained.pth";
  LoadModelOptions options;
  options.checkpoint = trained;
  write_model("  checkpoint: {entry: averaged}\n");
  EXPECT_THAT([&] { Model::load(file(), options); },
              ThrowsMessage<WeightError>(
                  StartsWith(trained + ": holds no state dict under \"averaged\"; it holds state dicts under ")));
  write_model("  checkpoint: {entry: model_ema}\n");
  EXPECT_THAT([&] { Model::load(file(), options); },
              ThrowsMessage<WeightError>(HasSubstr("; taken from \"model_ema\", not from \"model\"")));
}

TEST_F(ModelTest, ReadsByTheSchemeOfTheModelFile) {
  write_checkpoint("w.safetensors", weights::Ecosystem::kTimm);
  write_model("  checkpoint: {path: w.safetensors, scheme: torchvision}\n");
  EXPECT_THAT([&] { Model::load(file()); }, ThrowsMessage<WeightError>(HasSubstr("torchvision")));
}

TEST_F(ModelTest, NamesTheKeyOfACheckpointThatIsWrong) {
  write_model("  checkpoint: {path: absent.safetensors}\n");
  const std::string where = file().string() + ":4:22: model.checkpoint.path: ";
  EXPECT_THAT([&] { Model::load(file()); },
              ThrowsMessage<WeightError>(::testing::AllOf(StartsWith(where), HasSubstr("absent.safetensors"))));
  write_checkpoint("w.safetensors", weights::Ecosystem::kTimm, 6);
  write_model("  checkpoint: {path: w.safetensors}\n");
  EXPECT_THAT([&] { Model::load(file()); },
              ThrowsMessage<WeightError>(::testing::AllOf(StartsWith(where), HasSubstr("classifier.weight"))));
}

TEST_F(ModelTest, NamesOnlyTheFileOfACheckpointItIsGiven) {
  LoadModelOptions options;
  options.checkpoint = folder_ / "absent.safetensors";
  EXPECT_THAT([&] { Model::load(file(), options); },
              ThrowsMessage<WeightError>(StartsWith((folder_ / "absent.safetensors").string())));
}

TEST_F(ModelTest, AllowsAPartToBeMissingOnRequest) {
  LoadModelOptions options;
  options.checkpoint = write_checkpoint("w.safetensors", weights::Ecosystem::kTimm, 6);
  options.allow_missing = {Section::kHead};
  const Model model = Model::load(file(), options);
  ASSERT_TRUE(model.report());
  EXPECT_LT(model.report()->matched, model.report()->total);
}

// Two anchors per position: the tensors have twice as many rows as there are classes.
TEST_F(ModelTest, SaysThatADetectorHasOtherClasses) {
  const std::vector<ConfigOverride> detector = {{"model.task", "detection"},
                                                {"model.architecture.neck", "{name: fpn, params: {num_outs: 2}}"},
                                                {"model.architecture.head",
                                                 "{name: anchor_decoupled_head, params: {anchor_sizes: [[8], [16]], "
                                                 "aspect_ratios: [1, 2], num_layers: 1}}"}};
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const Parameter& parameter : build_graph(load_model_config(file(), detector)).parameters) {
    const auto tensor = weights::expected_tensor(weights::Ecosystem::kNetsPresso, parameter);
    tensors.emplace_back(tensor->name, weights::formula_tensor(tensor->name, tensor->shape, {}));
  }
  weights::write_safetensors(folder_ / "w.safetensors", tensors);
  write_model("  checkpoint: {path: w.safetensors}\n");
  LoadModelOptions options = {.checkpoint = {}, .random_weights = false, .allow_missing = {}, .overrides = detector};
  EXPECT_TRUE(Model::load(file(), options).report()->complete());
  options.overrides.push_back({"model.num_classes", "7"});
  EXPECT_THAT([&] { Model::load(file(), options); },
              ThrowsMessage<WeightError>(::testing::AllOf(
                  StartsWith(file().string() + ":4:22: model.checkpoint.path: "),
                  HasSubstr("head.classification_head.cls_logits.weight: the network needs 14x48x3x3, the file has "
                            "10x48x3x3"),
                  HasSubstr("only the number of classes differs (5 in the file, 7 in the model file); set num_classes "
                            "to 5"))));
  options.overrides.back() = {"model.architecture.head.params.aspect_ratios", "[1]"};
  EXPECT_THAT([&] { Model::load(file(), options); },
              ThrowsMessage<WeightError>(HasSubstr("only the head differs; use the checkpoint's head")));
}

TEST_F(ModelTest, SaysWhatToDoWithoutWeights) {
  EXPECT_THAT([&] { Model::load(file()); },
              ThrowsMessage<ConfigError>(
                  file().string() + ": no weights: give a weights file with --checkpoint FILE (model.checkpoint.path), "
                                    "or --random-weights to try shapes and speed"));
}

TEST_F(ModelTest, SaysThatNoCheckpointIsKnownByThatName) {
  write_model("  checkpoint: {use_pretrained: True, path: ~}\n");
  EXPECT_THAT([&] { Model::load(file()); },
              ThrowsMessage<ConfigError>(file().string() +
                                         ":4:32: model.checkpoint.use_pretrained: no checkpoint is known as \"tiny\"; "
                                         "name one as model.checkpoint.pretrained (`backbone-zoo list --pretrained` "
                                         "shows them), or give a weights file with --checkpoint FILE "
                                         "(model.checkpoint.path), or --random-weights to try shapes and speed"));
  write_model("  checkpoint: {pretrained: mobilenetv3_smal_050}\n");
  EXPECT_THAT([&] { Model::load(file()); },
              ThrowsMessage<ConfigError>(file().string() +
                                         ":4:28: model.checkpoint.pretrained: no checkpoint is known as "
                                         "\"mobilenetv3_smal_050\"; did you mean \"mobilenetv3_small_050\"?"));
}

TEST_F(ModelTest, TakesAKnownCheckpointFromTheCacheOnly) {
  test::Environment environment;
  environment.set("HF_HUB_CACHE", (folder_ / "hub").string());
  write_model("  checkpoint: {use_pretrained: True, pretrained: mobilenetv3_small_100}\n");
  const fs::path snapshot = folder_ / "hub/models--timm--mobilenetv3_small_100.lamb_in1k/snapshots/main";
  EXPECT_THAT([&] { Model::load(file()); },
              ThrowsMessage<ConfigError>(
                  file().string() +
                  ":4:32: model.checkpoint.use_pretrained: mobilenetv3_small_100.lamb_in1k is not in the cache; get it "
                  "with `backbone-zoo pull mobilenetv3_small_100.lamb_in1k`, or by hand: "
                  "https://huggingface.co/timm/mobilenetv3_small_100.lamb_in1k/resolve/main/model.safetensors as " +
                  (snapshot / "model.safetensors").string()));
  EXPECT_EQ(load_model_config(file()).preprocess_origin,
            "the table of known checkpoints (mobilenetv3_small_100.lamb_in1k)");

  // Put there by hand, as the message says.
  fs::create_directories(snapshot);
  fs::rename(write_checkpoint("w.safetensors", weights::Ecosystem::kTimm, 5), snapshot / "model.safetensors");
  std::ofstream(snapshot / "config.json") << R"({"pretrained_cfg": {"input_size": [3, 160, 160], "crop_pct": 0.95,
    "interpolation": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1]}})";
  const Model model = Model::load(file());
  EXPECT_TRUE(model.report() && model.report()->complete());
  EXPECT_THAT(model.config().preprocess.crop, ::testing::ElementsAre(160));
  EXPECT_THAT(model.config().preprocess.resize, ::testing::ElementsAre(168));
  EXPECT_EQ(model.config().preprocess_origin, (snapshot / "config.json").string() + " (pretrained_cfg)");

  std::ofstream(snapshot / "config.json") << "{}";
  EXPECT_THAT([&] { load_model_config(file()); },
              ThrowsMessage<ConfigError>(
                  file().string() + ":4:32: model.checkpoint.use_pretrained: " + (snapshot / "config.json").string() +
                  ": has no object \"pretrained_cfg\"; `backbone-zoo pull --force` fetches it anew"));
}

TEST_F(ModelTest, BackboneTakesTheCheckpointOfTheWholeNetwork) {
  for (const auto ecosystem : weights::all_ecosystems()) {
    LoadModelOptions options;
    options.checkpoint = write_checkpoint("w.safetensors", ecosystem);
    const Model whole = Model::load(file(), options);
    const Model backbone = Model::load_backbone(file(), options);
    const auto& parameters = backbone.network().graph.parameters;
    EXPECT_LT(parameters.size(), whole.network().graph.parameters.size());
    EXPECT_EQ(backbone.report()->matched, parameters.size());
    EXPECT_FALSE(backbone.report()->unexpected.empty()) << "the head's tensors";
    for (size_t id = 0; id < parameters.size(); ++id) {
      EXPECT_EQ(parameters[id].name, whole.network().graph.parameters[id].name);
      EXPECT_TRUE(std::ranges::equal(backbone.network().values.views[id], whole.network().values.views[id]));
    }
  }
}

TEST_F(ModelTest, BackboneDoesNotTakeTheCheckpointOfAnother) {
  LoadModelOptions options;
  options.checkpoint = write_checkpoint("w.safetensors", weights::Ecosystem::kTimm);
  options.overrides = {{"model.architecture.backbone.params", "{se_divisor: 1}"},
                       {"model.architecture.backbone.stage_params[0].expanded_channels", "[16]"}};
  EXPECT_THAT([&] { Model::load_backbone(file(), options); }, ThrowsMessage<WeightError>(HasSubstr("does not fit")));
}

TEST_F(ModelTest, AppliesOverrides) {
  LoadModelOptions options;
  options.random_weights = true;
  options.overrides = {{"model.num_classes", "7"}};
  EXPECT_EQ(Model::load(file(), options).config().num_classes, 7);
}

}  // namespace
}  // namespace zoo::models
