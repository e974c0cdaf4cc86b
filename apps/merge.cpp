#include "pipeline/batch/merge.h"

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/eval_job.h"
#include "apps/output.h"
#include "nn/core/counted.h"
#include "nn/core/run_files.h"

namespace zoo::apps {
namespace {

struct MergeFlags {
  std::vector<std::string> parts;
  std::string output;
};

/// Throws UsageError where the name says another form than the parts have.
void check_extension(const std::filesystem::path& output, const batch::JobKey& key) {
  const std::string extension = output.extension().string();
  const bool is_table = batch::line_format(key) == batch::LineFormat::kCsv;
  if (extension != (is_table ? ".jsonl" : ".csv") && !(is_table && extension == ".json")) return;
  throw UsageError(fmt::format("--output {}: the parts are {}: give a name in {}, or run the shards with --format {}",
                               output.string(), is_table ? "a table (CSV)" : "lines of JSON",
                               is_table ? ".csv" : ".jsonl", is_table ? "jsonl" : "csv"));
}

int merge(const MergeFlags& flags) {
  std::vector<batch::PartNames> names;
  std::set<std::string> receipts;  // `failed-*` names the part that `part-*` names
  for (const std::string& path : flags.parts) {
    for (batch::PartNames& part : batch::find_parts(path)) {
      if (receipts.insert(part.receipt.string()).second) names.push_back(std::move(part));
    }
  }
  const batch::PartSet parts(names);
  const batch::PartNames output = batch::names_beside(flags.output);
  RunFiles run;
  for (const std::filesystem::path& file : parts.files()) run.add_input(file, "a part");
  for (const auto& file : {output.results, output.failed, output.receipt}) run.claim(file, "--output");
  if (parts.key().work == "eval") {
    merge_evaluation(parts, flags.output);
    return kExitDone;  // every part was read; its shard has said with 3 that rows of it failed
  }
  check_extension(flags.output, parts.key());
  batch::merge_parts(parts, output);
  report_written(flags.output, fmt::format("{} of {}, {} failed", counted(parts.done() + parts.failed(), "row"),
                                           counted(parts.key().shard.count, "shard"), parts.failed()));
  return kExitDone;
}

}  // namespace

Action setup_merge(CLI::App& app) {
  auto flags = std::make_shared<MergeFlags>();
  app.add_option("PART", flags->parts, "Folders that --out wrote, or files in them; those of one job")
      ->required()
      ->type_name("PART");
  app.add_option(
         "--output,-o", flags->output,
         "File to write; beside it those of failures (.failed.jsonl) and the receipt (.receipt.json). For parts of "
         "`eval` the figures as JSON, and nothing beside it")
      ->required()
      ->type_name("FILE");
  return [flags] { return merge(*flags); };
}

}  // namespace zoo::apps
