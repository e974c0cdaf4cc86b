// What makes two parts parts of one job: the manifest, and everything that results depend on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/batch/shard.h"

namespace zoo::batch {

/// Names and values of what results depend on, in a fixed order: digests of the model file and the weights, precision,
/// version, flags. kVersion, kBuild and kPrecision name what differ_by_node_only() looks at.
using Fingerprint = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::string_view kVersion = "the version";
inline constexpr std::string_view kBuild = "the build of the engine";
inline constexpr std::string_view kPrecision = "the precision";
inline constexpr std::string_view kCalibration = "the calibration table";  ///< there is one in int8 only

/// The form of a part's lines.
enum class LineFormat {
  kJsonLines,  ///< an object a line that begins with {"row":N
  kCsv,        ///< a header, then records (RFC 4180, line feeds) that begin with the row
};

struct JobKey {
  std::string work;      ///< e.g. "predict"
  std::string format;    ///< what `work` calls the form of its lines
  std::string manifest;  ///< SHA-256 of the manifest, lower-case hexadecimal
  int64_t rows = 0;      ///< of the whole manifest
  ShardId shard;
  Fingerprint fingerprint;

  RowRange range() const { return rows_of_shard(rows, shard); }
  bool operator==(const JobKey&) const = default;
};

LineFormat line_format(const JobKey& key);

/// Where two keys differ, but for the shard's index, e.g. `the weights: 12ab... in place of 34cd...`; empty where
/// nowhere. The first is the one that is found, the second the one that is expected.
std::vector<std::string> differences(const JobKey& found, const JobKey& expected);

/// Whether they differ, and only in what the node decides, not the command: the program's version and build, and the
/// precision, which is measured where it is `auto`. Another node may go on with the part.
bool differ_by_node_only(const JobKey& found, const JobKey& expected);

/// One line of JSON without the line feed, and back. from_json throws IoError (`what: problem`) for anything that is
/// not a whole and possible key of this version.
std::string to_json(const JobKey& key);
JobKey key_from_json(std::string_view json, std::string_view what);

}  // namespace zoo::batch
