// Checkpoints written by PyTorch against their safetensors twins (tools/make_pth_fixtures.py), and the choice of format
// and state dict.
#include "nn/weights/checkpoint_file.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/weights/checkpoint_test.h"
#include "tests/weights/pth_files.h"

namespace zoo::weights {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Twin {
  std::string name;
  std::string twin;
  std::string entry;       ///< asked for
  std::string used_entry;  ///< reported
  std::vector<std::string> other_entries;
};

std::ostream& operator<<(std::ostream& stream, const Twin& twin) { return stream << twin.name; }

class PthTwin : public testing::TestWithParam<Twin> {};

TEST_P(PthTwin, HoldsTheSameTensors) {
  const Twin& twin = GetParam();
  const auto pth = CheckpointFile::open(reference_data("pth/" + twin.name + ".pth"), {.entry = twin.entry});
  const auto expected = CheckpointFile::open(reference_data("pth/" + twin.twin + ".safetensors"));
  EXPECT_EQ(pth.entry(), twin.used_entry);
  EXPECT_EQ(pth.other_entries(), twin.other_entries);
  ASSERT_EQ(pth.tensors().size(), expected.tensors().size());
  for (size_t i = 0; i < expected.tensors().size(); ++i) {
    const StoredTensor& want = expected.tensors()[i];
    const StoredTensor* const have = pth.find(want.name);
    ASSERT_NE(have, nullptr) << want.name;
    EXPECT_EQ(have->dtype, want.dtype) << want.name;
    EXPECT_EQ(have->shape, want.shape) << want.name;
    EXPECT_TRUE(std::ranges::equal(have->data, want.data)) << want.name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    CheckpointFile, PthTwin,
    testing::Values(Twin{"state_dict", "state_dict", "", "", {}}, Twin{"types", "types", "", "", {}},
                    Twin{"parameters", "parameters", "", "", {}}, Twin{"data_parallel", "data_parallel", "", "", {}},
                    Twin{"views", "views", "", "", {}}, Twin{"trained", "trained", "", "model", {"model_ema"}},
                    Twin{"trained", "trained.model_ema", "model_ema", "model_ema", {"model"}},
                    Twin{"averaged_only", "averaged_only", "", "state_dict_ema", {}},
                    Twin{"namespace", "namespace", "", "model", {}},
                    Twin{"everything", "everything", "", "state_dict", {}},
                    Twin{"everything4", "everything4", "", "state_dict", {}},
                    Twin{"everything5", "everything5", "", "state_dict", {}},
                    Twin{"protocol4", "protocol4", "", "state_dict", {}}),
    [](const auto& test) { return test.param.name + (test.param.entry.empty() ? "" : "_" + test.param.entry); });

TEST(PthFixtures, AllTensorTypesAreThere) {
  std::set<DType> types;
  const auto file = CheckpointFile::open(reference_data("pth/types.pth"));
  for (const StoredTensor& tensor : file.tensors()) types.insert(tensor.dtype);
  EXPECT_EQ(types.size(), 10U);
}

struct Refusal {
  std::string name;
  std::string message;
};

std::ostream& operator<<(std::ostream& stream, const Refusal& refusal) { return stream << refusal.name; }

class PthRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(PthRefusal, NamesWhatAStateDictMayNotHold) {
  const auto file = reference_data("pth/" + GetParam().name + ".pth");
  EXPECT_EQ(checkpoint_error(file), fmt::format("{}: {}", file.string(), GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    CheckpointFile, PthRefusal,
    testing::Values(Refusal{"whole_model",
                            "holds no state dict, but an object of torch.nn.modules.container.Sequential; if you trust "
                            "the file, load it in Python and save the weights alone: torch.save(model.state_dict(), "
                            "\"model.pth\")"},
                    Refusal{"torchscript",
                            "is a TorchScript program (torch.jit.save), not a checkpoint; save the weights in Python: "
                            "torch.save(model.state_dict(), \"model.pth\")"}),
    [](const auto& test) { return test.param.name; });

TEST(PthFixtures, BarePickleSaysHowToSaveItAnew) {
  const auto file = reference_data("pth/legacy.pth");
  EXPECT_EQ(checkpoint_error(file),
            fmt::format("{0}: this is a bare pickle, as PyTorch wrote before version 1.6 (.pth, .pt), which is not "
                        "read. Save it anew in Python: import torch; torch.save(torch.load(\"{0}\", "
                        "map_location=\"cpu\", weights_only=True), \"model.pth\")",
                        file.string()));
}

class PthCheckpoint : public CheckpointTest {
 protected:
  /// A checkpoint of torch.save; `prefix` stands before every name, `wrapper` around the state dict.
  std::filesystem::path save_pth(const NamedTensors& tensors, const std::string& prefix = {},
                                 const std::vector<std::string>& wrappers = {}) const {
    std::vector<ZipEntry> entries = {{.name = "net/data.pkl", .data = {}}};
    std::vector<std::pair<std::string, std::string>> items;
    for (const auto& [name, tensor] : tensors) {
      const std::string key = std::to_string(items.size());
      std::vector<int32_t> shape;
      std::vector<int32_t> strides;
      int32_t stride = 1;
      for (size_t axis = tensor.shape.rank(); axis-- > 0;) {
        shape.insert(shape.begin(), static_cast<int32_t>(tensor.shape[axis]));
        strides.insert(strides.begin(), stride);
        stride *= shape.front();
      }
      items.emplace_back(prefix + name, pkl::tensor(pkl::storage(key, stride), 0, shape, strides));
      std::string data;
      for (const float value : tensor.data) data += bytes_of(value);
      entries.push_back({.name = "net/data/" + key, .data = data});
    }
    std::string value = pkl::dict(items);
    if (!wrappers.empty()) {
      std::vector<std::pair<std::string, std::string>> wrapped;
      for (const std::string& wrapper : wrappers) wrapped.emplace_back(wrapper, value);
      value = pkl::dict(wrapped);
    }
    entries[0].data = pkl::pickle(value);
    return write("net.pth", zip_bytes(entries));
  }
};

TEST_F(PthCheckpoint, LoadsLikeSafetensorsInEveryNameScheme) {
  for (const Ecosystem ecosystem : all_ecosystems()) {
    const NamedTensors tensors = checkpoint(ecosystem, parameters_);
    const LoadedWeights loaded = load_checkpoint(parameters_, CheckpointFile::open(save_pth(tensors)));
    EXPECT_TRUE(loaded.report.complete()) << loaded.report.to_string();
    EXPECT_EQ(loaded.report.ecosystem, ecosystem);
    const LoadedWeights twin = load_checkpoint(parameters_, save(tensors));
    for (size_t id = 0; id < parameters_.size(); ++id) {
      EXPECT_TRUE(std::ranges::equal(loaded.values.views[id], twin.values.views[id])) << parameters_[id].name;
    }
  }
}

TEST_F(PthCheckpoint, ValuesOutliveFileAndObject) {
  const NamedTensors tensors = checkpoint(Ecosystem::kTimm, parameters_);
  ParameterValues values;
  {
    const CheckpointFile file = CheckpointFile::open(save_pth(tensors));
    values = load_checkpoint(parameters_, file).values;
  }
  std::filesystem::remove(path("net.pth"));
  EXPECT_TRUE(std::ranges::equal(values.views[0], formula_values(parameters_, Ecosystem::kTimm, {}).views[0]));
}

TEST_F(PthCheckpoint, ReportSaysWhatWasTakenAndWhatWasNot) {
  const NamedTensors tensors = checkpoint(Ecosystem::kTimm, parameters_);
  const auto file = save_pth(tensors, "module.", {"ema", "model_ema", "state_dict"});
  const LoadReport report = check_checkpoint(parameters_, CheckpointFile::open(file));
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.entry, "state_dict");
  EXPECT_THAT(report.other_entries, ElementsAre("model_ema", "ema"));
  EXPECT_THAT(report.to_string(), testing::EndsWith("; taken from \"state_dict\", not from \"model_ema\" or \"ema\"; "
                                                    "names begin with \"module.\", which was ignored"));
  const LoadReport averaged = check_checkpoint(parameters_, CheckpointFile::open(file, {.entry = "ema"}));
  EXPECT_EQ(averaged.entry, "ema");
  EXPECT_THAT(averaged.other_entries, ElementsAre("state_dict", "model_ema"));
}

TEST_F(PthCheckpoint, SafetensorsHaveNoEntries) {
  const CheckpointFile file = save(checkpoint(Ecosystem::kTimm, parameters_));
  EXPECT_EQ(file.entry(), "");
  EXPECT_THAT(file.other_entries(), IsEmpty());
  const auto path = file.path();
  EXPECT_EQ(checkpoint_error(path, "model"),
            path.string() + ": has no entry \"model\": a safetensors file holds tensors only");
}

TEST_F(PthCheckpoint, ContentDecidesNotTheName) {
  const NamedTensors tensors = checkpoint(Ecosystem::kTimm, parameters_);
  std::filesystem::rename(save_pth(tensors), path("net.safetensors"));
  EXPECT_EQ(checkpoint_error(path("net.safetensors")), "opened");
  save(tensors);
  std::filesystem::rename(path("model.safetensors"), path("model.pth"));
  EXPECT_EQ(checkpoint_error(path("model.pth")), "opened");
}

TEST_F(PthCheckpoint, HeaderLengthThatLooksLikeAZipArchiveIsNone) {
  // 0x04034B50 bytes of header: within the limit of safetensors, and "PK\3\4".
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string bytes = bytes_of<uint64_t>(0x04034B50) + header;
  bytes.append(8 + 0x04034B50 - bytes.size(), ' ');
  EXPECT_EQ(checkpoint_error(write("x", bytes + bytes_of(1.0F))), "opened");
}

TEST_F(PthCheckpoint, Zip64IsRead) {
  const std::string pickle = pkl::pickle(pkl::dict({{"a", pkl::tensor(pkl::storage("0", 4), 1, {3}, {1})}}));
  const auto file = CheckpointFile::open(write("x.pth", zip_bytes(pth_entries(pickle), ZipForm::kZip64)));
  ASSERT_NE(file.find("a"), nullptr);
  EXPECT_THAT(to_float(*file.find("a")), ElementsAre(2.0F, 3.0F, 4.0F));
}

TEST_F(PthCheckpoint, ViewsAreCopiedIntoOrder) {
  const std::string storage = pkl::storage("0", 4);
  const auto file = CheckpointFile::open(
      write("x.pth", pth_bytes(pkl::pickle(pkl::dict({{"transposed", pkl::tensor(storage, 0, {2, 2}, {1, 2})},
                                                      {"repeated", pkl::tensor(storage, 2, {2, 3}, {1, 0})},
                                                      {"last", pkl::tensor(storage, 3, {}, {})},
                                                      {"nothing", pkl::tensor(storage, 4, {0, 5}, {5, 1})}})))));
  EXPECT_THAT(to_float(*file.find("transposed")), ElementsAre(1.0F, 3.0F, 2.0F, 4.0F));
  EXPECT_THAT(to_float(*file.find("repeated")), ElementsAre(3.0F, 3.0F, 3.0F, 4.0F, 4.0F, 4.0F));
  EXPECT_THAT(to_float(*file.find("last")), ElementsAre(4.0F));
  EXPECT_THAT(to_float(*file.find("nothing")), IsEmpty());
}

TEST_F(PthCheckpoint, TensorsNamedLikeAWrapperAreTensors) {
  const std::string tensor = pkl::tensor(pkl::storage("0", 4), 0, {4}, {1});
  const auto file = CheckpointFile::open(
      write("x.pth", pth_bytes(pkl::pickle(pkl::dict({{"model", tensor}, {"epoch", pkl::number(3)}})))));
  EXPECT_EQ(file.entry(), "");
  EXPECT_EQ(file.tensors().size(), 1U);
}

}  // namespace
}  // namespace zoo::weights
