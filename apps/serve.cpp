#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "apps/answer_flags.h"
#include "apps/commands.h"
#include "apps/listen.h"
#include "apps/model_flags.h"
#include "apps/number_check.h"
#include "apps/output.h"
#include "apps/serve_session.h"
#include "nn/core/shown_text.h"

namespace zoo::apps {
namespace {

constexpr size_t kMaxQueue = 1'000'000;
constexpr int64_t kMaxPictures = 1'000'000;
constexpr double kMaxTimeout = 3'600'000.0;
constexpr double kMaxBody = 1'024.0;
constexpr double kMebi = 1'024.0 * 1'024.0;

struct ServeFlags {
  std::vector<std::string> models;
  std::vector<std::string> overrides;
  WeightFlags weights;
  SizeFlag size;
  AnswerFlags answers;
  std::optional<engine::Precision> precision;
  KernelFlags kernels;
  int threads = 0;
  double timeout_ms = 30'000.0;
  double max_body_mib = 64.0;
  ListenFlags listen;
  ServeSessionOptions session;
};

struct NamedModel {
  std::string name;  ///< empty: the model's own
  std::string file;
};

/// A file's path may have an equals sign, too, but hardly behind what is a name.
NamedModel named_model_from(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || text.find('/') < equals) return {"", text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// What is wrong with the names, and with the files that say what they are called.
std::vector<serve::ModelSpec> models_of(const ServeFlags& flags) {
  std::vector<serve::ModelSpec> specs;
  std::vector<std::string> problems;
  pipeline::PredictorOptions predictor;
  flags.answers.set(predictor);
  predictor.network.kernels = flags.kernels.options();
  predictor.network.input_size = flags.size.value();
  predictor.network.precision = flags.precision;
  predictor.network.on_note = note_reporter();
  const models::LoadModelOptions load = load_options(flags.weights, flags.overrides);
  for (const std::string& text : flags.models) {
    NamedModel model = named_model_from(text);
    try {
      if (model.file.empty()) throw ConfigError({fmt::format("{}: no model file after the equals sign", text)});
      const models::ModelConfig config = models::load_model_config(model.file, models::overrides_of(load));
      if (flags.models.size() == 1) flags.answers.check(config);
      const bool named = text.find('=') != std::string::npos && text != model.file;
      if (!named) model.name = config.name;
      if (!serve::is_model_name(model.name)) {
        throw ConfigError(
            {fmt::format("{}: \"{}\" cannot stand in an address: letters, digits, \".\", \"-\" and \"_\" "
                         "make a name; give one as NAME={}",
                         printable(model.file), printable(model.name), printable(model.file))});
      }
      if (std::ranges::find(specs, model.name, &serve::ModelSpec::name) != specs.end()) {
        throw ConfigError({fmt::format("{}: another model is called {}, too; give this one another name: NAME={}",
                                       printable(model.file), model.name, printable(model.file))});
      }
      specs.push_back({.name = model.name, .file = model.file, .load = load, .predictor = predictor});
    } catch (const ConfigError& error) {
      problems.insert(problems.end(), error.problems().begin(), error.problems().end());
    }
  }
  if (!problems.empty()) throw ConfigError(std::move(problems));
  return specs;
}

int serve_models(const ServeFlags& flags) {
  check_listen(flags.listen.listen);
  if (flags.models.size() > 1 && !flags.weights.checkpoint.empty()) {
    throw UsageError("--checkpoint is of one model, and there are several: write checkpoint.path in their files");
  }
  std::vector<serve::ModelSpec> models = models_of(flags);
  const std::string& detector = flags.session.routes.detector;
  if (!detector.empty() && std::ranges::find(models, detector, &serve::ModelSpec::name) == models.end()) {
    throw UsageError(fmt::format("--detector {}: no model is served under this name", detector));
  }
  ServeSessionOptions session = flags.session;
  session.listen = flags.listen.listen;
  session.token = flags.listen.token;
  session.routes.max_body = static_cast<size_t>(flags.max_body_mib * kMebi);
  session.routes.server_version = ZOO_VERSION;
  session.service.workers = flags.threads > 0 ? flags.threads : all_cores();
  session.service.timeout = std::chrono::milliseconds(std::llround(flags.timeout_ms));
  session.service.on_message = [](const std::string& message) { report(message); };
  session.service.on_load = [](const models::Model& model) { log_model(model, true); };
  return ServeSession(std::move(models), std::move(session)).run();
}

}  // namespace

Action setup_serve(CLI::App& app) {
  auto flags = std::make_shared<ServeFlags>();
  flags->listen.listen = "127.0.0.1:8000";
  app.add_option("MODEL", flags->models,
                 "[NAME=]MODEL: model file (YAML), or the name of a model that `list` shows; clients call it NAME, "
                 "else by the name in its file. Saving a file swaps its model")
      ->required()
      ->type_name("MODEL");
  add_set_flag(app, flags->overrides);
  flags->listen.add_to(app, "Where clients reach it; port 0: any that is free");
  add_cores_flag(app, "--threads", flags->threads, "Requests worked on at a time, each on a core (default: all)");
  app.add_option("--queue", flags->session.service.queue.requests,
                 "Requests of each model that may wait; one more is answered 503 at once")
      ->check(CLI::Range(size_t{1}, kMaxQueue))
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--timeout", flags->timeout_ms, "A request that has waited longer is answered 504")
      ->check(number_in(1.0, kMaxTimeout))
      ->capture_default_str()
      ->type_name("MS");
  app.add_option("--max-body", flags->max_body_mib, "Larger requests are refused")
      ->check(number_in(0.001, kMaxBody))
      ->capture_default_str()
      ->type_name("MIB");
  app.add_option("--max-pictures", flags->session.service.max_pictures,
                 "Requests of more pictures, or rows of a tensor, are refused")
      ->check(CLI::Range(int64_t{1}, kMaxPictures))
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--detector", flags->session.routes.detector,
                 "The model that answers /v1/vision/detection (default: the only one that has boxes)")
      ->type_name("NAME");
  app.add_flag("--json", flags->session.json, "Print one line of JSON once it is ready: address, models");
  flags->weights.add_to(app);
  flags->size.add_to(app);
  flags->answers.add_to(app);
  add_precision_flag(app, flags->precision);
  flags->kernels.add_to(app);
  flags->weights.add_calibration_to(app);
  return [flags] { return serve_models(*flags); };
}

}  // namespace zoo::apps
