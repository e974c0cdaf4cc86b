// Which state dict of a training program's checkpoint is taken, and which beginning of its names is left away.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/weights/checkpoint_test.h"
#include "tests/weights/pth_files.h"

namespace zoo::weights {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// Builds the pickle of a checkpoint and the storages it needs.
class PthWriter {
 public:
  std::string tensor(const Tensor& tensor) {
    const std::string key = std::to_string(entries_.size());
    std::string data;
    for (const float value : tensor.data) data += bytes_of(value);
    entries_.push_back({.name = "net/data/" + key, .data = data});
    std::vector<int32_t> shape;
    std::vector<int32_t> strides;
    int32_t stride = 1;
    for (size_t axis = tensor.shape.rank(); axis-- > 0;) {
      shape.insert(shape.begin(), static_cast<int32_t>(tensor.shape[axis]));
      strides.insert(strides.begin(), stride);
      stride *= shape.front();
    }
    return pkl::tensor(pkl::storage(key, stride), 0, shape, strides);
  }
  std::string number() { return tensor({Shape{}, {75.25F}}); }

  std::string state_dict(const NamedTensors& tensors, const std::string& prefix = {}) {
    std::vector<std::pair<std::string, std::string>> items;
    for (const auto& [name, value] : tensors) items.emplace_back(prefix + name, tensor(value));
    return pkl::dict(items);
  }

  std::string file(const std::string& root) const {
    std::vector<ZipEntry> entries = {{.name = "net/data.pkl", .data = pkl::pickle(root)}};
    entries.insert(entries.end(), entries_.begin(), entries_.end());
    return zip_bytes(entries);
  }

 private:
  std::vector<ZipEntry> entries_;
};

class StateDictChoice : public CheckpointTest {
 protected:
  CheckpointFile open(const std::string& root, const std::string& entry = {}) {
    return CheckpointFile::open(write("net.pth", writer_.file(root)), {.entry = entry, .file_use = FileUse::kCopy});
  }
  LoadReport report(const std::string& root, const std::string& entry = {}) {
    return load_checkpoint(parameters_, open(root, entry)).report;
  }
  std::string error(const std::string& root) {
    try {
      load_checkpoint(parameters_, open(root));
    } catch (const WeightError& error) {
      return error.what();
    }
    return "loaded";
  }
  std::string state_dict(const std::string& prefix = {}) { return writer_.state_dict(tensors_, prefix); }
  std::string averaged() {
    NamedTensors tensors = tensors_;
    for (auto& [name, tensor] : tensors) {
      for (float& value : tensor.data) value *= 0.5F;
    }
    return writer_.state_dict(tensors);
  }

  const NamedTensors tensors_ = checkpoint(Ecosystem::kTimm, parameters_);
  PthWriter writer_;
};

TEST_F(StateDictChoice, TensorsBesideAStateDictDoNotMakeTheWrapperOne) {
  for (const std::string key : {"state_dict", "model", "net", "weights"}) {
    const std::string root = pkl::dict({{"epoch", pkl::number(3)},
                                        {"best_acc1", writer_.number()},
                                        {"rng_state", writer_.tensor({Shape{4}, {1, 2, 3, 4}})},
                                        {"loss", writer_.number()},
                                        {"updates", writer_.number()},
                                        {key, state_dict()}});
    const LoadReport report = this->report(root);
    EXPECT_TRUE(report.complete()) << report.to_string();
    EXPECT_EQ(report.entry, key);
    EXPECT_THAT(report.other_entries, IsEmpty());
    EXPECT_EQ(open(root).tensors().size(), tensors_.size());
  }
}

TEST_F(StateDictChoice, TheOneThatFitsIsTakenWhateverItsName) {
  const std::string other = writer_.state_dict({{"fc.weight", Tensor{Shape{2}, {1, 2}}}});
  const std::string root = pkl::dict({{"teacher_head", other}, {"model", other}, {"student", state_dict()}});
  const LoadReport report = this->report(root);
  EXPECT_TRUE(report.complete()) << report.to_string();
  EXPECT_EQ(report.entry, "student");
  EXPECT_THAT(report.to_string(), HasSubstr("; taken from \"student\", not from \"model\""));
}

TEST_F(StateDictChoice, DictsInDictsAndListsAreFound) {
  const LoadReport nested = report(pkl::dict({{"run", pkl::dict({{"weights", state_dict()}, {"epoch", "N"}})}}));
  EXPECT_EQ(nested.entry, "run/weights");
  const LoadReport listed = report(pkl::tuple({pkl::number(3), state_dict(), "N"}));
  EXPECT_EQ(listed.entry, "1");
  const std::string root = pkl::dict({{"run", pkl::dict({{"weights", state_dict()}, {"ema", averaged()}})}});
  EXPECT_EQ(report(root, "run/ema").entry, "run/ema");
}

TEST_F(StateDictChoice, SeveralThatFitAreRefusedUnlessOneHasAKnownKey) {
  const std::string root = pkl::dict({{"student", state_dict()}, {"teacher", averaged()}});
  EXPECT_EQ(error(root), path("net.pth").string() +
                             ": several of its state dicts fit the network: \"student\", \"teacher\"; say which with "
                             "model.checkpoint.entry (--set model.checkpoint.entry=student)");
  EXPECT_EQ(report(root, "teacher").entry, "teacher");
  const LoadReport known =
      report(pkl::dict({{"student", state_dict()}, {"model_ema", averaged()}, {"model", state_dict()}}));
  EXPECT_EQ(known.entry, "model");
  EXPECT_THAT(known.other_entries, UnorderedElementsAre("model_ema", "student"));
}

TEST_F(StateDictChoice, OneDictUnderTwoKeysIsNoChoice) {
  const std::string root =
      "}(" + pkl::text("net") + state_dict() + std::string("q\7", 2) + pkl::text("best") + std::string("h\7", 2) + "u";
  EXPECT_EQ(report(root).entry, "net");
  EXPECT_EQ(report(root, "best").entry, "best");
  const std::string known = "}(" + pkl::text("net") + state_dict() + std::string("q\7", 2) + pkl::text("state_dict") +
                            std::string("h\7", 2) + "u";
  EXPECT_EQ(report(known).entry, "state_dict");
}

TEST_F(StateDictChoice, WhatFitsNearlyIsReported) {
  NamedTensors nearly = tensors_;
  remove(nearly, "bn1.bias");
  const std::string root =
      pkl::dict({{"model", writer_.state_dict({{"x", Tensor{Shape{1}, {1}}}})}, {"net", writer_.state_dict(nearly)}});
  EXPECT_THAT(error(root), HasSubstr("taken from \"net\", not from \"model\"\n  missing (1):\n    bn1.bias"));
}

TEST_F(StateDictChoice, WithoutANetworkTheKnownKeyOrTheLargestIsTaken) {
  const std::string one = writer_.state_dict({{"a", Tensor{Shape{1}, {1}}}});
  const std::string two = writer_.state_dict({{"a", Tensor{Shape{1}, {1}}}, {"b", Tensor{Shape{1}, {1}}}});
  EXPECT_EQ(open(pkl::dict({{"net", two}, {"ema", one}, {"state_dict", one}})).entry(), "state_dict");
  EXPECT_EQ(open(pkl::dict({{"head", one}, {"net", two}})).entry(), "net");
  EXPECT_EQ(open(pkl::dict({{"acc", writer_.number()}, {"net", two}})).entry(), "net");
  EXPECT_EQ(open(pkl::dict({{"acc", writer_.number()}, {"ema", one}})).entry(), "ema");
}

TEST_F(StateDictChoice, MissingEntrySaysWhatThereIs) {
  const std::string root = pkl::dict({{"net", state_dict()}, {"epoch", pkl::number(3)}});
  EXPECT_THAT(
      [&] { open(root, "model"); },
      testing::ThrowsMessage<WeightError>(path("net.pth").string() +
                                          ": holds no state dict under \"model\"; it holds state dicts under \"net\""));
}

TEST_F(StateDictChoice, UnknownPrefixNeedNotBeOnEveryName) {
  for (const std::string prefix : {"module.", "model.", "net.", "student.backbone.", "_orig_mod.module."}) {
    const std::string root = "}(" + pkl::text("n_averaged") + writer_.number() + pkl::text("criterion.weight") +
                             writer_.tensor({Shape{2}, {1, 2}}) + "u" + "(" +
                             [&] {
                               std::string items;
                               for (const auto& [name, value] : tensors_) {
                                 items += pkl::text(prefix + name) + writer_.tensor(value);
                               }
                               return items;
                             }() +
                             "u";
    const LoadReport report = this->report(root);
    EXPECT_TRUE(report.complete()) << report.to_string();
    EXPECT_EQ(report.stripped_prefix, prefix);
    EXPECT_THAT(report.outside_prefix, ElementsAre("n_averaged", "criterion.weight"));
    EXPECT_THAT(report.to_string(),
                EndsWith(fmt::format("; {} fit behind \"{}\", 2 that do not begin with it left alone\n  left alone "
                                     "(2):\n    n_averaged\n    criterion.weight",
                                     tensors_.size(), prefix)));
  }
}

TEST_F(StateDictChoice, NamesBehindThePrefixMustStillAllBeKnown) {
  NamedTensors tensors = tensors_;
  tensors.emplace_back("blocks.9.weight", Tensor{Shape{1}, {1}});
  EXPECT_THAT(error(writer_.state_dict(tensors, "net.")), HasSubstr("unexpected (1):\n    net.blocks.9.weight"));
}

TEST_F(StateDictChoice, TwoPrefixesAreRefusedUnlessOneIsKnownOrAskedFor) {
  NamedTensors both;
  for (const std::string prefix : {"student.", "teacher."}) {
    for (const auto& [name, tensor] : tensors_) both.emplace_back(prefix + name, tensor);
  }
  EXPECT_EQ(error(writer_.state_dict(both)),
            path("net.pth").string() +
                ": all tensors of the network are there behind both \"student.\" and \"teacher.\"; say which with "
                "model.checkpoint.entry (--set model.checkpoint.entry=student.)");
  const LoadReport report = this->report(writer_.state_dict(both), "teacher.");
  EXPECT_EQ(report.stripped_prefix, "teacher.");
  EXPECT_EQ(report.outside_prefix.size(), tensors_.size());
  write_safetensors(path("both.safetensors"), both);
  const LoadReport same = check_checkpoint(
      parameters_, CheckpointFile::open(path("both.safetensors"), {.entry = "teacher.", .file_use = {}}));
  EXPECT_EQ(same.stripped_prefix, "teacher.");
  EXPECT_TRUE(same.complete());

  NamedTensors averaged;
  for (const std::string prefix : {"ema_model.", "model."}) {
    for (const auto& [name, tensor] : tensors_) averaged.emplace_back(prefix + name, tensor);
  }
  EXPECT_EQ(this->report(writer_.state_dict(averaged)).stripped_prefix, "model.");
}

TEST_F(StateDictChoice, ExtraStateIsLeftAloneAndNamed) {
  NamedTensors tensors = tensors_;
  tensors.emplace_back("blocks.0._extra_state", Tensor{Shape{3}, {1, 2, 3}});
  const std::string root =
      writer_.state_dict(tensors) + "(" + pkl::text("conv_stem._extra_state") + "]" + pkl::text("_extra_state") + "Nu";
  const LoadReport report = this->report(root);
  EXPECT_TRUE(report.complete()) << report.to_string();
  EXPECT_THAT(report.ignored, UnorderedElementsAre("blocks.0._extra_state", "conv_stem._extra_state", "_extra_state"));
}

TEST_F(StateDictChoice, WhatIsNoTensorInItsPlaceIsNamed) {
  NamedTensors tensors = tensors_;
  remove(tensors, "bn1.bias");
  const std::string object = pkl::call(pkl::global("torch._utils", "_rebuild_qtensor"), {"N"});
  EXPECT_THAT(error(writer_.state_dict(tensors) + "(" + pkl::text("bn1.bias") + object + "u"),
              HasSubstr("bn1.bias (there is an object of torch._utils._rebuild_qtensor in its place)"));
}

}  // namespace
}  // namespace zoo::weights
