#include "pipeline/batch/manifest_writer.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/parse_number.h"
#include "nn/core/walk_folder.h"
#include "pipeline/batch/manifest_form.h"

namespace zoo::batch {
namespace fs = std::filesystem;
namespace {

constexpr size_t kBuffer = 1 << 20;
/// Files that are open at a time, at most.
constexpr size_t kMostRuns = 128;
/// What a file takes in memory beside its path.
constexpr size_t kOverhead = sizeof(ManifestFile) + 16;

/// Text that goes into a file by the megabyte.
class BufferedFile {
 public:
  explicit BufferedFile(NewFile& file) : file_(file) {}

  void write(std::string_view text) {
    pending_ += text;
    if (pending_.size() >= kBuffer) flush();
  }
  void flush() {
    file_.write(pending_);
    pending_.clear();
  }

 private:
  NewFile& file_;
  std::string pending_;
};

// A path has no NUL, and may have a line feed.
std::string run_record(const ManifestFile& file) { return fmt::format("{}{}{}\n", file.path, '\0', file.bytes); }

/// A sorted run, file by file.
class RunReader {
 public:
  explicit RunReader(const fs::path& file) : file_(file), stream_(file, std::ios::binary) {
    if (!stream_) throw IoError(fmt::format("{}: cannot be read: {}", file.string(), errno_text()));
  }

  bool next() {
    std::string bytes;
    if (!std::getline(stream_, current_.path, '\0')) {
      if (stream_.bad()) throw IoError(fmt::format("{}: reading failed: {}", file_.string(), errno_text()));
      return false;
    }
    const auto number = std::getline(stream_, bytes) ? parse_number<int64_t>(bytes) : std::nullopt;
    if (!number) throw IoError(fmt::format("{}: was changed from outside; run the command again", file_.string()));
    current_.bytes = *number;
    return true;
  }
  const ManifestFile& current() const { return current_; }

 private:
  fs::path file_;
  std::ifstream stream_;
  ManifestFile current_;
};

fs::path folder_of(const fs::path& file) {
  if (is_special_file(file)) {
    std::error_code error;
    const fs::path temporary = fs::temp_directory_path(error);
    return error ? fs::path("/tmp") : temporary;
  }
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

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

/// The path of a file that lies below the root.
std::string below(const fs::path& root, const fs::path& file) {
  const std::string& folder = root.native();
  return file.native().substr(folder.size() + (folder.ends_with('/') ? 0 : 1));
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

ManifestWriter::ManifestWriter(fs::path file, size_t most_memory) : file_(std::move(file)), most_memory_(most_memory) {}

void ManifestWriter::add(ManifestFile file) {
  waiting_bytes_ += kOverhead + file.path.size();
  waiting_.push_back(std::move(file));
  if (waiting_bytes_ > most_memory_) spill();
}

void ManifestWriter::sort_waiting() {
  std::ranges::sort(waiting_, {}, &ManifestFile::path);
  const auto is_same = [](const ManifestFile& a, const ManifestFile& b) { return a.path == b.path; };
  waiting_.erase(std::unique(waiting_.begin(), waiting_.end(), is_same), waiting_.end());
}

std::unique_ptr<NewFile> ManifestWriter::new_run() const {
  return std::make_unique<NewFile>(folder_of(file_) / "manifest-run", Durability::kProcess);  // never published
}

void ManifestWriter::spill() {
  sort_waiting();
  std::unique_ptr<NewFile> run = new_run();
  BufferedFile text(*run);
  for (const ManifestFile& file : waiting_) text.write(run_record(file));
  text.flush();
  runs_.push_back(std::move(run));
  waiting_.clear();
  waiting_bytes_ = 0;
  if (runs_.size() < kMostRuns) return;
  std::unique_ptr<NewFile> merged = new_run();
  BufferedFile all(*merged);
  merge_runs([&](const ManifestFile& file) { all.write(run_record(file)); });
  all.flush();
  runs_.clear();
  runs_.push_back(std::move(merged));
}

void ManifestWriter::merge_runs(const Take& take) const {
  std::vector<std::unique_ptr<RunReader>> readers;
  std::vector<size_t> heap;  // of readers: the first path on top, the same of several of the first
  const auto is_behind = [&](size_t a, size_t b) {
    const int order = readers[a]->current().path.compare(readers[b]->current().path);
    return order != 0 ? order > 0 : a > b;
  };
  for (const auto& run : runs_) {
    readers.push_back(std::make_unique<RunReader>(run->part()));
    if (readers.back()->next()) heap.push_back(readers.size() - 1);
  }
  std::ranges::make_heap(heap, is_behind);
  std::string last;
  for (bool is_first = true; !heap.empty();) {
    std::ranges::pop_heap(heap, is_behind);
    RunReader& reader = *readers[heap.back()];
    if (is_first || reader.current().path != last) take(reader.current());
    is_first = false;
    last = reader.current().path;
    if (reader.next()) {
      std::ranges::push_heap(heap, is_behind);
    } else {
      heap.pop_back();
    }
  }
}

// The first line says how many rows there are, so what was spilled is merged twice: to count, and to write.
ManifestTotals ManifestWriter::write(const fs::path& root) {
  if (runs_.empty()) {
    sort_waiting();
  } else if (!waiting_.empty()) {
    spill();
  }
  const auto for_each = [&](const Take& take) {
    if (!runs_.empty()) return merge_runs(take);
    for (const ManifestFile& file : waiting_) take(file);
  };
  ManifestTotals totals{.root = root};
  for_each([&](const ManifestFile& file) {
    ++totals.rows;
    totals.bytes += file.bytes;
  });
  NewFile written(file_);
  BufferedFile text(written);
  text.write(
      fmt::format("{}\t{}\t{}\t{}\n", kManifestMagic, kManifestVersion, totals.rows, escaped_path(root.native())));
  int64_t row = 0;
  for_each([&](const ManifestFile& file) {
    text.write(fmt::format("{}\t{}\t{}\n", row++, file.bytes, escaped_path(file.path)));
  });
  text.flush();
  written.publish();
  return totals;
}

ManifestTotals write_manifest(std::span<const fs::path> folders, const std::function<bool(const fs::path&)>& wanted,
                              const fs::path& file, size_t most_memory) {
  std::vector<fs::path> real;
  fs::path root;
  for (const fs::path& folder : folders) {
    real.push_back(real_folder(folder));
    root = real.size() == 1 ? real.front() : common_folder(root, real.back());
  }
  std::set<fs::path> left_out;  // several folders may hold the same
  ManifestWriter writer(file, most_memory);
  for (const fs::path& folder : real) {
    const std::vector<std::string> problems = visit_files(folder, WalkDepth::kSubfolders, [&](const fs::path& found) {
      if (!wanted(found)) return;
      const int64_t bytes = listed_bytes(found);
      std::error_code error;
      if (fs::is_regular_file(found, error)) {
        writer.add({below(root, found), bytes});
      } else {
        left_out.insert(found);
      }
    });
    if (!problems.empty()) {
      throw IoError(
          fmt::format("{}; a list that lacks what it holds would never be noticed: make it readable, or "
                      "name the folders beside it",
                      problems.front()));
    }
  }
  if (writer.is_empty()) {
    throw IoError(fmt::format("{}: there is nothing to list in it or its subfolders", folders.front().string()));
  }
  ManifestTotals totals = writer.write(root);
  totals.left_out.assign(left_out.begin(), left_out.end());
  return totals;
}

}  // namespace zoo::batch
