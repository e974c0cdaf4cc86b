// Memory for the values of parameters.
#pragma once

#include <cstddef>
#include <vector>

namespace zoo {

/// `bytes` of memory, from the system if they are many. Throws std::bad_alloc.
void* allocate_values(size_t bytes);
void release_values(void* memory, size_t bytes);

/// Large blocks go back to the system when they are freed. The heap would keep them: folding a network's weights frees
/// as much memory as the network needs when it runs.
template <typename T>
struct ValueAllocator {
  using value_type = T;

  T* allocate(size_t count) { return static_cast<T*>(allocate_values(count * sizeof(T))); }
  void deallocate(T* memory, size_t count) { release_values(memory, count * sizeof(T)); }
  friend bool operator==(const ValueAllocator&, const ValueAllocator&) = default;
};

using ValueVector = std::vector<float, ValueAllocator<float>>;

}  // namespace zoo
