#include "nn/engine/lower/packing.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "nn/engine/machine/capabilities.h"

namespace zoo::engine {
namespace {

/// Every packed block begins with a cache line.
constexpr size_t kLine = 64;

}  // namespace

std::shared_ptr<PackedBlock> Packing::add(size_t bytes, std::function<void(std::byte*)> pack) {
  blocks_.push_back(std::make_shared<PackedBlock>(PackedBlock{bytes, std::move(pack), nullptr}));
  return blocks_.back();
}

std::shared_ptr<PackedBlock> Packing::add_shared(const std::string& key, size_t bytes,
                                                 std::function<void(std::byte*)> pack) {
  std::shared_ptr<PackedBlock>& block = shared_[key];
  if (block == nullptr) block = add(bytes, std::move(pack));
  return block;
}

std::shared_ptr<PackedBlock> Packing::add(std::vector<float> values) {
  const size_t bytes = values.size() * sizeof(float);
  return add(bytes, [values = std::move(values), bytes](std::byte* dst) { std::memcpy(dst, values.data(), bytes); });
}

std::shared_ptr<PackedBlock> Packing::add_bias(std::span<const float> bias, int64_t outputs, int64_t step) {
  std::vector<float> values(static_cast<size_t>((outputs + step - 1) / step * step));
  std::ranges::copy(bias, values.begin());
  return add(std::move(values));
}

std::shared_ptr<const WeightsAhead> Packing::add_weights_ahead(double cycles) {
  fetchers_.push_back({cycles, blocks_.size(), std::make_shared<WeightsAhead>()});
  return fetchers_.back().ahead;
}

size_t Packing::bytes_from(size_t first) const {
  size_t bytes = 0;
  for (size_t b = first; b < blocks_.size(); ++b) bytes += blocks_[b]->bytes;
  return bytes;
}

PackedBlocks Packing::take() {
  share_out_fetching();
  return std::move(blocks_);
}

/// Weights lie in the order in which steps read them. Each step fetches as large a part of them as its part of the time
/// is, from where the step before it has stopped; never so far ahead that they would leave the cache again.
void Packing::share_out_fetching() {
  if (fetchers_.empty()) return;
  std::vector<size_t> ends = {0};
  for (const auto& block : blocks_) ends.push_back(ends.back() + (block->bytes + kLine - 1) / kLine * kLine);
  double cycles = 0.0;
  for (const Fetcher& fetcher : fetchers_) cycles += fetcher.cycles;
  const size_t lead = machine_capabilities().caches.l2 / 2;
  size_t next = 0;
  for (const Fetcher& fetcher : fetchers_) {
    const size_t own_end = ends[fetcher.packed];
    const auto share = static_cast<size_t>(static_cast<double>(ends.back()) * fetcher.cycles / cycles);
    WeightsAhead& ahead = *fetcher.ahead;
    ahead.first = blocks_.front();
    ahead.begin = std::max(next, own_end);
    ahead.end = std::max(ahead.begin, std::min({ahead.begin + share, own_end + lead, ends.back()}));
    next = ahead.end;
  }
}

kernels::Int8Ahead WeightsAhead::range() const { return {first->data + begin, static_cast<int64_t>(end - begin)}; }

}  // namespace zoo::engine
