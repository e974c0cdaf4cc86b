#include "nn/engine/machine/aligned_buffer.h"

#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::engine {

namespace {

/// A huge page of x86-64. The system gives one only where a whole one fits.
constexpr size_t kHugePage = size_t{2} << 20U;

/// From a huge page's boundary where there is room for one.
void* map(size_t size) {
  const size_t spare = size < kHugePage ? 0 : kHugePage;
  void* memory = mmap(nullptr, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw EngineError(fmt::format("no memory: {} bytes for weights or activations", size));
  if (spare == 0) return memory;
  auto* const first = static_cast<std::byte*>(memory);
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(memory) % kHugePage) % kHugePage;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t used = (size + page - 1) / page * page;
  if (before > 0) munmap(first, before);
  if (spare > before) munmap(first + before + used, spare - before);
  return first + before;
}

}  // namespace

AlignedBuffer::AlignedBuffer(size_t size) : size_(size) {
  if (size == 0) return;
  void* memory = map(size);
  madvise(memory, size, MADV_HUGEPAGE);  // a wish; failing changes nothing but speed
  data_ = std::unique_ptr<std::byte[], Unmap>(static_cast<std::byte*>(memory), Unmap(size));
}

void AlignedBuffer::Unmap::operator()(std::byte* data) const { munmap(data, mapped_); }

}  // namespace zoo::engine
