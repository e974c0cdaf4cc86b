#include "nn/engine/aligned_buffer.h"

#include <sys/mman.h>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::engine {

AlignedBuffer::AlignedBuffer(size_t size) : size_(size) {
  if (size == 0) return;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw EngineError(fmt::format("no memory: {} bytes for weights or activations", size));
  madvise(memory, size, MADV_HUGEPAGE);  // a wish; failing changes nothing but speed
  data_ = std::unique_ptr<std::byte[], Unmap>(static_cast<std::byte*>(memory), Unmap(size));
}

void AlignedBuffer::Unmap::operator()(std::byte* data) const { munmap(data, mapped_); }

}  // namespace zoo::engine
