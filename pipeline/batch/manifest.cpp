#include "pipeline/batch/manifest.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "hub/digest.h"
#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"
#include "nn/core/utf8.h"
#include "nn/core/walk_folder.h"

namespace zoo::batch {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kMagic = "backbone-zoo-manifest";
constexpr std::string_view kVersion = "1";
constexpr size_t kMaxProblems = 20;
constexpr size_t kMaxLine = 64 * 1024;  // a path has at most 4096 bytes, each of which takes four when it is escaped
constexpr const char* kWayOut = "make it anew with `backbone-zoo manifest DIR -o FILE`";

std::string escaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_sequence_length(text, i);
    const std::string_view character = text.substr(i, std::max<size_t>(1, length));
    if (character == "\\") {
      result += "\\\\";
    } else if (length > 0 && printable(character) == character) {
      result += character;
    } else {
      for (const char byte : character) result += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
    i += character.size();
  }
  return result;
}

/// Nothing for an escape that there is not.
std::optional<std::string> unescaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      result += text[i];
    } else if (text.substr(i + 1).starts_with('\\')) {
      result += '\\';
      ++i;
    } else {
      const bool is_byte = text.substr(i + 1).starts_with('x') && text.size() >= i + 4;
      const auto byte = is_byte ? parse_number<uint8_t>(text.substr(i + 2, 2), 16) : std::nullopt;
      if (!byte || *byte == 0) return std::nullopt;
      result += static_cast<char>(*byte);
      i += 3;
    }
  }
  return result;
}

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (size_t tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t')) {
    fields.push_back(line.substr(0, tab));
    line.remove_prefix(tab + 1);
  }
  fields.push_back(line);
  return fields;
}

/// Whether a path stays below whatever it is put behind.
bool is_below(const fs::path& path) {
  return !path.empty() && path.is_relative() && std::ranges::none_of(path, [](const fs::path& p) { return p == ".."; });
}

class Reader {
 public:
  Reader(const fs::path& file, const ShardId& shard) : file_(file), shard_(shard) {}

  Manifest read() {
    std::ifstream stream(file_, std::ios::binary);
    if (!stream) throw IoError(fmt::format("{}: cannot be read: {}; {}", file_.string(), errno_text(), kWayOut));
    std::string line;
    for (line_ = 1; problems_.size() < kMaxProblems && std::getline(stream, line); ++line_) {
      if (stream.eof()) {
        problem("the last line has no end: the file was cut off");
        break;
      }
      if (line.size() > kMaxLine) {
        problem("the line is longer than any path");
      } else if (line_ == 1) {
        if (!take_header(line)) break;
      } else {
        take_row(line);
      }
    }
    if (stream.bad()) throw IoError(fmt::format("{}: reading failed: {}", file_.string(), errno_text()));
    if (line_ == 1 && problems_.empty()) problem("the file is empty");
    if (problems_.empty() && next_ != manifest_.rows) {
      problem(fmt::format("there are {} rows, but the first line says {}: the file was cut off or added to", next_,
                          manifest_.rows));
    }
    if (!problems_.empty()) {
      problems_.push_back(fmt::format("{}: {}", file_.string(), kWayOut));
      throw ConfigError(std::move(problems_));
    }
    manifest_.digest = hub::hash_file(file_, hub::HashKind::kSha256);
    return std::move(manifest_);
  }

 private:
  void problem(std::string_view what) { problems_.push_back(fmt::format("{}:{}: {}", file_.string(), line_, what)); }

  bool take_header(std::string_view line) {
    const std::vector<std::string_view> fields = split(line);
    if (fields.front() != kMagic) {
      problem(fmt::format("expected `{}`: the file is no manifest", kMagic));
      return false;
    }
    if (fields.size() < 2 || fields[1] != kVersion) {
      problem(fmt::format("expected version {} of manifests, found `{}`", kVersion,
                          fields.size() < 2 ? "" : shortened(fields[1])));
      return false;
    }
    const auto rows = fields.size() == 4 ? parse_number_in<int64_t>(fields[2], 1, INT64_MAX / 2) : std::nullopt;
    const auto root = rows ? unescaped(fields[3]) : std::nullopt;
    if (!rows || !root || root->empty()) {
      problem("expected the number of rows and the root after the version");
      return false;
    }
    manifest_.rows = *rows;
    manifest_.root = fs::path(*root).is_absolute() ? fs::path(*root) : file_.parent_path() / *root;
    range_ = rows_of_shard(*rows, shard_);
    return true;
  }

  void take_row(std::string_view line) {
    const std::vector<std::string_view> fields = split(line);
    if (fields.size() != 3) {
      problem(fmt::format("expected row, bytes and path with tabs between, found {} fields", fields.size()));
      return;
    }
    const int64_t row = next_++;
    if (parse_number<int64_t>(fields[0]) != row) {
      problem(fmt::format("expected row {}, found `{}`", row, shortened(fields[0])));
      return;
    }
    const auto bytes = parse_number_in<int64_t>(fields[1], 0, INT64_MAX);
    if (!bytes) problem(fmt::format("expected a number of bytes, found `{}`", shortened(fields[1])));
    std::optional<std::string> path = unescaped(fields[2]);
    if (!path) {
      problem(fmt::format("the path has an escape that there is not: `{}`", shortened(fields[2])));
    } else if (!is_below(*path)) {
      problem(fmt::format("the path must stay below the root: `{}`", shortened(fields[2])));
    } else if (row > 0 && *path <= last_) {
      problem(fmt::format("the path is not behind the one before in the order of bytes: `{}`", shortened(fields[2])));
    } else if (bytes) {
      last_ = *path;
      if (range_.has(row)) manifest_.part.push_back({row, *bytes, *std::move(path)});
    }
  }

  const fs::path& file_;
  const ShardId shard_;
  Manifest manifest_;
  RowRange range_;
  std::vector<std::string> problems_;
  std::string last_;  ///< path
  int64_t next_ = 0;  ///< row
  int64_t line_ = 1;
};

fs::path real_folder(const fs::path& folder) {
  std::error_code error;
  fs::path real = fs::canonical(folder, error);
  if (!error && !fs::is_directory(real, error) && !error) error = std::make_error_code(std::errc::not_a_directory);
  if (error) throw IoError(fmt::format("{}: cannot be listed: {}", folder.string(), error.message()));
  return real;
}

fs::path common_folder(const fs::path& one, const fs::path& other) {
  const auto [end, unused] = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  fs::path common;
  for (auto part = one.begin(); part != end; ++part) common /= *part;
  return common;
}

}  // namespace

int64_t listed_bytes(const fs::path& file) {
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  if (!error) return static_cast<int64_t>(bytes);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::too_many_symbolic_link_levels) return 0;
  std::error_code unused;
  if (fs::exists(file, unused)) return 0;
  throw IoError(
      fmt::format("{}: its size cannot be told: {}; a list with a wrong one would make it a failed row for "
                  "ever: run it again when the file can be looked at",
                  file.string(), error.message()));
}

FileList list_files(std::span<const fs::path> folders, const std::function<bool(const fs::path&)>& wanted) {
  FileList list;
  std::vector<fs::path> real;
  for (const fs::path& folder : folders) {
    real.push_back(real_folder(folder));
    list.root = real.size() == 1 ? real.front() : common_folder(list.root, real.back());
  }
  for (const fs::path& folder : real) {
    const FolderWalk walk = walk_folder(folder, WalkDepth::kSubfolders);
    if (!walk.problems.empty()) {
      throw IoError(
          fmt::format("{}; a list that lacks what it holds would never be noticed: make it readable, or "
                      "name the folders beside it",
                      walk.problems.front()));
    }
    for (const fs::path& file : walk.files) {
      if (!wanted(file)) continue;
      list.files.push_back({file.lexically_relative(list.root), listed_bytes(file)});
    }
  }
  if (list.files.empty()) {
    throw IoError(fmt::format("{}: there is nothing to list in it or its subfolders", folders.front().string()));
  }
  return list;
}

std::string manifest_text(FileList list) {
  const auto path_of = [](const ManifestFile& file) -> const std::string& { return file.path.native(); };
  // A walk yields its files sorted, but goes by the parts of paths where bytes count here.
  if (!std::ranges::is_sorted(list.files, {}, path_of)) std::ranges::sort(list.files, {}, path_of);
  const auto is_same = [](const ManifestFile& a, const ManifestFile& b) { return a.path == b.path; };
  list.files.erase(std::unique(list.files.begin(), list.files.end(), is_same), list.files.end());
  std::string text = fmt::format("{}\t{}\t{}\t{}\n", kMagic, kVersion, list.files.size(), escaped(list.root.native()));
  for (size_t row = 0; row < list.files.size(); ++row) {
    fmt::format_to(std::back_inserter(text), "{}\t{}\t{}\n", row, list.files[row].bytes,
                   escaped(list.files[row].path.native()));
  }
  return text;
}

Manifest read_manifest(const fs::path& file, const ShardId& shard) { return Reader(file, shard).read(); }

}  // namespace zoo::batch
