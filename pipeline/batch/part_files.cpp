#include "pipeline/batch/part_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include "hub/digest.h"
#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/walk_folder.h"
#include "pipeline/batch/key_json.h"

namespace zoo::batch {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kReceipt = ".receipt.json";
constexpr std::string_view kJournal = ".journal";
constexpr size_t kMaxReceipt = 16 << 20;  // facts name every class

KeyJson to_json(const FileSeal& seal) { return {{"bytes", seal.bytes}, {"sha256", seal.sha256}}; }

FileSeal seal_in(const KeyJson& json, const std::string& name, std::string_view what) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_object()) throw IoError(fmt::format("{}: {} must be an object", what, name));
  return {count_in(*found, "bytes", what), text_in(*found, "sha256", what)};
}

std::string without_end(std::string text, std::string_view end) {
  text.resize(text.size() - end.size());
  return text;
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

/// Stem of the part that a file belongs to.
fs::path stem_of(const fs::path& file) {
  std::string name = file.filename().string();
  for (const std::string_view end : {kReceipt, kJournal, std::string_view(".open")}) {
    if (name.ends_with(end)) name = without_end(name, end);
  }
  for (const std::string_view end : {".jsonl", ".csv", ".failed"}) {
    if (name.ends_with(end)) name = without_end(name, end);
  }
  if (name.starts_with("failed-")) name = "part-" + name.substr(7);
  return file.parent_path() / name;
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
  const fs::path stem = results.parent_path() / results.stem();
  return {results, stem.native() + ".failed.jsonl", stem.native() + std::string(kReceipt),
          stem.native() + std::string(kJournal)};
}

FileSeal seal_of(const fs::path& file) {
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  if (error) throw IoError(fmt::format("{}: cannot be read: {}", file.string(), error.message()));
  return {static_cast<int64_t>(bytes), hub::hash_file(file, hub::HashKind::kSha256)};
}

void write_receipt(const fs::path& file, const Receipt& receipt) {
  KeyJson json = to_key_json(receipt.key);
  json["done"] = receipt.done;
  json["failed"] = receipt.failed;
  json["results"] = to_json(receipt.results);
  json["failures"] = to_json(receipt.failures);
  if (!receipt.facts.empty()) json["facts"] = KeyJson::parse(receipt.facts);
  write_file(file, to_text(json) + "\n");
}

Receipt read_receipt(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw IoError(fmt::format("{}: cannot be read: {}", file.string(), errno_text()));
  std::string text(kMaxReceipt + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  const std::string what = file.string();
  if (text.size() > kMaxReceipt) throw IoError(fmt::format("{}: is too long to be a receipt", what));
  const KeyJson json = parse_key_json(text, what);
  Receipt receipt;
  receipt.key = key_of(json, what);
  receipt.done = count_in(json, "done", what);
  receipt.failed = count_in(json, "failed", what);
  receipt.results = seal_in(json, "results", what);
  receipt.failures = seal_in(json, "failures", what);
  if (const auto facts = json.find("facts"); facts != json.end()) receipt.facts = facts->dump();
  if (receipt.done + receipt.failed != receipt.key.range().size()) {
    throw IoError(fmt::format("{}: {} results and {} failures are not the {} rows of shard {}", what, receipt.done,
                              receipt.failed, receipt.key.range().size(), to_string(receipt.key.shard)));
  }
  return receipt;
}

std::vector<PartNames> find_parts(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const PartNames names = names_of_stem(stem_of(path));
    if (fs::exists(names.receipt, error)) return {names};
    if (fs::exists(names.journal, error)) refuse_unfinished(names);
    throw IoError(
        fmt::format("{}: there is no part of a job of this name (no {}); name the folder that --out wrote, or "
                    "its part-* files",
                    path.string(), names.receipt.filename().string()));
  }
  const FolderWalk walk = walk_folder(path, WalkDepth::kThisFolder);
  if (!walk.problems.empty()) throw IoError(walk.problems.front());
  std::vector<PartNames> parts;
  for (const fs::path& file : walk.files) {
    if (file.native().ends_with(kReceipt)) parts.push_back(names_of_stem(stem_of(file)));
  }
  if (parts.empty()) {
    throw IoError(fmt::format("{}: there are no finished parts in this folder (part-*{})", path.string(), kReceipt));
  }
  return parts;
}

}  // namespace zoo::batch
