#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/model_flags.h"
#include "apps/predict_session.h"

namespace zoo::apps {
namespace {

struct PredictFlags {
  ModelFlags model;
  WeightFlags weights;
  SizeFlag size;
  std::vector<std::string> sources;
  std::string json;
  int64_t top_k = 5;
  int threads = 0;
  PredictOptions options;
};

int predict(PredictFlags& flags) {
  StartupClock clock;
  pipeline::ClassifierOptions options;
  options.top_k = flags.top_k;
  options.threads = flags.threads;
  options.input_size = flags.size.value();
  const std::vector<pipeline::SourceSpec> sources = pipeline::resolve_sources(flags.sources);
  clock.lap("configuration");
  pipeline::Classifier classifier(load_model(flags.model, flags.weights, flags.options.timing ? &clock : nullptr),
                                  options);
  clock.lap("compile");
  return PredictSession(classifier, flags.options, clock).run(sources);
}

}  // namespace

Action setup_predict(CLI::App& app) {
  auto flags = std::make_shared<PredictFlags>();
  flags->model.add_to(app);
  app.add_option("--source,-s", flags->sources,
                 "Image, folder, pattern, video file, camera index, address, or gst:PIPELINE; several are worked on "
                 "one after the other")
      ->required()
      ->type_name("SOURCE");
  flags->weights.add_to(app);
  flags->size.add_to(app);
  app.add_option("--topk", flags->top_k, "Guesses per frame")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("K")
      ->capture_default_str();
  app.add_option("--save", flags->options.save_folder, "Write annotated images or videos into this folder")
      ->type_name("DIR");
  CLI::Option* json = app.add_option("--json", flags->json,
                                     "Write one JSON object per frame to a file, or to standard "
                                     "output instead of text (-, or no value)")
                          ->type_name("FILE")
                          ->expected(0, 1);
  app.add_flag("--show", flags->options.show, "Show annotated frames in a window (q or Esc ends)");
  app.add_option("--max-frames", flags->options.max_frames, "Stop each source after this many frames")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  add_threads_flag(app, flags->threads);
  app.add_flag("--timing", flags->options.timing, "Say on standard error where the time to the first result went");
  return [flags, json] {
    if (json->count() > 0) flags->options.json = flags->json.empty() ? "-" : flags->json;
    return predict(*flags);
  };
}

}  // namespace zoo::apps
