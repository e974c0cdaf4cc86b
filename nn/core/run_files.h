// What one run of a program reads and what it writes: no output is ever an input, and none is another output.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "nn/core/files.h"

namespace zoo {

/// What an output is called: `stem` + `ending`, or, where it is one of many, `stem_000012` + `ending` for number 12.
struct OutputName {
  std::filesystem::path stem;  ///< with its folder
  std::string ending;          ///< e.g. ".png"
  bool numbered = false;

  std::filesystem::path file() const { return stem.native() + ending; }
  std::filesystem::path file(int64_t number) const;
};

/// Knows every input as a file rather than by its name, so that links and other spellings of a path mean the same. One
/// thread at a time.
class RunFiles {
 public:
  /// A file that the run reads. `what` is how messages call it, e.g. "the model file". One that is not there has no
  /// content to lose (whoever opens it says so), but no output takes its name.
  void add_input(const std::filesystem::path& file, std::string_view what);
  /// A picture or a video: an input, and nothing may be written into the folder that it lies in, where more of the kind
  /// may lie. (Files that flags name one by one may.)
  void add_source(const std::filesystem::path& file);

  /// For a flag that names a file to write, before the work: throws IoError, beginning with `flag`, where the file is
  /// an input, an output of the run already, a folder or a link (check_replaceable). Special files (/dev/null, a pipe)
  /// may be named as often as one likes.
  void claim(const std::filesystem::path& file, std::string_view flag);

  /// Throws IoError where the file is an input of the run, a folder or a link.
  void check_output(const std::filesystem::path& file) const;
  /// Throws IoError where a source lies in the folder.
  void check_folder(const std::filesystem::path& folder) const;

  /// Whether no output has this name, or one of these. Folders must be written alike: see real_path.
  bool is_free(const OutputName& name) const;
  /// From now on it is not free.
  void take(const OutputName& name);

 private:
  std::map<FileId, std::string> inputs_;     ///< how messages call them
  std::map<FileId, std::string> folders_;    ///< of sources, with one that lies there
  std::set<std::string> taken_;              ///< names, of missing inputs, too; of numbered ones their pattern
  std::set<std::string> patterns_of_taken_;  ///< what numbered ones may not be called
};

/// The pattern that all files of a numbered name share, or that a plain one would belong to; empty where a plain one
/// belongs to none.
std::string numbered_pattern(const OutputName& name);

/// A path without links in its folder: the same for every spelling of it. As it is where the folder is not there.
std::filesystem::path real_path(const std::filesystem::path& file);

}  // namespace zoo
