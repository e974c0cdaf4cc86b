// Every reference record through the real path: model file -> graph -> weights by the ecosystem's names -> engine,
// compared with the reference implementation's own outputs, features included, within the record's tolerance.
#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include <gtest/gtest.h>

#include "models/model_config.h"
#include "models/results.h"
#include "nn/engine/executable.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/golden/reference_records.h"
#include "tests/support/compare.h"
#include "tests/support/zoo_networks.h"

namespace zoo {
namespace {

using test::ReferenceRecord;

/// Integers of an I64 tensor.
std::vector<int64_t> to_integers(const weights::StoredTensor& tensor) {
  std::vector<int64_t> values(tensor.data.size() / sizeof(int64_t));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

/// One way through the engines.
struct Way {
  std::string name;
  engine::CompileOptions options;
  bool needs_tiles = false;  ///< of AMX
};

Way fast_way(const std::string& name, const std::string& wanted, engine::InstructionSet isa) {
  Way way{name, {}};
  way.options.kernels.wanted = wanted;
  way.options.kernels.isa = isa;
  return way;
}

std::vector<Way> ways() {
  using engine::InstructionSet;
  Way reference{"reference", {}};
  reference.options.engine = engine::EngineKind::kReference;
  Way split = fast_way("own_split", "own:split", InstructionSet::kAuto);
  split.needs_tiles = true;
  return {fast_way("measured", "auto", InstructionSet::kAuto),
          fast_way("onednn", "onednn", InstructionSet::kAuto),
          fast_way("own_avx512", "own", InstructionSet::kAvx512),
          fast_way("own_avx2", "own", InstructionSet::kAvx2),
          fast_way("own_sse", "own", InstructionSet::kSse),
          split,
          reference};
}

class GoldenParity : public ::testing::TestWithParam<std::tuple<ReferenceRecord, Way>> {};

TEST_P(GoldenParity, HoldsForEveryOutput) {
  const auto& [record, way] = GetParam();
  if (!engine::is_available(way.options.kernels.isa)) GTEST_SKIP() << "the machine has no such instruction set";
  if (way.needs_tiles && !engine::machine_capabilities().amx_bf16) GTEST_SKIP() << "the machine has no AMX";
  const models::ModelConfig config = models::load_model_config(record.config());
  graph::BoundGraph network;
  network.graph = models::build_graph(config);
  EXPECT_EQ(graph::parameter_count(network.graph), record.parameters);
  network.values = weights::formula_values(network.graph.parameters, record.ecosystem(), {record.seed, record.gain});

  const auto executable = engine::Executable::compile(network, record.input_shape, way.options);
  const auto runner = executable->new_runner();
  const Tensor image = weights::formula_input(record.input_shape, record.seed, record.input_scale);
  std::copy(image.data.begin(), image.data.end(), runner->input().begin());
  runner->run();

  const auto golden = weights::SafetensorsFile::open(record.golden);
  const auto results = models::collect_results(config, *executable, *runner);
  for (const std::string& name : record.outputs) {
    SCOPED_TRACE(name);
    const weights::StoredTensor* expected = golden.find(name);
    const weights::StoredTensor* shape = golden.find(name + ".shape");
    const auto found = std::ranges::find(results, name, &std::pair<std::string, Tensor>::first);
    ASSERT_TRUE(expected != nullptr && shape != nullptr && found != results.end());
    const Tensor& actual = found->second;
    EXPECT_EQ(actual.shape, Shape(to_integers(*shape)));
    std::vector<float> compared = actual.data;
    if (const weights::StoredTensor* index = golden.find(name + ".index")) {
      compared.clear();
      for (int64_t at : to_integers(*index)) compared.push_back(actual.data[static_cast<size_t>(at)]);
    }
    EXPECT_TRUE(test::close_to_max(compared, weights::to_float(*expected), record.rel_to_max));
  }
}

INSTANTIATE_TEST_SUITE_P(References, GoldenParity,
                         ::testing::Combine(::testing::ValuesIn(test::reference_records()),
                                            ::testing::ValuesIn(ways())),
                         [](const auto& c) {
                           return test::test_name(std::get<0>(c.param).id) + "_" + std::get<1>(c.param).name;
                         });

// Every model file of a library with an ecosystem of its own has a record, and every record its model file.
TEST(GoldenRecords, CoverEveryNetwork) {
  std::vector<std::string> recorded;
  for (const ReferenceRecord& record : test::reference_records()) recorded.push_back(record.id + ".yaml");
  std::vector<std::string> files = test::config_files();
  std::erase_if(files, [](const std::string& file) {
    const auto ecosystem = weights::ecosystem_from_name(file.substr(0, file.find('/')));
    return !ecosystem || *ecosystem == weights::Ecosystem::kOwn;
  });
  std::ranges::sort(recorded);
  ASSERT_FALSE(files.empty());
  EXPECT_EQ(recorded, files);
}

}  // namespace
}  // namespace zoo
