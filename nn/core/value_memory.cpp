#include "nn/core/value_memory.h"

#include <new>
#include <sys/mman.h>

namespace zoo {
namespace {

/// Smaller blocks come from the heap: each mapping is a system call and whole pages.
constexpr size_t kMapped = size_t{128} << 10U;

}  // namespace

void* allocate_values(size_t bytes) {
  if (bytes < kMapped) return ::operator new(bytes);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return memory;
}

void release_values(void* memory, size_t bytes) {
  if (bytes < kMapped) {
    ::operator delete(memory);
  } else {
    ::munmap(memory, bytes);
  }
}

}  // namespace zoo
