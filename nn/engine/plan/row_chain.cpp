#include "nn/engine/plan/row_chain.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "nn/engine/kernels/f32/kernels.h"
#include "nn/engine/kernels/f32/pointwise.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

/// What of the L2 the rows may take: source, result and weights want room, too.
constexpr size_t kCacheShare = 4;
constexpr size_t kLine = 64;

/// Kernels may read a little beyond what they use.
constexpr size_t kSlack = kLine;

}  // namespace

/// Some rows of the last result of one image.
class RowChain::Part {
 public:
  Part(const RowChain& chain, const std::byte* src, std::byte* scratch) : chain_(chain), src_(src) {
    for (size_t i = 0; i < chain.stages_.size(); ++i) {
      const RowStage& stage = chain.stages_[i];
      buffers_[i] = scratch + chain.buffers_[i];
      // What is left and right of the map is never written again.
      for (int64_t row = 0; row < chain.buffer_rows_[i]; ++row) {
        std::byte* at = buffers_[i] + static_cast<size_t>(row) * stage.row_bytes;
        const size_t right = stage.left_bytes + stage.map_bytes;
        std::fill_n(at, stage.left_bytes, stage.padding);
        std::fill_n(at + right, stage.row_bytes - right, stage.padding);
      }
    }
  }

  /// `dst`: the image of the last result.
  void run(std::byte* dst, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row += chain_.band_) {
      produce(chain_.stages_.size() - 1, dst + static_cast<size_t>(row) * chain_.maps_.dst_row_bytes, row,
              std::min(row + chain_.band_, end));
    }
  }

 private:
  /// Rows that a buffer holds, of the padded source.
  struct Held {
    int64_t first = 0;
    int64_t last = 0;
  };

  /// Rows [begin, end) of the result of stage `i`, the first of which goes to `dst`.
  void produce(size_t i, std::byte* dst, int64_t begin, int64_t end) {
    const RowStage& stage = chain_.stages_[i];
    const int64_t first = begin * stage.stride;
    const int64_t last = first + stage.rows_read(end - begin);
    Held& held = held_[i];
    const int64_t kept = std::max<int64_t>(0, held.last - first);
    if (kept > 0) {
      std::memmove(buffers_[i], buffers_[i] + row_offset(stage, first - held.first),
                   static_cast<size_t>(kept) * stage.row_bytes);
    }
    held = {first, last};
    fill(i, buffers_[i] + row_offset(stage, kept), first + kept, last);
    stage.compute(buffers_[i], dst, begin, end);
  }

  /// Rows [begin, end) of the padded source of stage `i`, the first of which goes to `dst`.
  void fill(size_t i, std::byte* dst, int64_t begin, int64_t end) {
    if (begin == end) return;
    if (i == 0) return chain_.fill_(src_, dst, begin, end);
    const RowStage& stage = chain_.stages_[i];
    const int64_t bottom = stage.pad_top + stage.src_h;
    const int64_t map_begin = std::clamp(begin, stage.pad_top, bottom);
    const int64_t map_end = std::clamp(end, stage.pad_top, bottom);
    const auto pad = [&](int64_t first, int64_t last) {
      if (first >= last) return;
      std::fill_n(dst + row_offset(stage, first - begin), static_cast<size_t>(last - first) * stage.row_bytes,
                  stage.padding);
    };
    pad(begin, std::min(end, map_begin));
    if (map_begin < map_end) {
      produce(i - 1, dst + row_offset(stage, map_begin - begin) + stage.left_bytes, map_begin - stage.pad_top,
              map_end - stage.pad_top);
    }
    pad(std::max(begin, map_end), end);
  }

  static std::ptrdiff_t row_offset(const RowStage& stage, int64_t row) {
    return row * static_cast<std::ptrdiff_t>(stage.row_bytes);
  }

  const RowChain& chain_;
  const std::byte* src_;
  std::array<std::byte*, kMaxStages> buffers_{};
  std::array<Held, kMaxStages> held_{};
};

RowChain::RowChain(std::vector<RowStage> stages, RowFunction fill, const Maps& maps, int threads)
    : stages_(std::move(stages)),
      fill_(std::move(fill)),
      maps_(maps),
      threads_(threads),
      buffers_(stages_.size()),
      buffer_rows_(stages_.size()) {
  const auto plan = [&](int64_t band) {
    band_ = band;
    part_bytes_ = 0;
    int64_t rows = band;
    for (size_t i = stages_.size(); i-- > 0;) {
      rows = stages_[i].rows_read(rows);
      buffers_[i] = part_bytes_;
      buffer_rows_[i] = rows;
      const size_t bytes = static_cast<size_t>(rows) * stages_[i].row_bytes + kSlack;
      part_bytes_ += (bytes + kLine - 1) / kLine * kLine;
    }
  };
  plan(1);
  const int64_t most = kernels::block_count(maps.dst_h, threads);
  while (band_ < most) {
    plan(band_ + 1);
    if (part_bytes_ > machine_capabilities().caches.l2 / kCacheShare) {
      plan(band_ - 1);
      break;
    }
  }
}

void RowChain::run(const std::byte* src, std::byte* dst, std::byte* scratch) const {
  parallel_for(threads_, threads_, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      const kernels::Part rows = kernels::part_of(maps_.dst_h, threads_, part);
      for (int64_t image = 0; image < maps_.images; ++image) {
        const auto at = static_cast<size_t>(image);
        Part(*this, src + at * maps_.src_image_bytes, scratch + static_cast<size_t>(part) * part_bytes_)
            .run(dst + at * maps_.dst_image_bytes, rows.begin, rows.end);
      }
    }
  });
}

}  // namespace zoo::engine
