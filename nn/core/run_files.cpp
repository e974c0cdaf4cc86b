#include "nn/core/run_files.h"

#include <system_error>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr size_t kDigits = 6;
constexpr std::string_view kAnyNumber = "_######";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

fs::path full_path(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return error ? path : absolute;
}

}  // namespace

fs::path OutputName::file(int64_t number) const {
  return fmt::format("{}_{:0{}}{}", stem.native(), number, kDigits, ending);
}

std::string numbered_pattern(const OutputName& name) {
  if (name.numbered) return fmt::format("{}{}{}", name.stem.native(), kAnyNumber, name.ending);
  const std::string text = name.file().native();
  for (size_t end = text.size(); end > 0 && text[end - 1] != '/'; --end) {
    if (!is_digit(text[end - 1])) continue;
    size_t begin = end;
    while (begin > 0 && is_digit(text[begin - 1])) --begin;
    if (end - begin >= kDigits && begin > 0 && text[begin - 1] == '_') {
      return text.substr(0, begin - 1) + std::string(kAnyNumber) + text.substr(end);
    }
    end = begin + 1;
  }
  return "";
}

fs::path real_path(const fs::path& file) {
  std::error_code error;
  const fs::path folder = fs::canonical(folder_of(file), error);
  return error ? file : folder / file.filename();
}

void RunFiles::add_input(const fs::path& file, std::string_view what) {
  if (file.empty() || is_special_file(file)) return;
  if (const auto id = file_id(file)) {
    inputs_.emplace(*id, what);
    return;
  }
  std::error_code error;
  taken_.insert(fs::weakly_canonical(full_path(file), error).native());
  const fs::path target = fs::read_symlink(file, error);
  if (!error) taken_.insert(fs::weakly_canonical(full_path(file.parent_path() / target), error).native());
  taken_.erase("");  // what no name stands for
}

void RunFiles::add_source(const fs::path& file) {
  add_input(file, "a source");
  if (const auto id = file_id(folder_of(file))) folders_.emplace(*id, file.string());
  // A link lies in one folder and leads into another.
  std::error_code error;
  if (!fs::is_symlink(file, error)) return;
  const fs::path target = fs::canonical(file, error);
  if (const auto id = error ? std::nullopt : file_id(folder_of(target))) folders_.emplace(*id, target.string());
}

void RunFiles::claim(const fs::path& file, std::string_view flag) {
  if (is_special_file(file)) return;
  try {
    check_output(file);
  } catch (const IoError& error) {
    throw IoError(fmt::format("{} {}", flag, error.what()));
  }
  const OutputName name{.stem = real_path(file), .ending = "", .numbered = false};
  if (!is_free(name)) {
    throw IoError(fmt::format("{} {}: an input or another output of this run has this name: choose another", flag,
                              file.string()));
  }
  take(name);
}

void RunFiles::check_output(const fs::path& file) const {
  if (const auto id = file_id(file)) {
    const auto input = inputs_.find(*id);
    if (input != inputs_.end()) {
      throw IoError(fmt::format("{}: is {} of this run, which writing would destroy: choose another name or folder",
                                file.string(), input->second));
    }
  }
  check_replaceable(file);
}

void RunFiles::check_folder(const fs::path& folder) const {
  const auto id = file_id(folder);
  const auto found = id ? folders_.find(*id) : folders_.end();
  if (found == folders_.end()) return;
  throw IoError(
      fmt::format("{}: sources come from this folder ({}), so they would be overwritten: choose another folder",
                  folder.string(), found->second));
}

bool RunFiles::is_free(const OutputName& name) const {
  const std::string pattern = numbered_pattern(name);
  if (!pattern.empty() && taken_.contains(pattern)) return false;
  return name.numbered ? !patterns_of_taken_.contains(pattern) : !taken_.contains(name.file().native());
}

void RunFiles::take(const OutputName& name) {
  const std::string pattern = numbered_pattern(name);
  if (name.numbered) {
    taken_.insert(pattern);
  } else {
    taken_.insert(name.file().native());
    if (!pattern.empty()) patterns_of_taken_.insert(pattern);
  }
}

}  // namespace zoo
