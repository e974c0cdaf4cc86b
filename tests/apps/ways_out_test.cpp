// Messages that end in the way out: the flag, key, file or command that helps.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model_config.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/apps/program_runner.h"
#include "tests/apps/tiny_models.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class WaysOut : public ::testing::Test {
 protected:
  // The zoo's files, and a cache in which nothing is.
  ProgramResult run(const std::vector<std::string>& arguments) const {
    return run_program(arguments, {"ZOO_CONFIGS=" + source_path("configs"), "HF_HUB_CACHE=" + (folder_ / "hub"),
                                   "TORCH_HOME=" + (folder_ / "torch")});
  }

  std::string tiny() const {
    write_text(folder_ / "labels.txt", kTinyLabels);
    write_text(folder_ / "tiny.yaml", tiny_model("classification", "    head: {name: fc}\n", "{crop: 32}"));
    return folder_ / "tiny.yaml";
  }

  TempFolder folder_;
};

TEST_F(WaysOut, OtherClassesNameTheLabels) {
  const ProgramResult result = run({"validate", "timm/mobilenetv3_small_100", "--set", "model.num_classes=10"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("model.labels: 1000 labels, but num_classes is 10; name 10 classes in a file"),
                    HasSubstr("--set model.labels=FILE"), HasSubstr("--set model.labels=~")));
  EXPECT_EQ(run({"validate", "timm/mobilenetv3_small_100", "--set", "model.num_classes=10", "--set", "model.labels=~"})
                .exit_code,
            0);
}

TEST_F(WaysOut, ALabelsFileOfTheWorkingDirectoryIsNamedInFull) {
  // Beside the tests, as a path with enough ".." leads to the same file from every folder.
  const std::string labels = "labels_of_" + fs::path(folder_ / ".").parent_path().filename().string() + ".txt";
  write_text(labels, kTinyLabels);
  fs::create_directories(folder_ / "zoo");
  write_text(folder_ / "zoo/m.yaml", tiny_model("classification", "    head: {name: fc}\n", "{crop: 32}"));
  EXPECT_THAT(run({"validate", folder_ / "zoo/m.yaml", "--set", "model.labels=" + labels}).out,
              HasSubstr("paths are relative to the model file: write /"));
  EXPECT_THAT(run({"validate", folder_ / "zoo/m.yaml", "--set", "model.labels=imagenet"}).out,
              HasSubstr("did you mean imagenet1k?"));
  fs::remove(labels);
}

TEST_F(WaysOut, LabelsThatForgetTheBackgroundSayThatItCounts) {
  write_text(folder_ / "labels.txt", "cat\ndog\n");
  write_text(folder_ / "m.yaml", tiny_segmenter(kTinyLetterbox));
  EXPECT_THAT(run({"validate", folder_ / "m.yaml"}).out,
              HasSubstr("2 labels, but num_classes is 3, which counts the background where the head has one; name 3 "));
}

TEST_F(WaysOut, OneInputChannelNamesAllThatItNeedsAtOnce) {
  const ProgramResult result =
      run({"validate", tiny(), "--set", "model.architecture.backbone.params.in_channels=1", "--set", "preprocess=~"});
  EXPECT_THAT(result.out, AllOf(HasSubstr("preprocess.mean"), HasSubstr("preprocess.std"),
                                HasSubstr("preprocess.color"), HasSubstr("one value each")));
}

TEST_F(WaysOut, NoWeightsNamesPullWhereThereAreSome) {
  const ProgramResult known = run({"predict", "timm/mobilenetv4_conv_small", demo_sample("dog.jpg")});
  EXPECT_EQ(known.exit_code, 2);
  EXPECT_THAT(known.err, AllOf(HasSubstr("no weights: "), HasSubstr("`backbone-zoo pull mobilenetv4_conv_small."),
                               HasSubstr("--pretrained"), HasSubstr("model.checkpoint.use_pretrained: True"),
                               HasSubstr("--checkpoint FILE")));
  const ProgramResult unknown = run({"predict", tiny(), demo_sample("dog.jpg")});
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("--checkpoint FILE"), Not(HasSubstr("pull"))));
}

TEST_F(WaysOut, PretrainedIsShortForTheKey) {
  for (const char* command : {"predict", "eval", "calibrate", "preprocess", "bench", "profile", "export", "run"}) {
    const std::string help = run({command, "--help"}).out;
    if (help.find("--checkpoint") == std::string::npos) continue;
    EXPECT_THAT(help, HasSubstr("--pretrained")) << command;
  }
  const ProgramResult result = run({"predict", "timm/mobilenetv4_conv_small", demo_sample("dog.jpg"), "--pretrained"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("is not in the cache; get it with `backbone-zoo pull mobilenetv4_conv_small."),
                    Not(HasSubstr("no weights"))));
  const ProgramResult checked = run({"validate", "timm/mobilenetv4_conv_small", "--pretrained"});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_THAT(checked.out, HasSubstr("is not in the cache; `backbone-zoo pull "));
  const ProgramResult unpublished = run({"predict", tiny(), demo_sample("dog.jpg"), "--pretrained"});
  EXPECT_THAT(unpublished.err, AllOf(HasSubstr("no checkpoint is known as \"tiny\""), HasSubstr("list --pretrained")));
}

TEST_F(WaysOut, NamesOfTheZooStandForFilesInEveryCommand) {
  const std::string name = "demo/emoji";
  const std::string picture = demo_sample("dog.jpg");
  const std::vector<std::vector<std::string>> commands = {
      {"predict", name, picture},
      {"preprocess", name, picture, "--output", folder_ / "input.safetensors"},
      {"run", name, "--input", folder_ / "input.safetensors", "--output", folder_ / "output.safetensors"},
      {"validate", name},
      {"summary", name},
      {"graph", name},
      {"export", name, "--onnx", folder_ / "m.onnx"},
      {"bench", name, "--seconds", "0.01"},
      {"calibrate", name, fs::path(picture).parent_path().string(), "--output", folder_ / "t.yaml", "--images", "2"},
  };
  for (const std::vector<std::string>& command : commands) {
    const ProgramResult result = run(command);
    EXPECT_EQ(result.exit_code, 0) << command.front() << ": " << result.err;
  }
}

TEST_F(WaysOut, NamesOfTheZooMayBeShortAndAreSuggested) {
  EXPECT_EQ(run({"validate", "mobilenetv4_conv_small"}).exit_code, 0);
  EXPECT_EQ(run({"validate", "timm/mobilenetv4_conv_small.yaml"}).exit_code, 0);
  EXPECT_THAT(run({"validate", "timm/mobilenetv4_conv_smal"}).out,
              AllOf(HasSubstr("did you mean \"timm/mobilenetv4_conv_small\"?"), HasSubstr("`backbone-zoo list`")));
  EXPECT_THAT(run({"validate", "mobilenet_v3_large"}).out,
              HasSubstr("several models of the zoo have this name: lucid/mobilenet_v3_large, "
                        "torchvision/mobilenet_v3_large"));
  EXPECT_THAT(run({"summary", folder_ / "nowhere.yaml"}).err, HasSubstr("nowhere.yaml"));
}

TEST_F(WaysOut, TheVariableNamesTheZoo) {
  const ProgramResult nowhere = run_program({"summary", "demo/emoji"}, {"ZOO_CONFIGS=/nowhere"});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("ZOO_CONFIGS: /nowhere is no folder"));
  const std::string elsewhere = folder_ / "zoo";
  fs::create_directories(elsewhere);
  write_text(elsewhere + "/labels.txt", kTinyLabels);
  write_text(elsewhere + "/mine.yaml", tiny_model("classification", "    head: {name: fc}\n", "{crop: 32}"));
  const ProgramResult result = run_program({"list"}, {"ZOO_CONFIGS=" + elsewhere});
  EXPECT_THAT(result.out, HasSubstr("\nmine "));
  EXPECT_EQ(run_program({"summary", "mine"}, {"ZOO_CONFIGS=" + elsewhere}).exit_code, 0);
}

TEST_F(WaysOut, ValidateReadsWhatTheModelFileNames) {
  const std::string model = tiny();
  EXPECT_EQ(run({"validate", model}).out, model + ": ok\n");
  const std::string own = "model.checkpoint.path=own.safetensors";
  const ProgramResult missing = run({"validate", model, "--set", own});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.out, AllOf(HasSubstr("model.checkpoint.path"), HasSubstr("own.safetensors")));

  const graph::Graph graph = models::build_graph(models::load_model_config(model));
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const Parameter& parameter : graph.parameters) {
    const auto tensor = weights::expected_tensor(weights::Ecosystem::kOwn, parameter);
    ASSERT_TRUE(tensor);
    tensors.emplace_back(tensor->name, weights::formula_tensor(tensor->name, tensor->shape, {}));
  }
  weights::write_safetensors(folder_ / "own.safetensors", tensors);
  const ProgramResult fits = run({"validate", model, "--set", own});
  EXPECT_EQ(fits.exit_code, 0) << fits.out;
  EXPECT_THAT(fits.out, HasSubstr("own.safetensors fits"));

  write_text(folder_ / "own.safetensors.calibration.yaml", "calibration: {version: 1}\n");
  const ProgramResult table = run({"validate", model, "--set", own});
  EXPECT_EQ(table.exit_code, 2);
  EXPECT_THAT(table.out, HasSubstr("own.safetensors.calibration.yaml:1:"));

  tensors.pop_back();
  weights::write_safetensors(folder_ / "own.safetensors", tensors);
  EXPECT_THAT(run({"validate", model, "--set", own}).out, HasSubstr("does not fit the network"));
}

TEST_F(WaysOut, SourcesMayStandBehindTheModel) {
  const ProgramResult with_flag = run({"predict", demo_model(), "--source", demo_sample("dog.jpg"), "--topk", "1"});
  EXPECT_EQ(run({"predict", demo_model(), demo_sample("dog.jpg"), "--topk", "1"}).out, with_flag.out);
  const ProgramResult several =
      run({"predict", demo_model(), demo_sample("dog.jpg"), demo_sample("car.jpg"), "--topk", "1"});
  EXPECT_THAT(several.out, AllOf(HasSubstr("dog.jpg"), HasSubstr("car.jpg"), HasSubstr("2 pictures in ")));
  const ProgramResult none = run({"predict", demo_model()});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("predict: nothing to work on: name pictures, folders, videos, cameras or addresses"));
}

TEST_F(WaysOut, Fp32IsF32) {
  for (const char* name : {"f32", "fp32"}) {
    EXPECT_EQ(run({"predict", demo_model(), demo_sample("dog.jpg"), "--precision", name}).exit_code, 0) << name;
    EXPECT_EQ(run({"predict", demo_model(), demo_sample("dog.jpg"), "--set", std::string("runtime.precision=") + name})
                  .exit_code,
              0)
        << name;
  }
  EXPECT_THAT(run({"predict", demo_model(), demo_sample("dog.jpg"), "--precision", "float32"}).err,
              HasSubstr("float32 is none of f32, bf16, int8, auto; did you mean f32?"));
}

TEST_F(WaysOut, CommandsSayWhatTheyWrote) {
  const std::string input = folder_ / "input.safetensors";
  EXPECT_EQ(run({"preprocess", demo_model(), demo_sample("dog.jpg"), "-o", input}).out,
            "wrote " + input + ": input 1x3x112x112\n");
  const std::string output = folder_ / "output.safetensors";
  EXPECT_EQ(run({"run", demo_model(), "-i", input, "-o", output, "--outputs", "logits"}).out,
            "wrote " + output + ": logits\n");
  const std::string onnx = folder_ / "m.onnx";
  EXPECT_EQ(run({"export", demo_model(), "--onnx", onnx}).out,
            "wrote " + onnx + ": mobilenet_v3_demo_emoji, input 1x3x112x112\n");
  const std::string dot = folder_ / "m.dot";
  EXPECT_EQ(run({"graph", demo_model(), "--format", "dot", "-o", dot}).out,
            "wrote " + dot + ": mobilenet_v3_demo_emoji as dot\n");
}

TEST_F(WaysOut, FilesWithoutAnInputTensorSayWhatMakesOne) {
  weights::write_safetensors(folder_ / "x.safetensors", {{"other", Tensor{{1}, {1.0F}}}});
  EXPECT_THAT(
      run({"run", demo_model(), "-i", folder_ / "x.safetensors", "-o", folder_ / "y"}).err,
      HasSubstr(
          "there is no tensor \"input\" but other; `backbone-zoo preprocess MODEL IMAGE --output FILE` writes one"));
}

TEST_F(WaysOut, ACropBeyondThePictureIsRemarkedOn) {
  const std::string model = tiny();
  const ProgramResult result = run({"validate", model, "--set", "preprocess={resize: [16, 16], crop: 32}"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("crop 32 is larger than resize 16x16: what is beyond the picture is black"));
  EXPECT_EQ(run({"validate", model, "--set", "preprocess={resize: 32, crop: 32}"}).err, "");
}

TEST_F(WaysOut, ForeignYamlInAFolderIsCountedNotJudged) {
  tiny();
  write_text(folder_ / "docker-compose.yml", "services: {web: {image: nginx}}\n");
  write_text(folder_ / "ci.yml", "- one\n- two\n");
  const ProgramResult result = run({"list", folder_.path().string()});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("tiny.yaml"));
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("2 YAML files without the key \"model\" left out"), Not(HasSubstr("unknown"))));
}

TEST_F(WaysOut, QuietLeavesStandardOutputToTheJson) {
  EXPECT_EQ(run({"predict", demo_model(), demo_sample("dog.jpg"), demo_sample("car.jpg"), "-q"}).out, "");
  const ProgramResult json =
      run({"predict", demo_model(), demo_sample("dog.jpg"), "--quiet", "--json", folder_ / "out.jsonl"});
  EXPECT_EQ(json.out, "");
  EXPECT_EQ(lines_of(read_text(folder_ / "out.jsonl")).size(), 1U);
}

TEST_F(WaysOut, AThresholdLeavesOutGuesses) {
  const ProgramResult some = run({"predict", demo_model(), demo_sample("dog.jpg"), "--score-thresh", "0.5"});
  EXPECT_EQ(some.exit_code, 0) << some.err;
  EXPECT_THAT(some.out, AllOf(HasSubstr("dog"), Not(HasSubstr("   2 "))));
  const ProgramResult none = run({"predict", demo_model(), demo_sample("dog.jpg"), demo_sample("car.jpg"),
                                  "--score-thresh", "1", "--save", folder_ / "out"});
  EXPECT_EQ(none.exit_code, 0) << none.err;
  EXPECT_THAT(none.out, HasSubstr("dog.jpg  nothing\n"));
}

}  // namespace
}  // namespace zoo::test
