#include "pipeline/batch/manifest.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "hub/digest.h"
#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"
#include "pipeline/batch/manifest_form.h"
#include "pipeline/batch/regular_file.h"

namespace zoo::batch {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxProblems = 20;
constexpr size_t kMaxLine = 64 * 1024;  // a path has at most 4096 bytes, each of which takes four when it is escaped
constexpr const char* kWayOut = "make it anew with `backbone-zoo manifest DIR -o FILE`";

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
    check_regular(file_);
    std::ifstream stream(file_, std::ios::binary);
    if (!stream && (errno == ENOENT || errno == ENOTDIR)) {
      throw ConfigError({fmt::format("{}: there is no such manifest; {}", file_.string(), kWayOut)});
    }
    if (!stream) throw IoError(fmt::format("{}: cannot be read: {}; {}", file_.string(), errno_text(), kWayOut));
    std::string line;
    for (line_ = 1; problems_.size() < kMaxProblems && std::getline(stream, line); ++line_) {
      if (stream.eof()) {
        problem("the last line has no end: the file was cut off");
        break;
      }
      if (line.size() > kMaxLine) {
        problem("the line is longer than any path");
      } else if (line.ends_with('\r')) {
        problem("the file has CRLF line ends, which are no part of a path: take them out with `sed -i 's/\\r$//'`");
        break;
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
    if (fields.front() != kManifestMagic) {
      problem(fmt::format("expected `{}`: the file is no manifest", kManifestMagic));
      return false;
    }
    if (fields.size() < 2 || fields[1] != kManifestVersion) {
      problem(fmt::format("expected version {} of manifests, found `{}`", kManifestVersion,
                          fields.size() < 2 ? "" : shortened(fields[1])));
      return false;
    }
    const auto rows = fields.size() == 4 ? parse_number_in<int64_t>(fields[2], 1, INT64_MAX / 2) : std::nullopt;
    const auto root = rows ? unescaped_path(fields[3]) : std::nullopt;
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
    const auto number = parse_number_in<int64_t>(fields[0], 0, INT64_MAX / 2);
    const int64_t row = next_;
    next_ = number.value_or(row) + 1;  // one row too many or too few is one problem
    if (fields.size() != 3) {
      problem(fmt::format("expected row, bytes and path with tabs between, found {} fields", fields.size()));
      return;
    }
    if (number != row) {
      problem(fmt::format("expected row {}, found `{}`", row, shortened(fields[0])));
      return;
    }
    const auto bytes = parse_number_in<int64_t>(fields[1], 0, INT64_MAX);
    if (!bytes) problem(fmt::format("expected a number of bytes, found `{}`", shortened(fields[1])));
    std::optional<std::string> path = unescaped_path(fields[2]);
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

}  // namespace

Manifest read_manifest(const fs::path& file, const ShardId& shard) { return Reader(file, shard).read(); }

}  // namespace zoo::batch
