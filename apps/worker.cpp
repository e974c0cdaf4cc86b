#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "apps/answer_flags.h"
#include "apps/commands.h"
#include "apps/listen.h"
#include "apps/model_flags.h"
#include "apps/number_check.h"
#include "apps/output.h"
#include "apps/queue_flags.h"
#include "apps/run_inputs.h"
#include "apps/worker_session.h"

namespace zoo::apps {
namespace {

constexpr double kMaxCountsEvery = 86'400.0;

struct WorkerFlags {
  ModelFlags model;
  WeightFlags weights;
  SizeFlag size;
  QueueFlags queue;
  AnswerFlags answers;
  int threads = 0;
  std::optional<engine::Precision> precision;
  KernelFlags kernels;
  std::string json;
  double counts_every_s = 10.0;
  ListenFlags listen;
  WorkerSessionOptions session;
};

int work(const WorkerFlags& flags) {
  flags.listen.check("the figures");
  WorkerSessionOptions session = flags.session;
  session.listen = flags.listen.listen;
  session.token = flags.listen.token;
  session.worker = flags.queue.options();
  session.worker.threads = flags.threads > 0 ? flags.threads : all_cores();
  session.counts_every = std::chrono::seconds(std::llround(flags.counts_every_s));
  const auto model = load_model(flags.model, flags.weights);
  flags.answers.check(model->config());
  const auto files = files_with_calibration(flags.model, *model);
  for (const std::string& file : flags.queue.password_files()) files->add_input(file, "the password file");
  files->add_input(flags.queue.access.ca_file, "the certificates");
  claim_output(*files, session.json.value_or(""), "--json");

  pipeline::PredictorOptions options;
  flags.answers.set(options);
  options.network.kernels = flags.kernels.options();
  options.network.input_size = flags.size.value();
  options.network.precision = flags.precision;
  options.network.threads = 1;
  options.network.on_note = note_reporter();
  options.network.precision = pipeline::resolve_precision(*model, options.network).precision;
  const auto slot =
      std::make_shared<streams::ModelSlot>(streams::make_served_model(model, options, 1, session.worker.threads));
  streams::ModelWatcherOptions watch;
  watch.file = model->config().file;
  watch.load = load_options(flags.weights, flags.model.overrides);
  watch.predictor = options;
  watch.predictor.network.precision = flags.precision;  // `auto` may choose another for another network
  watch.workers = session.worker.threads;
  return WorkerSession(slot, std::move(session)).run(std::move(watch));
}

}  // namespace

Action setup_worker(CLI::App& app) {
  auto flags = std::make_shared<WorkerFlags>();
  flags->model.add_to(app);
  flags->queue.add_to(app);
  add_cores_flag(app, "--threads", flags->threads, "Entries worked on at a time, each on a core (default: all)");
  CLI::Option* json = app.add_option("--json", flags->json,
                                     "Write one JSON object per entry, and between them one of all counters, to a file "
                                     "or to standard output (-, or no value)")
                          ->type_name("FILE")
                          ->expected(0, 1);
  app.add_option("--counts-every", flags->counts_every_s, "Seconds between two JSON lines of counters")
      ->check(number_in(1.0, kMaxCountsEvery))
      ->capture_default_str()
      ->type_name("S");
  flags->listen.add_to(app, "Serve figures for Prometheus (/metrics) and health at this HOST:PORT");
  flags->weights.add_to(app);
  flags->size.add_to(app);
  flags->answers.add_to(app);
  add_precision_flag(app, flags->precision);
  flags->kernels.add_to(app);
  flags->weights.add_calibration_to(app);
  return [flags, json] {
    if (json->count() > 0) flags->session.json = flags->json.empty() ? "-" : flags->json;
    return work(*flags);
  };
}

}  // namespace zoo::apps
