// One large zero-filled block of memory for weights or activations.
#pragma once

#include <cstddef>
#include <memory>

namespace zoo::engine {

/// Owns `size` bytes, aligned to a page, asked for as huge pages (0-3 % faster: fewer TLB misses). Throws EngineError
/// when there is no memory.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t size);

  std::byte* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  class Unmap {
   public:
    Unmap() : mapped_(0) {}
    explicit Unmap(size_t mapped) : mapped_(mapped) {}
    void operator()(std::byte* data) const;

   private:
    size_t mapped_;
  };
  std::unique_ptr<std::byte[], Unmap> data_;
  size_t size_ = 0;
};

}  // namespace zoo::engine
