#include "pipeline/tasks/label_smoother.h"

#include <utility>

namespace zoo::pipeline {
namespace {

/// So that times that are sums of frame lengths compare as the frames' number says.
constexpr double kRoundingSeconds = 1e-9;

}  // namespace

void LabelSmoother::reset() {
  votes_.clear();
  tallies_.clear();
}

void LabelSmoother::follow(Classification& result, const FrameMoment& moment) {
  if (!result.smoothing) {
    reset();
    return;
  }
  const models::SmoothingConfig& config = *result.smoothing;
  if (!continues(config, moment)) reset();
  const bool is_first = votes_.empty();
  add(result, moment, is_first ? 0.0 : moment.time_s - last_.time_s);
  while (votes_.size() > 1 && votes_.front().time_s <= moment.time_s - config.window_s + kRoundingSeconds)
    drop_oldest();
  last_ = moment;
  const Name ahead = leader();
  const double lead_s = weight_of(ahead) - weight_of(steady_);
  const bool is_ahead = ahead != steady_ && lead_s >= config.hysteresis * config.window_s - kRoundingSeconds;
  if (is_first || is_ahead || !tallies_.contains(steady_)) {
    steady_ = ahead;
    steady_text_ = tallies_.at(ahead).label;
  }
  result.steady = steady_label();
}

bool LabelSmoother::continues(const models::SmoothingConfig& config, const FrameMoment& moment) const {
  if (votes_.empty() || moment.epoch != last_.epoch || moment.model_version != last_.model_version) return false;
  const double gap_s = moment.time_s - last_.time_s;
  return gap_s > 0.0 && gap_s <= config.window_s;
}

void LabelSmoother::add(const Classification& result, const FrameMoment& moment, double weight_s) {
  Vote vote{.name = std::nullopt, .score = 0.0, .time_s = moment.time_s, .weight_s = weight_s};
  std::string label = kUnknownLabel;
  if (result.known.value_or(true) && !result.top.empty()) {
    const ClassScore& best = result.top.front();
    vote.name = best.index;
    vote.score = best.score;
    label = best.label;
  }
  Tally& tally = tallies_[vote.name];
  tally.label = std::move(label);
  ++tally.frames;
  tally.weight_s += vote.weight_s;
  tally.scores += vote.score;
  votes_.push_back(vote);
}

void LabelSmoother::drop_oldest() {
  const Vote& vote = votes_.front();
  const auto tally = tallies_.find(vote.name);
  if (--tally->second.frames == 0) {
    tallies_.erase(tally);
  } else {
    tally->second.weight_s -= vote.weight_s;
    tally->second.scores -= vote.score;
  }
  votes_.pop_front();
}

double LabelSmoother::weight_of(const Name& name) const {
  const auto tally = tallies_.find(name);
  return tally == tallies_.end() ? 0.0 : tally->second.weight_s;
}

// Of equal ones the name of the last frame.
LabelSmoother::Name LabelSmoother::leader() const {
  Name best = votes_.back().name;
  for (const auto& [name, tally] : tallies_) {
    if (tally.weight_s > weight_of(best) + kRoundingSeconds) best = name;
  }
  return best;
}

SteadyLabel LabelSmoother::steady_label() const {
  SteadyLabel label{.index = steady_, .label = steady_text_};
  const Tally& own = tallies_.at(steady_);
  double all_s = 0.0;
  for (const auto& [name, tally] : tallies_) all_s += tally.weight_s;
  label.share = all_s > 0.0 ? own.weight_s / all_s : 1.0;
  label.score = own.scores / static_cast<double>(own.frames);
  return label;
}

}  // namespace zoo::pipeline
