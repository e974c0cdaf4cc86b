#include "apps/profile_report.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/counted.h"

namespace zoo::apps {
namespace {

using Json = nlohmann::ordered_json;
using engine::StepProfile;

/// All steps of one operation.
struct OpRow {
  std::string op;
  int64_t steps = 0;
  int64_t macs = 0;
  double ms = 0.0;
  double limit_ms = 0.0;
};

int64_t macs_of(const StepProfile& step) { return step.info.macs * step.info.runs; }

/// Longest first.
std::vector<OpRow> op_rows(const engine::Profile& profile) {
  std::vector<OpRow> rows;
  for (const StepProfile& step : profile.steps) {
    auto row = std::ranges::find(rows, step.info.op, &OpRow::op);
    if (row == rows.end()) row = rows.insert(rows.end(), {.op = step.info.op});
    ++row->steps;
    row->macs += macs_of(step);
    row->ms += step.ms;
    row->limit_ms += step.limit.ms;
  }
  std::ranges::stable_sort(rows, std::ranges::greater{}, &OpRow::ms);
  return rows;
}

std::vector<StepProfile> ordered(const engine::Profile& profile, StepOrder order) {
  std::vector<StepProfile> steps = profile.steps;
  if (order == StepOrder::kTime) std::ranges::stable_sort(steps, std::ranges::greater{}, &StepProfile::ms);
  return steps;
}

double ratio(double part, double whole) { return whole > 0.0 ? part / whole : 0.0; }

double gflops(int64_t macs, double ms) { return ratio(2.0 * static_cast<double>(macs) * 1e-6, ms); }

double percent(double part, double whole) { return 100.0 * ratio(part, whole); }

std::string shapes_text(const engine::StepInfo& info) {
  std::string text;
  for (const Shape& src : info.srcs) text += fmt::format("{}{}", text.empty() ? "" : " + ", src.to_string());
  return fmt::format("{} -> {}", text, info.dst.to_string());
}

std::string steps_text(const engine::Profile& profile, StepOrder order) {
  size_t node_width = 4;
  size_t op_width = 9;
  size_t implementation_width = 14;
  size_t shapes_width = 6;
  for (const StepProfile& step : profile.steps) {
    node_width = std::max(node_width, step.info.node.size());
    op_width = std::max(op_width, step.info.op.size());
    implementation_width = std::max(implementation_width, step.info.implementation.size());
    shapes_width = std::max(shapes_width, shapes_text(step.info).size());
  }
  std::string text = fmt::format("{:<{}}  {:<{}}  {:<{}}  {:<{}}  {:>9}  {:>6}  {:>8}  {:>8}\n", "node", node_width,
                                 "operation", op_width, "implementation", implementation_width, "shapes", shapes_width,
                                 "ms", "share", "GFLOP/s", "of limit");
  for (const StepProfile& step : ordered(profile, order)) {
    text +=
        fmt::format("{:<{}}  {:<{}}  {:<{}}  {:<{}}  {:>9.4f}  {:>5.1f}%  {:>8.1f}  {:>6.1f}% {}\n", step.info.node,
                    node_width, step.info.op, op_width, step.info.implementation, implementation_width,
                    shapes_text(step.info), shapes_width, step.ms, percent(step.ms, profile.sum_ms),
                    gflops(macs_of(step), step.ms), percent(step.limit.ms, step.ms), step.limit.by_reads ? 'r' : 'a');
  }
  return text;
}

std::string ops_text(const engine::Profile& profile) {
  std::string text = fmt::format("{:<20}  {:>5}  {:>9}  {:>6}  {:>8}  {:>8}\n", "operation", "steps", "ms", "share",
                                 "GFLOP/s", "of limit");
  for (const OpRow& row : op_rows(profile)) {
    text += fmt::format("{:<20}  {:>5}  {:>9.4f}  {:>5.1f}%  {:>8.1f}  {:>6.1f}%\n", row.op, row.steps, row.ms,
                        percent(row.ms, profile.sum_ms), gflops(row.macs, row.ms), percent(row.limit_ms, row.ms));
  }
  return text;
}

}  // namespace

std::string to_text(const ProfileReport& report, StepOrder order) {
  const engine::Profile& profile = report.profile;
  std::string text = fmt::format("{}\n{}\n", steps_text(profile, order), ops_text(profile));
  int64_t macs = 0;
  for (const StepProfile& step : profile.steps) macs += macs_of(step);
  text += fmt::format("{}, {}, input {}, threads {}: medians of {}\n", report.model, report.precision,
                      report.input.to_string(), report.threads, counted(profile.rounds, "run"));
  text += fmt::format("steps {:.4f} ms, whole run {:.4f} ms, {:.1f} GFLOP/s, {:.1f} % of the limit of {:.4f} ms\n",
                      profile.sum_ms, profile.run_ms, gflops(macs, profile.run_ms),
                      percent(profile.limit_ms, profile.run_ms), profile.limit_ms);
  text += fmt::format("one core: {} {:.0f} GFLOP/s, reads", report.roofline.isa, report.roofline.gflops);
  for (const engine::MemoryLevel& level : report.roofline.levels) {
    text += fmt::format(" {} {:.0f} GB/s", level.name, level.read_gb_s);
  }
  return text + "\n";
}

Json to_json(const ProfileReport& report, StepOrder order) {
  const engine::Profile& profile = report.profile;
  Json reads = Json::object();
  for (const engine::MemoryLevel& level : report.roofline.levels) reads[level.name] = level.read_gb_s;
  Json steps = Json::array();
  for (const StepProfile& step : ordered(profile, order)) {
    Json srcs = Json::array();
    for (const Shape& src : step.info.srcs) srcs.push_back(src.dims);
    steps.push_back({{"node", step.info.node},
                     {"op", step.info.op},
                     {"implementation", step.info.implementation},
                     {"srcs", srcs},
                     {"dst", step.info.dst.dims},
                     {"ms", step.ms},
                     {"share", ratio(step.ms, profile.sum_ms)},
                     {"runs", step.info.runs},
                     {"macs", macs_of(step)},
                     {"gflops", gflops(macs_of(step), step.ms)},
                     {"weight_bytes", step.info.weight_bytes},
                     {"activation_bytes", step.info.activation_bytes},
                     {"limit_ms", step.limit.ms},
                     {"limited_by", step.limit.by_reads ? "reads" : "arithmetic"},
                     {"share_of_limit", ratio(step.limit.ms, step.ms)}});
  }
  Json ops = Json::array();
  for (const OpRow& row : op_rows(profile)) {
    ops.push_back({{"op", row.op},
                   {"steps", row.steps},
                   {"ms", row.ms},
                   {"share", ratio(row.ms, profile.sum_ms)},
                   {"macs", row.macs},
                   {"gflops", gflops(row.macs, row.ms)},
                   {"limit_ms", row.limit_ms},
                   {"share_of_limit", ratio(row.limit_ms, row.ms)}});
  }
  return {{"model", report.model},
          {"precision", report.precision},
          {"batch", report.input[0]},
          {"threads", report.threads},
          {"input", report.input.dims},
          {"rounds", profile.rounds},
          {"run_ms", profile.run_ms},
          {"sum_ms", profile.sum_ms},
          {"limit_ms", profile.limit_ms},
          {"share_of_limit", ratio(profile.limit_ms, profile.run_ms)},
          {"machine", {{"isa", report.roofline.isa}, {"gflops", report.roofline.gflops}, {"read_gb_s", reads}}},
          {"steps", steps},
          {"ops", ops}};
}

}  // namespace zoo::apps
