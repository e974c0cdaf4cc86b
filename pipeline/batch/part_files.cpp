#include "pipeline/batch/part_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include "hub/digest.h"
#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/parse_number.h"
#include "nn/core/walk_folder.h"
#include "pipeline/batch/key_json.h"
#include "pipeline/batch/regular_file.h"

namespace zoo::batch {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kReceipt = ".receipt.json";
constexpr std::string_view kJournal = ".journal";
constexpr std::string_view kBegun = ".begun";
constexpr size_t kMaxReceipt = 16 << 20;  // facts name every class

KeyJson to_json(const FileSeal& seal, const std::string& name) {
  KeyJson json = {{"bytes", seal.bytes}, {"sha256", seal.sha256}};
  if (!name.empty()) json["name"] = name;
  return json;
}

/// The name beside the receipt, for which nothing but a name will do; empty where there is none.
std::string name_in(const KeyJson& json, const std::string& of, std::string_view what) {
  const KeyJson& seal = json.at(of);
  if (!seal.contains("name")) return {};
  std::string name = text_in(seal, "name", what);
  if (name.empty() || name == "." || name == ".." || name.find_first_of(std::string_view("/\0", 2)) != name.npos) {
    throw IoError(fmt::format("{}: {}.name must be the name of a file beside it", what, of));
  }
  return name;
}

FileSeal seal_in(const KeyJson& json, const std::string& name, std::string_view what) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_object()) throw IoError(fmt::format("{}: {} must be an object", what, name));
  return {count_in(*found, "bytes", what), text_in(*found, "sha256", what)};
}

std::string without_end(const std::string& text, std::string_view end) {
  return text.substr(0, text.size() - end.size());
}

/// Names beside `stem` with its folder, with what lies there.
PartNames names_of_stem(const fs::path& stem) {
  const std::string name = stem.filename().string();
  const bool is_part = name.starts_with("part-");
  PartNames names;
  std::error_code error;
  names.results = stem.native() + (fs::exists(stem.native() + ".csv", error) ? ".csv" : ".jsonl");
  names.failed = is_part ? stem.parent_path() / ("failed-" + name.substr(5) + ".jsonl")
                         : fs::path(stem.native() + ".failed.jsonl");
  names.receipt = stem.native() + std::string(kReceipt);
  names.journal = stem.native() + std::string(kJournal);
  return names;
}

/// Stems of the parts that a file may belong to, the likeliest first.
std::vector<fs::path> stems_of(const fs::path& file) {
  std::string name = file.filename().string();
  for (const std::string_view end : {kReceipt, kJournal, kBegun, std::string_view(".open")}) {
    if (name.ends_with(end)) name = without_end(name, end);
  }
  if (name.starts_with("failed-")) name = "part-" + name.substr(7);
  std::vector<fs::path> stems = {file.parent_path() / name};
  for (const std::string_view end : {".failed.jsonl", ".jsonl", ".csv"}) {
    if (name.ends_with(end)) stems.push_back(file.parent_path() / without_end(name, end));
  }
  return stems;
}

/// Throws IoError for anything that is not a whole and possible receipt.
Receipt receipt_of(std::string_view text, const std::string& what) {
  if (text.size() > kMaxReceipt) throw IoError(fmt::format("{}: is too long to be a receipt", what));
  const KeyJson json = parse_key_json(text, what);
  Receipt receipt;
  receipt.key = key_of(json, what);
  receipt.done = count_in(json, "done", what);
  receipt.failed = count_in(json, "failed", what);
  receipt.results = seal_in(json, "results", what);
  receipt.failures = seal_in(json, "failures", what);
  receipt.results_name = name_in(json, "results", what);
  receipt.failures_name = name_in(json, "failures", what);
  if (const auto facts = json.find("facts"); facts != json.end()) receipt.facts = facts->dump();
  receipt.merged = json.value("merged", KeyJson()) == KeyJson(true);
  if (receipt.done + receipt.failed != receipt.key.range().size()) {
    throw IoError(fmt::format("{}: {} results and {} failures are not the {} rows of shard {}", what, receipt.done,
                              receipt.failed, receipt.key.range().size(), to_string(receipt.key.shard)));
  }
  return receipt;
}

/// Of a finished part: as its receipt says.
PartNames names_of_receipt(const fs::path& stem, const Receipt& receipt) {
  PartNames names = names_of_stem(stem);
  if (!receipt.results_name.empty()) names.results = stem.parent_path() / receipt.results_name;
  if (!receipt.failures_name.empty()) names.failed = stem.parent_path() / receipt.failures_name;
  return names;
}

/// N of `part-I-of-N` and `failed-I-of-N`, whatever follows; nothing of other names.
std::optional<int64_t> shard_count_in(std::string_view name) {
  constexpr std::string_view kOf = "-of-";
  const size_t of = name.find(kOf);
  if (of == std::string_view::npos || !(name.starts_with("part-") || name.starts_with("failed-"))) return std::nullopt;
  const std::string_view count = name.substr(of + kOf.size());
  return parse_number_in<int64_t>(count.substr(0, count.find('.')), 1, kMaxShards);
}

[[noreturn]] void refuse_unfinished(const PartNames& names) {
  throw IoError(
      fmt::format("{}: the part is not finished: run its command again with --resume, which goes on where it stopped",
                  names.journal.string()));
}

}  // namespace

PartNames part_names(const fs::path& folder, const ShardId& shard, const std::string& extension) {
  const std::string place = fmt::format("{:05}-of-{:05}", shard.index, shard.count);
  return {folder / fmt::format("part-{}{}", place, extension), folder / fmt::format("failed-{}.jsonl", place),
          folder / fmt::format("part-{}{}", place, kReceipt), folder / fmt::format("part-{}{}", place, kJournal)};
}

PartNames names_beside(const fs::path& results) {
  const fs::path stem = results.extension() == ".jsonl" ? results.parent_path() / results.stem() : results;
  return {results, stem.native() + ".failed.jsonl", stem.native() + std::string(kReceipt),
          stem.native() + std::string(kJournal)};
}

std::optional<fs::path> job_beside(const PartNames& names) {
  std::error_code error;
  for (const fs::path& file : {names.receipt, names.journal}) {
    if (fs::exists(file, error)) return file;
  }
  return std::nullopt;
}

void check_shard_count(const fs::path& folder, const ShardId& shard) {
  const FolderWalk walk = walk_folder(folder, WalkDepth::kThisFolder);
  for (const fs::path& file : walk.files) {
    const auto count = shard_count_in(file.filename().string());
    if (!count || *count == shard.count) continue;
    throw ConfigError(
        {fmt::format("{}: is of a job of {}, but this is shard {}: keep to {} shards (--shard I/{}), write "
                     "elsewhere, or remove the files of that job (part-*-of-{:05}.*, failed-*-of-{:05}.*)",
                     file.string(), counted(*count, "shard"), to_string(shard), *count, *count, *count, *count)});
  }
}

FileSeal seal_of(const fs::path& file) {
  check_regular(file);
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  if (error) throw IoError(fmt::format("{}: cannot be read: {}", file.string(), error.message()));
  return {static_cast<int64_t>(bytes), hub::hash_file(file, hub::HashKind::kSha256)};
}

void write_receipt(const fs::path& file, const Receipt& receipt) {
  KeyJson json = to_key_json(receipt.key);
  json["done"] = receipt.done;
  json["failed"] = receipt.failed;
  json["results"] = to_json(receipt.results, receipt.results_name);
  json["failures"] = to_json(receipt.failures, receipt.failures_name);
  if (receipt.merged) json["merged"] = true;
  if (!receipt.facts.empty()) json["facts"] = KeyJson::parse(receipt.facts);
  write_file(file, to_text(json) + "\n");
}

Receipt read_receipt(const fs::path& file) {
  check_regular(file);
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw IoError(fmt::format("{}: cannot be read: {}", file.string(), errno_text()));
  std::string text(kMaxReceipt + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) throw IoError(fmt::format("{}: reading failed: {}", file.string(), errno_text()));
  text.resize(static_cast<size_t>(stream.gcount()));
  try {
    return receipt_of(text, file.string());
  } catch (const IoError& error) {
    throw ConfigError(
        {fmt::format("{}; the receipt was changed, cut off or made by another program: copy it again, or "
                     "remove it and run its command again, which makes the part anew",
                     error.what())});
  }
}

std::vector<PartNames> find_parts(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const std::vector<fs::path> stems = stems_of(path);
    for (const fs::path& stem : stems) {
      if (fs::exists(names_of_stem(stem).receipt, error)) {
        return {names_of_receipt(stem, read_receipt(names_of_stem(stem).receipt))};
      }
    }
    for (const fs::path& stem : stems) {
      if (fs::exists(names_of_stem(stem).journal, error)) refuse_unfinished(names_of_stem(stem));
    }
    throw IoError(
        fmt::format("{}: there is no part of a job of this name (no {}); name the folder that --out wrote, or "
                    "its part-* files",
                    path.string(), names_of_stem(stems.back()).receipt.filename().string()));
  }
  const FolderWalk walk = walk_folder(path, WalkDepth::kThisFolder);
  if (!walk.problems.empty()) throw IoError(walk.problems.front());
  std::vector<PartNames> parts;
  for (const fs::path& file : walk.files) {
    if (!file.native().ends_with(kReceipt)) continue;
    const Receipt receipt = read_receipt(file);
    if (!receipt.merged) parts.push_back(names_of_receipt(stems_of(file).front(), receipt));
  }
  if (parts.empty()) {
    throw IoError(fmt::format("{}: there are no finished parts in this folder (part-*{})", path.string(), kReceipt));
  }
  return parts;
}

}  // namespace zoo::batch
