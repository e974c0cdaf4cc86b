// From a file to the values of a network's parameters.
#include "nn/weights/load.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/weights/checkpoint_test.h"

namespace zoo::weights {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Load = CheckpointTest;

class LoadEcosystem : public CheckpointTest, public testing::WithParamInterface<Ecosystem> {};

TEST_P(LoadEcosystem, IsDetectedAndLoadedByItsNames) {
  const SafetensorsFile file = save(checkpoint(GetParam(), parameters_));
  const LoadedWeights loaded = load_checkpoint(parameters_, file);
  EXPECT_EQ(loaded.report.ecosystem, GetParam());
  EXPECT_TRUE(loaded.report.detected);
  EXPECT_FALSE(loaded.report.requested);
  EXPECT_TRUE(loaded.report.complete());
  EXPECT_TRUE(loaded.report.acceptable);
  EXPECT_EQ(loaded.report.matched, parameters_.size());
  EXPECT_EQ(loaded.report.total, parameters_.size());
  EXPECT_EQ(loaded.report.file, file.path());
  const ParameterValues expected = formula_values(parameters_, GetParam(), {});
  ASSERT_EQ(loaded.values.views.size(), parameters_.size());
  for (size_t id = 0; id < parameters_.size(); ++id) {
    EXPECT_TRUE(std::ranges::equal(loaded.values.views[id], expected.views[id])) << parameters_[id].name;
  }
}

TEST_P(LoadEcosystem, CanBeAskedFor) {
  const LoadedWeights loaded = load_checkpoint(parameters_, save(checkpoint(GetParam(), parameters_)),
                                               {.ecosystem = GetParam(), .allow_missing = {}});
  EXPECT_TRUE(loaded.report.requested);
  EXPECT_FALSE(loaded.report.detected);
  EXPECT_TRUE(loaded.report.complete());
}

INSTANTIATE_TEST_SUITE_P(Load, LoadEcosystem, testing::ValuesIn(all_ecosystems().begin(), all_ecosystems().end()),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST_F(Load, AlignedFloatsStayInTheMapping) {
  const SafetensorsFile file = save(checkpoint(Ecosystem::kTimm, parameters_));
  const LoadedWeights loaded = load_checkpoint(parameters_, file);
  EXPECT_THAT(loaded.values.owners, ElementsAre(file.owner()));
  for (size_t id = 0; id < parameters_.size(); ++id) {
    const StoredTensor* const stored = file.find(expected_tensor(Ecosystem::kTimm, parameters_[id])->name);
    EXPECT_EQ(static_cast<const void*>(loaded.values.views[id].data()), stored->data.data()) << parameters_[id].name;
  }
}

TEST_F(Load, ValuesOutliveTheFileObject) {
  ParameterValues values;
  {
    const SafetensorsFile file = save(checkpoint(Ecosystem::kTimm, parameters_));
    values = load_checkpoint(parameters_, file).values;
  }
  std::filesystem::remove(path("model.safetensors"));
  EXPECT_TRUE(std::ranges::equal(values.views[0], formula_values(parameters_, Ecosystem::kTimm, {}).views[0]));
}

/// A file of timm names in which every tensor has this type; `shift` bytes before the first one spoil the alignment.
std::string timm_file(const std::vector<Parameter>& parameters, DType dtype, size_t shift) {
  std::string header = "{";
  std::string data(shift, '\0');
  if (shift > 0)
    header += fmt::format(R"("bn1.num_batches_tracked":{{"dtype":"U8","shape":[{0}],"data_offsets":[0,{0}]}},)", shift);
  for (const Parameter& parameter : parameters) {
    const ExpectedTensor tensor = expected_tensor(Ecosystem::kTimm, parameter).value();
    const size_t begin = data.size();
    for (const float value : formula_tensor(tensor.name, tensor.shape, {}).data) {
      if (dtype == DType::kF64) {
        data += bytes_of(static_cast<double>(value));
      } else if (dtype == DType::kF32) {
        data += bytes_of(value);
      } else {
        data += bytes_of(value).substr(2);  // bfloat16 is the upper half
      }
    }
    header += fmt::format(R"("{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}},)", tensor.name,
                          to_string(dtype), fmt::join(tensor.shape.dims, ","), begin, data.size());
  }
  header.back() = '}';
  header.append((8 - header.size() % 8) % 8, ' ');
  return file_bytes(header, data);
}

TEST_F(Load, FloatsThatAreNotAlignedAreCopied) {
  const SafetensorsFile file = SafetensorsFile::open(write("x", timm_file(parameters_, DType::kF32, 1)));
  const LoadedWeights loaded = load_checkpoint(parameters_, file);
  EXPECT_EQ(loaded.values.owners.size(), 1U);  // the buffer alone: nothing is left in the file
  const ParameterValues expected = formula_values(parameters_, Ecosystem::kTimm, {});
  for (size_t id = 0; id < parameters_.size(); ++id) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(loaded.values.views[id].data()) % alignof(float), 0U);
    EXPECT_TRUE(std::ranges::equal(loaded.values.views[id], expected.views[id])) << parameters_[id].name;
  }
}

TEST_F(Load, DoublesAndBfloatsAreConverted) {
  const ParameterValues expected = formula_values(parameters_, Ecosystem::kTimm, {});
  for (const DType dtype : {DType::kF64, DType::kBF16}) {
    const SafetensorsFile file = SafetensorsFile::open(write("x", timm_file(parameters_, dtype, 0)));
    const LoadedWeights loaded = load_checkpoint(parameters_, file);
    for (size_t id = 0; id < parameters_.size(); ++id) {
      ASSERT_EQ(loaded.values.views[id].size(), expected.views[id].size());
      for (size_t i = 0; i < expected.views[id].size(); ++i) {
        const float exact = expected.views[id][i];
        const float tolerance = dtype == DType::kF64 ? 0.0F : std::abs(exact) / 128;
        ASSERT_NEAR(loaded.values.views[id][i], exact, tolerance) << parameters_[id].name << " " << i;
      }
    }
  }
}

TEST_F(Load, BatchCountersAreNeverUnexpected) {
  NamedTensors tensors = checkpoint(Ecosystem::kTorchvision, parameters_);
  tensors.emplace_back("features.0.1.num_batches_tracked", Tensor{Shape{}, {3.0F}});
  EXPECT_TRUE(check_checkpoint(parameters_, save(tensors)).complete());
  tensors.emplace_back("features.99.1.num_batches_tracked", Tensor{Shape{}, {3.0F}});
  tensors.emplace_back("features.0.0.num_batches_tracked", Tensor{Shape{}, {3.0F}});
  EXPECT_THAT(check_checkpoint(parameters_, save(tensors)).unexpected,
              ElementsAre("features.99.1.num_batches_tracked", "features.0.0.num_batches_tracked"));
}

TEST_F(Load, WrapperPrefixIsStripped) {
  for (const std::string prefix : {"module.", "model.", "_orig_mod.", "model.module."}) {
    NamedTensors tensors = checkpoint(Ecosystem::kNetsPresso, parameters_);
    for (auto& [name, tensor] : tensors) name.insert(0, prefix);
    tensors.emplace_back(prefix + "backbone.conv_first.block.norm.num_batches_tracked", Tensor{Shape{}, {1.0F}});
    const LoadReport report = check_checkpoint(parameters_, save(tensors));
    EXPECT_TRUE(report.complete()) << report.to_string();
    EXPECT_EQ(report.stripped_prefix, prefix);
  }
}

TEST_F(Load, PrefixOfSomeNamesOnlyIsNotStripped) {
  NamedTensors tensors = checkpoint(Ecosystem::kNetsPresso, parameters_);
  tensors[0].first.insert(0, "module.");
  const LoadReport report = check_checkpoint(parameters_, save(tensors));
  EXPECT_EQ(report.stripped_prefix, "");
  EXPECT_THAT(report.missing, ElementsAre("backbone.conv_first.block.conv.weight"));
  EXPECT_THAT(report.unexpected, ElementsAre("module.backbone.conv_first.block.conv.weight"));
}

TEST_F(Load, EveryKindOfDifferenceIsReported) {
  NamedTensors tensors = checkpoint(Ecosystem::kTimm, parameters_);
  remove(tensors, "blocks.1.0.bn2.bias");
  tensor_of(tensors, "blocks.1.1.conv_dw.weight") = {Shape{12, 1, 3, 3}, std::vector<float>(108)};
  tensor_of(tensors, "bn1.running_var").data[2] = std::numeric_limits<float>::quiet_NaN();
  tensors.emplace_back("blocks.1.2.conv_pw.weight", Tensor{Shape{1}, {1.0F}});
  const LoadReport report = check_checkpoint(parameters_, save(tensors));
  EXPECT_EQ(report.ecosystem, Ecosystem::kTimm);
  EXPECT_FALSE(report.detected);
  EXPECT_FALSE(report.complete());
  EXPECT_FALSE(report.acceptable);
  EXPECT_EQ(report.matched, parameters_.size() - 2);
  EXPECT_THAT(report.missing, ElementsAre("blocks.1.0.bn2.bias"));
  EXPECT_THAT(report.unexpected, ElementsAre("blocks.1.2.conv_pw.weight"));
  ASSERT_EQ(report.misshaped.size(), 1U);
  EXPECT_EQ(report.misshaped[0].tensor, "blocks.1.1.conv_dw.weight");
  EXPECT_EQ(report.misshaped[0].expected, (Shape{12, 1, 5, 5}));
  EXPECT_EQ(report.misshaped[0].found, (Shape{12, 1, 3, 3}));
  EXPECT_THAT(report.wrong_type, IsEmpty());
  EXPECT_THAT(report.non_finite, ElementsAre("bn1.running_var"));
}

TEST_F(Load, WholeNumbersAreOfWrongType) {
  const std::vector<Parameter> one = {parameters_[0]};  // conv_stem.weight, 4x3x3x3
  const std::string header = R"({"conv_stem.weight":{"dtype":"I8","shape":[4,3,3,3],"data_offsets":[0,108]}})";
  const SafetensorsFile file = SafetensorsFile::open(write("x", file_bytes(header, std::string(108, '\1'))));
  const LoadReport report = check_checkpoint(one, file);
  EXPECT_THAT(report.wrong_type, ElementsAre("conv_stem.weight"));
  EXPECT_EQ(report.matched, 0U);
  EXPECT_FALSE(report.acceptable);
}

TEST_F(Load, ShapeOfTheOtherFormIsMisshaped) {
  NamedTensors tensors = checkpoint(Ecosystem::kTimm, parameters_);
  tensor_of(tensors, "conv_head.weight").shape = Shape{7, 10};
  const LoadReport report = check_checkpoint(parameters_, save(tensors));
  ASSERT_EQ(report.misshaped.size(), 1U);
  EXPECT_EQ(report.misshaped[0].expected, (Shape{7, 10, 1, 1}));
}

TEST_F(Load, OwnNamesThatAreAnEcosystemsMustBeChosen) {
  std::vector<Parameter> parameters = parameters_;
  for (Parameter& parameter : parameters) parameter.name = expected_tensor(Ecosystem::kTimm, parameter)->name;
  NamedTensors tensors = checkpoint(Ecosystem::kTimm, parameters);
  for (size_t id = 0; id < parameters.size(); ++id) parameters[id].shape = tensors[id].second.shape;
  const SafetensorsFile file = save(tensors);
  EXPECT_THAT(
      [&] { load_checkpoint(parameters, file); },
      testing::ThrowsMessage<WeightError>(file.path().string() + ": the names of both timm and own fit; say which with "
                                                                 "checkpoint.scheme"));
  EXPECT_TRUE(load_checkpoint(parameters, file, {.ecosystem = Ecosystem::kOwn, .allow_missing = {}}).report.complete());
}

TEST_F(Load, TwoFittingSchemesMustBeChosenBetween) {
  NamedTensors tensors = checkpoint(Ecosystem::kTimm, parameters_);
  const NamedTensors others = checkpoint(Ecosystem::kNetsPresso, parameters_);
  tensors.insert(tensors.end(), others.begin(), others.end());
  const SafetensorsFile file = save(tensors);
  EXPECT_EQ(loading_error(file), "the names of both netspresso and timm fit; say which with checkpoint.scheme");
  const LoadReport report = check_checkpoint(parameters_, file, {.ecosystem = Ecosystem::kTimm, .allow_missing = {}});
  EXPECT_EQ(report.matched, parameters_.size());
  EXPECT_EQ(report.unexpected.size(), others.size());
}

TEST_F(Load, ParametersOfOnePlaceDoNotShareATensor) {
  // Two convolutions with the same role, as a careless builder would leave them.
  std::vector<Parameter> parameters = {parameters_[0], parameters_[0]};
  parameters[1].name = "backbone.second_stem.conv.weight";
  NamedTensors tensors = {{"conv_stem.weight", formula_tensor("conv_stem.weight", parameters[0].shape, {})}};
  const LoadReport report = check_checkpoint(parameters, save(tensors));
  EXPECT_FALSE(report.acceptable);
  EXPECT_THAT(report.missing,
              ElementsAre("backbone.second_stem.conv.weight (timm calls another parameter conv_stem.weight)"));
}

}  // namespace
}  // namespace zoo::weights
