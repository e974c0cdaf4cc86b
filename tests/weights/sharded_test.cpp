// Checkpoints in several safetensors files, found by their index.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/weights/checkpoint_file.h"
#include "nn/weights/checkpoint_parts.h"
#include "tests/weights/checkpoint_test.h"
#include "tests/weights/pth_files.h"

namespace zoo::weights {
namespace {

class Sharded : public CheckpointTest {
 protected:
  std::filesystem::path index(const std::string& json) const { return write("model.safetensors.index.json", json); }

  /// The map of the index, with the braces.
  static std::string map_of(const std::vector<std::pair<std::string, std::string>>& shards) {
    std::string json;
    for (const auto& [tensor, shard] : shards)
      json += fmt::format("{}\"{}\":\"{}\"", json.empty() ? "" : ",", tensor, shard);
    return "{" + json + "}";
  }
  static std::string with_map(const std::string& map) {
    return R"({"metadata":{"total_size":8,"deep":[[{"weight_map":{"x":1}}]]},"weight_map":)" + map + "}";
  }

  std::string error_of(const std::string& json) const {
    const auto file = index(json);
    const std::string message = checkpoint_error(file);
    return message.starts_with(file.string() + ": ") ? message.substr(file.string().size() + 2) : message;
  }

  void write_tensors(const std::string& name, const std::vector<std::string>& tensors) const {
    NamedTensors named;
    for (const std::string& tensor : tensors) named.emplace_back(tensor, Tensor{Shape{1}, {1.0F}});
    write_safetensors(path(name), named);
  }
};

TEST_F(Sharded, LoadLikeOneFile) {
  const NamedTensors tensors = checkpoint(Ecosystem::kTimm, parameters_);
  std::vector<NamedTensors> shards(3);
  std::vector<std::pair<std::string, std::string>> map;
  for (size_t i = 0; i < tensors.size(); ++i) {
    shards[i % 3].push_back(tensors[i]);
    map.emplace_back(tensors[i].first, fmt::format("model-{:05}-of-00003.safetensors", i % 3 + 1));
  }
  for (size_t i = 0; i < shards.size(); ++i) {
    write_safetensors(path(fmt::format("model-{:05}-of-00003.safetensors", i + 1)), shards[i]);
  }
  const auto file = index("  " + with_map(map_of(map)));
  for (const FileUse use : {FileUse::kCopy, FileUse::kInPlace}) {
    const LoadedWeights loaded =
        load_checkpoint(parameters_, CheckpointFile::open(file, {.entry = {}, .file_use = use}));
    EXPECT_TRUE(loaded.report.complete()) << loaded.report.to_string();
    const ParameterValues expected = formula_values(parameters_, Ecosystem::kTimm, {});
    for (size_t id = 0; id < parameters_.size(); ++id) {
      EXPECT_TRUE(std::ranges::equal(loaded.values.views[id], expected.views[id])) << parameters_[id].name;
    }
  }
}

TEST_F(Sharded, AreAllTheirFiles) {
  write_tensors("b.safetensors", {"x"});
  const auto file = index(with_map(map_of({{"x", "b.safetensors"}, {"y", "a.safetensors"}, {"z", "b.safetensors"}})));
  EXPECT_THAT(files_of_checkpoint(file), testing::ElementsAre(file, path("a.safetensors"), path("b.safetensors")));
  EXPECT_THAT(files_of_checkpoint(path("b.safetensors")), testing::ElementsAre(path("b.safetensors")));
  EXPECT_THROW(files_of_checkpoint(path("none.safetensors")), WeightError);
}

TEST_F(Sharded, MissingFilesAreNamed) {
  write_tensors("a.safetensors", {"a"});
  EXPECT_EQ(error_of(with_map(map_of({{"a", "a.safetensors"}, {"b", "b.safetensors"}, {"c", "c.safetensors"}}))),
            "2 of the 3 files of the checkpoint are not beside it: \"b.safetensors\", \"c.safetensors\"; fetch them "
            "into the same folder");
}

TEST_F(Sharded, FilesLieBesideTheIndex) {
  for (const std::string shard : {"../x.safetensors", "/etc/passwd", "sub/x.safetensors", "..", ".", "", "a\\\\b"}) {
    EXPECT_THAT(error_of(with_map(map_of({{"a", shard}}))),
                testing::HasSubstr("which is not the name of a file beside the index"))
        << shard;
  }
  EXPECT_THAT(error_of(with_map("{\"a\":\"x\\u0000y\"}")), testing::HasSubstr("not the name of a file"));
}

TEST_F(Sharded, TensorsAreThereOnceAndWhereTheIndexSays) {
  write_tensors("1.safetensors", {"a", "b"});
  write_tensors("2.safetensors", {"b"});
  EXPECT_EQ(error_of(with_map(map_of({{"a", "1.safetensors"}, {"b", "2.safetensors"}}))),
            "tensor \"b\" is in \"1.safetensors\", but the index says \"2.safetensors\"");
  EXPECT_EQ(error_of(with_map(map_of({{"a", "1.safetensors"}}))),
            "tensor \"b\" is in \"1.safetensors\", but the index does not name it");
  EXPECT_EQ(error_of(with_map(map_of({{"b", "2.safetensors"}, {"c", "2.safetensors"}}))),
            "tensor \"c\" is not in \"2.safetensors\", where the index says it is");
  EXPECT_EQ(error_of(with_map(R"({"b":"2.safetensors","b":"2.safetensors"})")), "weight_map: \"b\" is there twice");
}

TEST_F(Sharded, BrokenIndexIsRefusedWithItsReason) {
  write_tensors("1.safetensors", {"a"});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"architectures":["X"]})",
       "is JSON without weight_map, so not the index of a checkpoint in several safetensors files"},
      {R"({"weight_map":{}})" + std::string(20, ' '), "weight_map names no tensor"},
      {R"({"weight_map":["a"]})", "weight_map must be an object, found a list"},
      {R"({"weight_map":"a.safetensors"})", "weight_map must be an object, found text"},
      {R"({"weight_map":{"a":1}})", "weight_map: \"a\" must be the name of a file, found a number"},
      {R"({"weight_map":{"a":{}}})", "weight_map: \"a\" must be the name of a file, found an object"},
      {R"({"weight_map":{},"weight_map":{}})", "weight_map is there twice"},
      {R"({"weight_map":{"a":"1.safetensors"})", "is not valid JSON (at byte 36)"},
      {R"({"weight_map":{"a":"model.safetensors.index.json"}})", "\"model.safetensors.index.json\" is an index, too"}};
  for (const auto& [json, message] : cases) EXPECT_EQ(error_of(json), message) << json;
  EXPECT_THAT(error_of("{\"weight_map\":" + std::string(1'000'000, '[')), testing::HasSubstr("found a list"));
  EXPECT_THAT(error_of("{\"a\":" + std::string(1'000'000, '[')), testing::HasSubstr("is not valid JSON"));
}

TEST_F(Sharded, FilesOfPyTorchMayBeIndexedToo) {
  write("1.bin", pth_bytes(pkl::pickle(pkl::dict({{"a", pkl::tensor(pkl::storage("0", 4), 0, {4}, {1})}}))));
  EXPECT_EQ(error_of(with_map(map_of({{"a", "1.bin"}}))), "opened");
}

}  // namespace
}  // namespace zoo::weights
