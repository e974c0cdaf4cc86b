// Where a run writes: folders that know what the run reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "nn/core/run_files.h"
#include "sinks/output_names.h"

namespace zoo::sinks {

/// A folder that results are written to. All writers of a run that write into it share one object (OutputFolders), so
/// that none takes another's name; files of earlier runs are replaced.
///
/// No input is ever written to: a folder that a source lies in is refused, and so is a name that leads to an input,
/// also through a link. A link that has an output's name, or that of a folder below, is refused rather than followed or
/// replaced. One thread at a time; every member throws IoError.
class OutputFolder {
 public:
  /// Makes the folder. `run`: what the run reads and writes; an object of its own knows of no input.
  explicit OutputFolder(std::filesystem::path folder, std::shared_ptr<RunFiles> run = std::make_shared<RunFiles>());

  /// As the user wrote it.
  const std::filesystem::path& folder() const { return folder_; }

  /// Gives names to all that will be written, so that they do not depend on the order of writing (name_outputs), and
  /// refuses before the work what could not be written then. To be called once.
  void plan(std::span<const OutputWish> wishes);

  /// Where to write an output: below folder(), in a subfolder that is made. A plan is found by input, ending and
  /// `numbered`, wherever it wants to be; what was not planned gets a name that is free now.
  std::filesystem::path file(const OutputWish& wish);
  /// One of many, for a wish that is `numbered`. Nothing is kept for a number, so there may be any number of them.
  std::filesystem::path file(const OutputWish& wish, int64_t number);

 private:
  using Key = std::tuple<std::string, std::string, bool>;
  static Key key_of(const OutputWish& wish) { return {wish.input, wish.ending, wish.numbered}; }
  const OutputName& name_of(const OutputWish& wish);
  /// Where an output is to be written, in a folder that was made.
  std::filesystem::path ready(const std::filesystem::path& below);
  std::vector<OutputName> take_names(std::span<const OutputWish> wishes);
  void check_file(const std::filesystem::path& file) const;
  /// Of a folder below.
  void check_folder(const std::filesystem::path& below) const;

  std::filesystem::path folder_;
  std::filesystem::path real_folder_;
  std::shared_ptr<RunFiles> run_;
  std::map<Key, OutputName> names_;
  std::set<std::filesystem::path> made_;  ///< folders below
};

/// The output folders of one run.
class OutputFolders {
 public:
  explicit OutputFolders(std::shared_ptr<RunFiles> run) : run_(std::move(run)) {}

  /// Makes the folder; yields the same object for every name of one folder. Throws IoError.
  std::shared_ptr<OutputFolder> open(const std::filesystem::path& folder);

 private:
  std::shared_ptr<RunFiles> run_;
  std::map<FileId, std::shared_ptr<OutputFolder>> folders_;
};

}  // namespace zoo::sinks
