// `export`: the network of a model file in another runtime.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/apps/program_runner.h"
#include "tests/support/compare.h"
#include "tests/support/opencv_dnn.h"

namespace zoo::test {
namespace {

using ::testing::HasSubstr;

TEST(Export, WritesWhatOpenCvRunsAsWeDo) {
  TempFolder folder;
  const ProgramResult exported =
      run_program({"export", demo_model(), "--onnx", folder / "net.onnx", "--size", "96x64", "--batch", "2"});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_EQ(exported.out, "wrote " + (folder / "net.onnx") + ": mobilenet_v3_demo_emoji, input 2x3x96x64\n");
  const Tensor image = weights::formula_input({2, 3, 96, 64}, "zoo");
  weights::write_safetensors(folder / "in.safetensors", {{"input", image}});
  const ProgramResult ran = run_program(
      {"run", demo_model(), "-i", folder / "in.safetensors", "-o", folder / "out.safetensors", "--outputs", "logits"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;

  const auto outputs = run_in_opencv(read_text(folder / "net.onnx"), image);
  const auto expected = weights::SafetensorsFile::open(folder / "out.safetensors");
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_TRUE(close_to_max(outputs.at("logits").data, weights::to_float(*expected.find("logits")), 1e-4));
}

TEST(Export, TakesTheSizeOfThePreprocessing) {
  TempFolder folder;
  ASSERT_EQ(run_program({"export", demo_model(), "--onnx", folder / "net.onnx"}).exit_code, 0);
  const auto model = parse_onnx(read_text(folder / "net.onnx"));
  std::vector<int64_t> extents;
  for (const auto& dim : model.graph().input(0).type().tensor_type().shape().dim()) extents.push_back(dim.dim_value());
  EXPECT_EQ(extents, (std::vector<int64_t>{1, 3, 112, 112}));
  EXPECT_NE(model.producer_version(), "");
}

struct Mistake {
  const char* name;
  std::vector<std::string> arguments;
  const char* message;
  int exit_code = 2;
};

class ExportMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(ExportMistake, IsNamedAndLeavesNoFile) {
  TempFolder folder;
  std::vector<std::string> arguments = {"export", demo_model()};
  for (const std::string& argument : GetParam().arguments) {
    arguments.push_back(argument == "OUT" ? folder / "net.onnx" : argument);
  }
  const ProgramResult result = run_program(arguments);
  EXPECT_EQ(result.exit_code, GetParam().exit_code);
  EXPECT_THAT(result.err, HasSubstr(GetParam().message));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

INSTANTIATE_TEST_SUITE_P(
    All, ExportMistake,
    ::testing::Values(
        Mistake{"no_file", {}, "export: --onnx is required"},
        Mistake{"no_batch", {"--onnx", "OUT", "--batch", "0"}, "export: --batch: Value 0 not in range"},
        Mistake{"unknown_output",
                {"--onnx", "OUT", "--outputs", "logit"},
                "--outputs logit: no such output; the network has logits"},
        Mistake{"no_such_folder",
                {"--onnx", "/nowhere/net.onnx"},
                "/nowhere/net.onnx: cannot be written: No such file or directory",
                1},
        Mistake{"folder", {"--onnx", "/tmp"}, "/tmp: cannot be written: it is a folder", 1},
        Mistake{"no_such_weights", {"--onnx", "OUT", "--checkpoint", "nowhere.safetensors"}, "nowhere.safetensors"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace zoo::test
