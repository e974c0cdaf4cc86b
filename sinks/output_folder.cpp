#include "sinks/output_folder.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::sinks {
namespace fs = std::filesystem;
namespace {

/// `name` with its folder in front.
OutputName below(const fs::path& folder, const OutputName& name) {
  return {folder / name.stem, name.ending, name.numbered};
}

}  // namespace

OutputFolder::OutputFolder(fs::path folder, std::shared_ptr<RunFiles> run)
    : folder_(std::move(folder)), run_(std::move(run)) {
  create_folders(folder_);
  real_folder_ = real_path(folder_ / "x").parent_path();
}

void OutputFolder::plan(std::span<const OutputWish> wishes) {
  const std::vector<OutputName> names = take_names(wishes);
  std::set<fs::path> folders;
  for (size_t i = 0; i < wishes.size(); ++i) {
    names_.emplace(key_of(wishes[i]), names[i]);
    folders.insert(names[i].stem.parent_path());
  }
  for (const fs::path& below : folders) check_folder(below);
  for (const OutputName& name : names) {
    if (!name.numbered) check_file(folder_ / name.file());
  }
}

fs::path OutputFolder::file(const OutputWish& wish) { return ready(name_of(wish).file()); }

fs::path OutputFolder::file(const OutputWish& wish, int64_t number) { return ready(name_of(wish).file(number)); }

const OutputName& OutputFolder::name_of(const OutputWish& wish) {
  const auto known = names_.find(key_of(wish));
  if (known != names_.end()) return known->second;
  return names_.emplace(key_of(wish), take_names({&wish, 1}).front()).first->second;
}

fs::path OutputFolder::ready(const fs::path& below) {
  const fs::path folder = below.parent_path();
  if (!made_.contains(folder)) {
    check_folder(folder);
    create_folders(folder_ / folder);
    made_.insert(folder);
  }
  fs::path file = folder_ / below;
  check_file(file);
  return file;
}

void OutputFolder::check_file(const fs::path& file) const {
  run_->check_output(file);
  if (is_special_file(file)) throw IoError(fmt::format("{}: cannot be written: it is no regular file", file.string()));
}

void OutputFolder::check_folder(const fs::path& below) const {
  std::error_code error;
  for (fs::path folder = below; !folder.empty(); folder = folder.parent_path()) {
    if (!fs::is_symlink(folder_ / folder, error)) continue;
    throw IoError(
        fmt::format("{}: cannot be written into: it is a link, and links are not followed: choose another folder, or "
                    "remove the link",
                    (folder_ / folder).string()));
  }
  run_->check_folder(folder_ / below);
}

std::vector<OutputName> OutputFolder::take_names(std::span<const OutputWish> wishes) {
  const auto is_free = [this](const OutputName& name) { return run_->is_free(below(real_folder_, name)); };
  std::vector<OutputName> names = name_outputs(wishes, real_folder_.native().size(), is_free);
  for (const OutputName& name : names) run_->take(below(real_folder_, name));
  return names;
}

std::shared_ptr<OutputFolder> OutputFolders::open(const fs::path& folder) {
  auto opened = std::make_shared<OutputFolder>(folder, run_);
  const auto id = file_id(folder);
  if (!id) throw IoError(fmt::format("{}: cannot be made a folder: {}", folder.string(), errno_text()));
  return folders_.emplace(*id, std::move(opened)).first->second;
}

}  // namespace zoo::sinks
