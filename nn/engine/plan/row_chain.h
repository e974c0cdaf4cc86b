// Convolutions that read each other, some rows at a time: the maps between them never leave the second-level cache, and
// are written with their padding around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace zoo::engine {

/// Computes rows [begin, end) from those that it reads: `dst` is where row `begin` goes, `src` where the first row lies
/// that it reads, row begin * stride of the padded source. Where rows are copied from a map, `src` is that map.
using RowFunction = std::function<void(const std::byte* src, std::byte* dst, int64_t begin, int64_t end)>;

/// The padded source of a convolution, of which the chain keeps as many rows as one call of `compute` reads.
struct RowStage {
  int64_t kernel = 1;  ///< rows that one row of the result reads
  int64_t stride = 1;
  int64_t src_h = 0;  ///< rows of the map
  int64_t pad_top = 0;
  size_t row_bytes = 0;   ///< with padding
  size_t left_bytes = 0;  ///< of padding before a row of the map
  size_t map_bytes = 0;   ///< of a row of the map
  std::byte padding{0};
  RowFunction compute = {};  ///< rows of the result, from rows of the padded source

  /// Rows of the padded source that `rows` rows of the result read.
  int64_t rows_read(int64_t rows) const { return (rows - 1) * stride + kernel; }
};

/// Immutable but for the functions of its stages, which may keep no state.
class RowChain {
 public:
  struct Maps {
    int64_t images = 1;
    int64_t dst_h = 0;  ///< rows of the last result
    size_t dst_row_bytes = 0;
    size_t src_image_bytes = 0;
    size_t dst_image_bytes = 0;
  };

  /// At most kMaxStages, in their order. `fill` copies rows of an image to the first stage's padded source.
  RowChain(std::vector<RowStage> stages, RowFunction fill, const Maps& maps, int threads);

  static constexpr size_t kMaxStages = 8;

  /// A multiple of the cache line.
  size_t scratch_bytes() const { return static_cast<size_t>(threads_) * part_bytes_; }
  /// Allocates nothing. `scratch` starts at a cache line.
  void run(const std::byte* src, std::byte* dst, std::byte* scratch) const;

 private:
  class Part;

  std::vector<RowStage> stages_;
  RowFunction fill_;
  Maps maps_;
  int threads_;
  int64_t band_ = 1;                  ///< rows of the last result that are computed at a time
  std::vector<size_t> buffers_;       ///< of each stage, from the beginning of a part's scratch
  std::vector<int64_t> buffer_rows_;  ///< that it holds
  size_t part_bytes_ = 0;
};

}  // namespace zoo::engine
