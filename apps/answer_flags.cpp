#include "apps/answer_flags.h"

#include "apps/commands.h"
#include "apps/number_check.h"

namespace zoo::apps {

void AnswerFlags::add_to(CLI::App& app) {
  app.add_option("--topk", top_k, "Guesses per frame (classification; default: 5)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("K");
  app.add_option("--score-thresh", score_thresh,
                 "Leave out boxes (detection; default: the model file's) or guesses (classification; default: 0) that "
                 "score less")
      ->check(number_in(0.0, 1.0))
      ->type_name("SCORE");
}

void AnswerFlags::check(const models::ModelConfig& config, std::vector<TaskFlag> others) const {
  std::vector<TaskFlag> flags = {
      {"--topk", top_k.has_value(), {Task::kClassification}},
      {"--score-thresh", score_thresh.has_value(), {Task::kClassification, Task::kDetection}}};
  flags.insert(flags.end(), others.begin(), others.end());
  check_task_flags(flags, config);
  if (top_k && config.answers.multi_label) {
    throw UsageError(
        "--topk: a multi-label model yields every class that reaches its threshold (model.multi_label); --score-thresh "
        "leaves out more");
  }
}

void AnswerFlags::set(pipeline::PredictorOptions& options) const {
  if (top_k) options.top_k = *top_k;
  options.score_thresh = score_thresh;
}

}  // namespace zoo::apps
