// In the place of the engine's aligned_buffer.cpp: memory of exactly the size that was asked for, whose ends sanitizers
// guard.
#include "nn/engine/machine/aligned_buffer.h"

#include <cstdlib>
#include <cstring>

#include "nn/core/error.h"

namespace zoo::engine {

AlignedBuffer::AlignedBuffer(size_t size) : size_(size) {
  if (size == 0) return;
  constexpr size_t kPage = 4096;
  void* memory = nullptr;
  if (posix_memalign(&memory, kPage, size) != 0) throw EngineError("no memory");
  std::memset(memory, 0, size);
  data_ = std::unique_ptr<std::byte[], Unmap>(static_cast<std::byte*>(memory), Unmap(size));
}

void AlignedBuffer::Unmap::operator()(std::byte* data) const { std::free(data); }

}  // namespace zoo::engine
