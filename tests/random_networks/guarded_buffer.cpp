// In the place of the engine's aligned_buffer.cpp: whoever reads or writes beyond the end of a block meets a page that
// nobody may touch.
#include <sys/mman.h>
#include <unistd.h>

#include "nn/core/error.h"
#include "nn/engine/machine/aligned_buffer.h"

namespace zoo::engine {
namespace {

constexpr size_t kLine = 64;

size_t page_bytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

size_t rounded_up(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

/// The last cache line ends where the guard begins; the start is that of a cache line, as kernels are promised.
AlignedBuffer::AlignedBuffer(size_t size) : size_(size) {
  if (size == 0) return;
  const size_t page = page_bytes();
  const size_t pages = rounded_up(size, page);
  void* const begin = mmap(nullptr, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (begin == MAP_FAILED) throw EngineError("no memory");
  auto* const bytes = static_cast<std::byte*>(begin);
  if (mprotect(bytes + pages, page, PROT_NONE) != 0) throw EngineError("no guard page");
  data_ = std::unique_ptr<std::byte[], Unmap>(bytes + pages - rounded_up(size, kLine), Unmap(size));
}

void AlignedBuffer::Unmap::operator()(std::byte* data) const {
  const size_t page = page_bytes();
  const size_t pages = rounded_up(mapped_, page);
  munmap(data + rounded_up(mapped_, kLine) - pages, pages + page);
}

}  // namespace zoo::engine
