#include "apps/model_flags.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/number_check.h"
#include "apps/output.h"
#include "nn/core/cores.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"
#include "nn/engine/machine/thread_pool.h"

namespace zoo::apps {
namespace {

constexpr int64_t kMaxSide = 16384;
constexpr double kBytesPerGibi = 1024.0 * 1024.0 * 1024.0;

std::optional<int64_t> parse_side(std::string_view text) { return parse_number_in<int64_t>(text, 1, kMaxSide); }

std::vector<Section> sections(const std::vector<std::string>& names) {
  std::vector<Section> result;
  result.reserve(names.size());
  for (const std::string& name : names) {
    result.push_back(name == "backbone" ? Section::kBackbone : name == "neck" ? Section::kNeck : Section::kHead);
  }
  return result;
}

std::vector<ConfigOverride> parse_overrides(const std::vector<std::string>& texts) {
  std::vector<ConfigOverride> result;
  result.reserve(texts.size());
  for (const std::string& text : texts) result.push_back(ConfigOverride::parse(text));
  return result;
}

}  // namespace

void log_model(const models::Model& model, bool names_file) {
  const std::string whose = names_file ? printable(model.config().file.string()) + ": " : "";
  for (const ConfigDocument::Ignored& ignored : model.config().ignored) {
    spdlog::info("{}: {}: ignored: {}", ignored.where, ignored.path, ignored.reason);
  }
  if (const std::string remark = models::remark_on(model.config().preprocess); !remark.empty()) {
    report(fmt::format("{}: {}", model.config().file.string(), remark));
  }
  spdlog::info("{}preprocess: {}; from {}", whose, models::to_string(model.config().preprocess),
               model.config().preprocess_origin);
  if (model.report()) {
    spdlog::info("{}{}", whose, model.report()->to_string());
  } else {
    spdlog::info("{}random weights: the results mean nothing", whose);
  }
}

void ModelFlags::add_to(CLI::App& app) {
  app.add_option("MODEL", file, "Model file (YAML), or the name of a model that `list` shows")->required();
  add_set_flag(app, overrides);
}

void add_set_flag(CLI::App& app, std::vector<std::string>& overrides) {
  app.add_option("--set", overrides, "Override one key of the model file, e.g. --set model.num_classes=10")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
}

std::vector<ConfigOverride> ModelFlags::parsed_overrides() const { return parse_overrides(overrides); }

models::ModelConfig ModelFlags::load_config() const { return models::load_model_config(file, parsed_overrides()); }

void WeightFlags::add_to(CLI::App& app) {
  CLI::Option* file =
      app.add_option("--checkpoint", checkpoint, "Weights instead of the model file's own")->type_name("FILE");
  CLI::Option* published =
      app.add_flag("--pretrained", pretrained, "The published weights of the model, which `pull` has fetched")
          ->excludes(file);
  app.add_flag("--random-weights", random, "Made-up weights, for trying shapes and speed")
      ->excludes(file)
      ->excludes(published);
  app.add_option("--allow-missing", allow_missing, "Part of the network that the weights may lack")
      ->check(CLI::IsMember({"backbone", "neck", "head"}))
      ->expected(1)
      ->take_all();
  app.add_option("--max-parameters", limits.parameters, "Refuse networks with more parameters")
      ->check(CLI::Range(int64_t{1}, std::numeric_limits<int64_t>::max()))
      ->capture_default_str()
      ->type_name("N");
  app.add_option_function<double>(
         "--max-activations",
         [this](double gibi) { limits.activation_bytes = static_cast<int64_t>(gibi * kBytesPerGibi); },
         "Refuse inputs whose feature maps take more memory (default: 4)")
      ->check(number_in(0.001, 1e6))
      ->type_name("GIB");
}

void SizeFlag::add_to(CLI::App& app) {
  app.add_option("--size", text, "Input size of the network in pixels, e.g. 192 or 192x256")->type_name("H[xW]");
}

void WeightFlags::add_calibration_to(CLI::App& app) {
  app.add_option("--calibration", calibration, "Ranges for int8 (default: CHECKPOINT.calibration.yaml)")
      ->type_name("FILE");
}

std::optional<std::array<int64_t, 2>> SizeFlag::value() const {
  if (text.empty()) return std::nullopt;
  const std::string_view all = text;
  const size_t cross = all.find('x');
  const std::optional<int64_t> height = parse_side(all.substr(0, cross));
  const std::optional<int64_t> width = cross == std::string_view::npos ? height : parse_side(all.substr(cross + 1));
  if (!height || !width) {
    throw UsageError(fmt::format("--size {}: expected H or HxW with sides of 1 to {} pixels", text, kMaxSide));
  }
  return std::array<int64_t, 2>{*height, *width};
}

std::array<int64_t, 2> SizeFlag::value_or_default(const models::ModelConfig& config) const {
  if (const auto size = value()) return *size;
  return models::usual_input_size(config);
}

int all_cores() { return std::min(usable_cores(), engine::kMaxThreads); }

void add_cores_flag(CLI::App& app, const std::string& name, int& cores, const std::string& description) {
  const auto parse = [&cores, name](const std::string& text) {
    constexpr int kMaxCores = engine::kMaxThreads;
    if (text == "all") {
      cores = all_cores();
      return;
    }
    const std::optional<int> number = parse_number_in(text, 1, kMaxCores);
    if (!number) throw CLI::ValidationError(name, fmt::format("expected 1 to {} or all", kMaxCores));
    cores = *number;
  };
  app.add_option_function<std::string>(name, parse, description)->type_name("N|all");
}

void OutputsFlag::add_to(CLI::App& app, const std::string& otherwise) {
  const std::string text =
      fmt::format("Names of the results to compute, e.g. logits,feature.0 (default: {})", otherwise);
  app.add_option("--outputs", names, text)->delimiter(',')->expected(1)->take_all()->type_name("NAME,...");
}

void OutputsFlag::check(const graph::Graph& graph) const {
  std::vector<std::string> known;
  for (const graph::Output& output : graph.outputs) known.push_back(output.name);
  for (const std::string& name : names) {
    if (std::ranges::find(known, name) == known.end()) {
      throw UsageError(fmt::format("--outputs {}: no such output; the network has {}", name, fmt::join(known, ", ")));
    }
  }
}

void add_threads_flag(CLI::App& app, int& threads) {
  add_cores_flag(app, "--threads", threads,
                 "Cores that one inference may use (default: the model file's runtime.threads)");
}

void KernelFlags::add_to(CLI::App& app) {
  app.add_option("--kernels", wanted,
                 "Convolutions by: auto (the fastest as measured), own, onednn, or part of an implementation's name")
      ->check([](const std::string& text) { return text.empty() ? "expected a name" : ""; })
      ->capture_default_str()
      ->type_name("NAME");
  app.add_option("--isa", isa,
                 "Instruction set of the project's own kernels; auto: all that the machine has, AMX included")
      ->check(CLI::IsMember({"auto", "sse", "avx2", "avx512"}))
      ->capture_default_str();
  app.add_flag(
      "--compact-layers", compact_layers,
      "Where the network computes in f32, keep the weights of fully connected and squeeze-and-excite layers in "
      "bf16: faster at batch 1, weights rounded to 8 bits");
}

engine::KernelOptions KernelFlags::options() const {
  using engine::InstructionSet;
  engine::KernelOptions options;
  options.wanted = wanted;
  options.compact_layers = compact_layers;
  for (const auto set : {InstructionSet::kSse, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    if (isa == engine::to_string(set)) options.isa = set;
  }
  return options;
}

void add_precision_flag(CLI::App& app, std::optional<engine::Precision>& precision) {
  const auto parse = [&precision](const std::string& name) {
    precision = engine::precision_from(name);
    if (precision) return;
    const std::vector<std::string> known = {"f32", "bf16", "int8", "auto"};
    const std::string meant = nearest_name(name, known);
    throw CLI::ValidationError("--precision",
                               fmt::format("{} is none of {}{}", name, fmt::join(known, ", "),
                                           meant.empty() ? "" : fmt::format("; did you mean {}?", meant)));
  };
  app.add_option_function<std::string>(
         "--precision", parse,
         "What the network computes in: f32 (or fp32), bf16 (with AVX512-BF16 or AMX), int8, "
         "or auto, the fastest as measured (default: the model file's "
         "runtime.precision)")
      ->type_name("P");
}

void add_json_flag(CLI::App& app, bool& json) { app.add_flag("--json", json, "Print JSON"); }

void check_task_flags(const std::vector<TaskFlag>& flags, const models::ModelConfig& config) {
  for (const TaskFlag& flag : flags) {
    if (!flag.given || std::ranges::find(flag.tasks, config.task) != flag.tasks.end()) continue;
    std::vector<std::string_view> names;
    for (const Task task : flag.tasks) names.push_back(to_string(task));
    throw UsageError(fmt::format("{}: only for models of task {}; this one is {}", flag.name, fmt::join(names, " or "),
                                 models::task_name(config)));
  }
}

void add_batch_flag(CLI::App& app, int64_t& batch) {
  constexpr int64_t kMaxBatch = 4096;
  app.add_option("--batch", batch, "Images per inference (default: 1)")
      ->check(CLI::Range(int64_t{1}, kMaxBatch))
      ->type_name("N");
}

void add_seconds_flag(CLI::App& app, double& seconds) {
  app.add_option("--seconds", seconds, "How long to measure a model")
      ->check(number_in(0.0, 3600.0))
      ->capture_default_str()
      ->type_name("S");
}

models::LoadModelOptions load_options(const WeightFlags& weights, const std::vector<std::string>& overrides) {
  return {.checkpoint = weights.checkpoint,
          .pretrained = weights.pretrained,
          .random_weights = weights.random,
          .allow_missing = sections(weights.allow_missing),
          .calibration = weights.calibration,
          .overrides = parse_overrides(overrides),
          .limits = weights.limits};
}

std::shared_ptr<const models::Model> load_model(const ModelFlags& model, const WeightFlags& weights,
                                                StartupClock* clock, weights::FileUse file_use) {
  models::LoadModelOptions options = load_options(weights, model.overrides);
  options.file_use = file_use;
  models::ModelConfig config = models::load_model_config(model.file, models::overrides_of(options));
  if (clock != nullptr) clock->lap("configuration");
  auto loaded = std::make_shared<const models::Model>(models::Model::load(std::move(config), options));
  if (clock != nullptr) clock->lap("weights");
  log_model(*loaded);
  return loaded;
}

}  // namespace zoo::apps
