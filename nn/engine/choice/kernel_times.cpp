#include "nn/engine/choice/kernel_times.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/core/parse_number.h"
#include "nn/core/stopwatch.h"

namespace zoo::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTitle = "backbone-zoo kernel times 1";
/// Far above what all networks of the zoo need; what is larger is no file of ours.
constexpr uintmax_t kMaxFileBytes = 16U << 20U;
constexpr std::string_view kNameStart = "kernel-times-";
constexpr std::string_view kNameEnd = ".txt";
constexpr const char* kLockName = "kernel-times.lock";

/// FNV-1a: tells damaged files and names files; not meant to resist anybody.
uint64_t hash(std::string_view text) {
  uint64_t value = 0xcbf29ce484222325U;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return value;
}

bool is_time(double microseconds) { return std::isfinite(microseconds) && microseconds > 0.0; }

std::optional<double> parse_time(std::string_view text) {
  const std::optional<double> value = parse_number<double>(text);
  return value && is_time(*value) ? value : std::nullopt;
}

/// Takes one line off the front of `rest`; nothing if no line feed is left.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

std::string end_line(std::string_view content) { return fmt::format("end {:016x}\n", hash(content)); }

/// All lines between the head and a right end line.
std::optional<std::string_view> checked_body(std::string_view content, std::string_view environment) {
  constexpr size_t kEndBytes = sizeof("end 0123456789abcdef");
  if (content.size() < kEndBytes) return std::nullopt;
  std::string_view body = content.substr(0, content.size() - kEndBytes);
  if (content.substr(body.size()) != end_line(body)) return std::nullopt;
  if (take_line(body) != kTitle || take_line(body) != environment) return std::nullopt;
  return body;
}

/// Says that a file is used, once a day.
void touch(const fs::path& file) {
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  const fs::file_time_type last = fs::last_write_time(file, error);
  if (!error && now - last > std::chrono::days(1)) fs::last_write_time(file, now, error);
}

std::string read_all(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  return stream ? content.str() : std::string();
}

}  // namespace

KernelTimes::KernelTimes(std::string environment, const fs::path& folder) : environment_(std::move(environment)) {
  if (folder.empty()) return;
  file_ = folder / fmt::format("{}{:016x}{}", kNameStart, hash(environment_), kNameEnd);
  if (auto known = read()) times_ = std::move(*known);
  touch(file_);
}

std::shared_ptr<KernelTimes> KernelTimes::shared(const std::string& environment, const fs::path& folder) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, fs::path>, std::shared_ptr<KernelTimes>> all;
  const std::lock_guard lock(mutex);
  std::shared_ptr<KernelTimes>& times = all[{environment, folder}];
  if (!times) times = std::make_shared<KernelTimes>(environment, folder);
  return times;
}

std::optional<double> KernelTimes::find(std::string_view problem, std::string_view kernel) const {
  const std::lock_guard lock(mutex_);
  const auto found = times_.find(fmt::format("{}\t{}", problem, kernel));
  if (found == times_.end()) return std::nullopt;
  return found->second;
}

void KernelTimes::add(std::string_view problem, std::string_view kernel, double microseconds) {
  constexpr std::string_view kSeparators = "\t\n";
  if (!is_time(microseconds) || problem.find_first_of(kSeparators) != std::string_view::npos ||
      kernel.find_first_of(kSeparators) != std::string_view::npos) {
    return;
  }
  const std::lock_guard lock(mutex_);
  const std::string key = fmt::format("{}\t{}", problem, kernel);
  if (!times_.insert_or_assign(key, microseconds).second) replaced_.insert(key);
  measured_here_.emplace(problem);
  changed_ = true;
}

bool KernelTimes::was_measured_here(std::string_view problem) const {
  const std::lock_guard lock(mutex_);
  return measured_here_.contains(problem);
}

std::unique_ptr<FileLock> KernelTimes::take_turn(std::chrono::milliseconds patience) {
  if (file_.empty()) return nullptr;
  const Stopwatch watch;
  std::unique_ptr<FileLock> turn;
  try {
    create_folders(file_.parent_path());
    turn = std::make_unique<FileLock>(file_.parent_path() / kLockName, nullptr,
                                      [&] { return watch.elapsed_ms() > static_cast<double>(patience.count()); });
  } catch (const IoError&) {
    return nullptr;  // save() will say it
  }
  if (turn->held()) return turn;
  const std::lock_guard lock(mutex_);
  note_ = fmt::format("{}: another process holds it since more than {:.0f} s; kernels were measured beside its work",
                      (file_.parent_path() / kLockName).string(), static_cast<double>(patience.count()) / 1000.0);
  return nullptr;
}

void KernelTimes::save() {
  const std::lock_guard lock(mutex_);
  if (!changed_ || file_.empty()) return;
  changed_ = false;  // a folder that cannot be written now is not tried again for the same times
  // Neither this process nor one that reads the file later is to change its mind between two networks.
  Table kept = read().value_or(Table{});
  for (const std::string& key : replaced_) kept.insert_or_assign(key, times_.at(key));
  replaced_.clear();
  kept.insert(times_.begin(), times_.end());
  try {
    create_folders(file_.parent_path());
    write_file(file_, format(kept), Durability::kProcess);
    remove_unused();
  } catch (const IoError& error) {
    note_ = fmt::format("kernel times cannot be kept: {}", error.what());
  }
  times_.merge(kept);
}

void KernelTimes::reread() {
  const std::lock_guard lock(mutex_);
  if (file_.empty()) return;
  if (auto known = read()) times_.merge(*known);
}

std::string KernelTimes::note() const {
  const std::lock_guard lock(mutex_);
  return note_;
}

std::optional<KernelTimes::Table> KernelTimes::read() {
  std::error_code error;
  const fs::file_status status = fs::status(file_, error);
  if (status.type() == fs::file_type::not_found) return std::nullopt;
  const auto useless = [&](std::string_view why) {
    note_ = fmt::format("{}: {}; kernels are measured again", file_.string(), why);
    return std::nullopt;
  };
  if (!fs::is_regular_file(status)) return useless("not a readable file");
  if (fs::file_size(file_, error) > kMaxFileBytes || error) return useless("too large");
  const std::string content = read_all(file_);
  auto body = checked_body(content, environment_);
  if (!body) return useless("damaged");
  Table table;
  while (const auto line = take_line(*body)) {
    const size_t tab = line->rfind('\t');
    if (tab == std::string_view::npos) return useless("damaged");
    const auto time = parse_time(line->substr(tab + 1));
    if (!time) return useless("damaged");
    table.emplace(line->substr(0, tab), *time);
  }
  return table;
}

std::string KernelTimes::format(const Table& table) const {
  std::string content = fmt::format("{}\n{}\n", kTitle, environment_);
  for (const auto& [key, time] : table) content += fmt::format("{}\t{}\n", key, time);
  return content + end_line(content);
}

void KernelTimes::remove_unused() const {
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator entry(file_.parent_path(), error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code of_entry;
    if (entry->path() == file_ || !name.starts_with(kNameStart) || !name.ends_with(kNameEnd)) continue;
    if (!fs::is_regular_file(entry->symlink_status(of_entry))) continue;
    if (now - entry->last_write_time(of_entry) <= std::chrono::days(kUnusedDays) || of_entry) continue;
    std::string title;
    std::getline(std::ifstream(entry->path()), title);
    if (title == kTitle) fs::remove(entry->path(), of_entry);
  }
}

fs::path default_kernel_cache() {
  const auto absolute = [](const char* name) {
    const char* value = std::getenv(name);
    const fs::path path = value == nullptr ? "" : value;
    return path.is_absolute() ? path : fs::path();
  };
  if (const fs::path cache = absolute("XDG_CACHE_HOME"); !cache.empty()) return cache / "backbone-zoo";
  if (const fs::path home = absolute("HOME"); !home.empty()) return home / ".cache" / "backbone-zoo";
  return {};
}

}  // namespace zoo::engine
