// Intel's Software Developer's Manual, volume 1, chapter 18 (tiles) and volume 2 (TDPBF16PS, TDPBUSD).
#include "tests/software_isa/tiles.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/software_isa/vector_types.h"

namespace zoo::software_isa {

void fault(const char* what) {
  std::fprintf(stderr, "software instruction set: %s\n", what);
  std::abort();
}

namespace {

constexpr int kTiles = 8;
constexpr int kRows = 16;
constexpr int kRowBytes = 64;

struct Tile {
  int rows = 0;
  int row_bytes = 0;
  alignas(64) std::array<std::array<std::byte, kRowBytes>, kRows> data{};
};

struct State {
  bool configured = false;
  std::array<Tile, kTiles> tiles;
};

State& state() {
  thread_local State state;
  return state;
}

/// What LDTILECFG reads, byte by byte.
constexpr size_t kPalette = 0, kStartRow = 1, kReserved = 2, kFirstRowBytes = 16, kFirstRows = 48, kConfigBytes = 64;

Tile& tile_of(int number) {
  if (!state().configured) fault("a tile without a configuration");
  Tile& tile = state().tiles.at(static_cast<size_t>(number));
  if (tile.rows == 0 || tile.row_bytes == 0) fault("a tile that the configuration leaves out");
  return tile;
}

/// [rows of a, columns of dst] += [rows of a, row_bytes of a / 4] x [row_bytes of a / 4, columns of dst].
void require_fitting(const Tile& dst, const Tile& a, const Tile& b) {
  if (dst.rows != a.rows || dst.row_bytes != b.row_bytes || a.row_bytes != b.rows * 4) {
    fault("a product of tiles whose shapes do not fit");
  }
  if (dst.row_bytes % 4 != 0) fault("a row of sums that ends within a sum");
}

/// MXCSR with all exceptions masked, rounding to nearest even, denormals read as and written as zero.
constexpr unsigned kFlushing = 0x1F80U | 0x8000U | 0x0040U;

/// Keeps the two rounding modes apart: nothing of what a caller computes moves into it.
class Flushing {
 public:
  Flushing() : before_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(kFlushing); }
  ~Flushing() { __builtin_ia32_ldmxcsr(before_); }
  Flushing(const Flushing&) = delete;
  Flushing& operator=(const Flushing&) = delete;

 private:
  unsigned before_;
};

using Sums = std::array<float, kRows>;

/// Values of bf16 at even and odd places of a row.
struct Pairs {
  alignas(64) Sums even, odd;
};

[[gnu::noinline]] Pairs widen(const std::byte* row) {
  std::array<uint32_t, kRows> pairs;
  std::memcpy(pairs.data(), row, sizeof(pairs));
  std::array<uint32_t, kRows> even;
  std::array<uint32_t, kRows> odd;
  for (size_t i = 0; i < kRows; ++i) even[i] = pairs[i] << 16U;
  for (size_t i = 0; i < kRows; ++i) odd[i] = pairs[i] & 0xFFFF0000U;
  Pairs result;
  std::memcpy(result.even.data(), even.data(), sizeof(even));
  std::memcpy(result.odd.data(), odd.data(), sizeof(odd));
  return result;
}

/// One row of TDPBF16PS: even and odd places are summed apart, by fused multiply-adds, then added to each other, and
/// these to what was there.
[[gnu::noinline]] void add_row(const Pairs& values, const std::array<Pairs, kRows>& b, int depth, float* sums) {
  Sums even{};
  Sums odd{};
  for (size_t k = 0; k < static_cast<size_t>(depth); ++k) {
    for (size_t n = 0; n < kRows; ++n) even[n] = __builtin_fmaf(values.even[k], b[k].even[n], even[n]);
    for (size_t n = 0; n < kRows; ++n) odd[n] = __builtin_fmaf(values.odd[k], b[k].odd[n], odd[n]);
  }
  for (size_t n = 0; n < kRows; ++n) sums[n] += even[n] + odd[n];
}

[[gnu::noinline]] void add_row(const uint8_t* values, const Tile& b, int depth, uint32_t* sums) {
  for (int k = 0; k < depth; ++k) {
    std::array<int8_t, kRowBytes> weights;
    std::memcpy(weights.data(), b.data[static_cast<size_t>(k)].data(), sizeof(weights));
    for (size_t n = 0; n < kRows; ++n) {
      int32_t sum = 0;
      for (size_t i = 0; i < 4; ++i) sum += values[static_cast<size_t>(k) * 4 + i] * weights[n * 4 + i];
      sums[n] += static_cast<uint32_t>(sum);
    }
  }
}

/// The rows' bytes beyond row_bytes, and the rows beyond rows, are zero from the configuration on: products leave zero
/// there, too.
template <typename Sum, typename F>
void for_rows(Tile& dst, F f) {
  for (int m = 0; m < dst.rows; ++m) {
    auto& row = dst.data[static_cast<size_t>(m)];
    std::array<Sum, kRows> sums;
    std::memcpy(sums.data(), row.data(), sizeof(sums));
    f(static_cast<size_t>(m), sums.data());
    std::memcpy(row.data(), sums.data(), sizeof(sums));
  }
}

}  // namespace

void configure_tiles(const void* config) {
  std::array<uint8_t, kConfigBytes> bytes;
  std::memcpy(bytes.data(), config, sizeof(bytes));
  if (bytes[kPalette] == 0) return release_tiles();
  if (bytes[kPalette] != 1) fault("an unknown palette of tiles");
  if (bytes[kStartRow] != 0) fault("tiles that start in the middle");
  for (size_t i = kReserved; i < kFirstRowBytes; ++i) {
    if (bytes[i] != 0) fault("reserved bytes of the tiles' configuration that are not zero");
  }
  state() = State{};
  for (size_t i = 0; i < 16; ++i) {
    const int row_bytes = bytes[kFirstRowBytes + 2 * i] + 256 * bytes[kFirstRowBytes + 2 * i + 1];
    const int rows = bytes[kFirstRows + i];
    if (row_bytes > kRowBytes || rows > kRows || (i >= kTiles && row_bytes + rows > 0))
      fault("tiles that are too large");
    if (i < kTiles) state().tiles[i] = {rows, row_bytes, {}};
  }
  state().configured = true;
}

void release_tiles() { state() = State{}; }

void zero_tile(int tile) { tile_of(tile).data = {}; }

void load_tile(int tile, const void* src, ptrdiff_t pitch) {
  Tile& dst = tile_of(tile);
  const auto* row = static_cast<const std::byte*>(src);
  for (int i = 0; i < dst.rows; ++i) {
    std::memcpy(dst.data[static_cast<size_t>(i)].data(), row + i * pitch, static_cast<size_t>(dst.row_bytes));
  }
}

void store_tile(int tile, void* dst, ptrdiff_t pitch) {
  const Tile& src = tile_of(tile);
  auto* row = static_cast<std::byte*>(dst);
  for (int i = 0; i < src.rows; ++i) {
    std::memcpy(row + i * pitch, src.data[static_cast<size_t>(i)].data(), static_cast<size_t>(src.row_bytes));
  }
}

void multiply_bf16_tiles(int dst, int a, int b) {
  Tile& sums = tile_of(dst);
  const Tile& left = tile_of(a);
  const Tile& right = tile_of(b);
  require_fitting(sums, left, right);
  std::array<Pairs, kRows> weights;
  for (size_t k = 0; k < static_cast<size_t>(right.rows); ++k) weights[k] = widen(right.data[k].data());
  const Flushing flushing;
  for_rows<float>(sums, [&](size_t m, float* row) { add_row(widen(left.data[m].data()), weights, right.rows, row); });
}

void multiply_int8_tiles(int dst, int a, int b) {
  Tile& sums = tile_of(dst);
  const Tile& left = tile_of(a);
  const Tile& right = tile_of(b);
  require_fitting(sums, left, right);
  for_rows<uint32_t>(sums, [&](size_t m, uint32_t* row) {
    std::array<uint8_t, kRowBytes> values;
    std::memcpy(values.data(), left.data[m].data(), sizeof(values));
    add_row(values.data(), right, right.rows, row);
  });
}

}  // namespace zoo::software_isa
