#include "apps/batch_flags.h"

#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/output.h"

namespace zoo::apps {

void BatchFlags::add_to(CLI::App& app) {
  app.add_option("--manifest", manifest,
                 "Work on the rows of this list (see `manifest`) in place of sources, and write parts of a job into "
                 "--out")
      ->type_name("FILE");
  app.add_option("--root", root, "Folder that the manifest's paths lie in, in place of the one that it names")
      ->type_name("DIR");
  app.add_option("--shard", shard,
                 "Which part of the manifest: I/N counts from 0; auto/N takes I, and auto takes both, from Slurm, a "
                 "Kubernetes Indexed Job, GNU parallel or Open MPI (default: auto where one of them says it, else all)")
      ->type_name("I/N");
  app.add_option("--out,-o", out, "Folder of the job's parts: part-* and failed-* of each shard")->type_name("DIR");
  app.add_flag("--resume", resume,
               "Go on where the same job was stopped or killed, and leave what is finished as it is");
  app.add_flag("--retry-failed", retry_failed,
               "With --resume: answer the first row of failed-* and all behind it again, for what could not be read "
               "then. A file "
               "that has another size than the manifest says is taken as it is now, and its lines have listed_bytes");
}

batch::WhenThere BatchFlags::when_there() const {
  if (retry_failed) return batch::WhenThere::kRetryFailed;
  return resume ? batch::WhenThere::kResume : batch::WhenThere::kRefuse;
}

void BatchFlags::check() const {
  if (retry_failed && !resume) throw UsageError("--retry-failed: belongs to --resume, which goes on with a part");
  if (has_manifest()) {
    if (out.empty()) throw UsageError("--manifest: --out DIR says where the parts go");
    return;
  }
  if (!root.empty()) throw UsageError("--root: belongs to --manifest, whose paths it is for");
  if (!shard.empty()) throw UsageError("--shard: belongs to --manifest: a shard is one of a list that does not change");
  if (!out.empty()) throw UsageError("--out: belongs to --manifest; results go to --json FILE, pictures to --save DIR");
}

batch::ShardId BatchFlags::choose() const {
  const batch::ShardChoice choice =
      batch::choose_shard(shard, [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return value;
      });
  if (!choice.origin.empty()) report(fmt::format("shard {} ({})", to_string(choice.shard), choice.origin));
  return choice.shard;
}

std::string given_flag(const CLI::App& app, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (app.get_option(name)->count() > 0) return name;
  }
  return "";
}

}  // namespace zoo::apps
