// How many entries a thread of a worker asks for at a time. Internal to streams/queue.
#pragma once

#include <cstdint>

namespace zoo::streams {

/// As many as it answers in 20 ms and as have 32 MiB together, by those of late; at most 64. One thread at a time.
class ReadSize {
 public:
  /// An entry has come with so many bytes.
  void note_bytes(double bytes);
  /// Its answer took so long.
  void note_work(double seconds);
  /// What was asked for was too large to be taken: one at a time, until smaller ones have come.
  void note_too_large();

  /// 1 while no answer has shown how long they take.
  int64_t entries() const;

 private:
  double mean_s_ = 0.0;       ///< of an answer; 0 before the first
  double large_bytes_ = 0.0;  ///< of a large entry of late
};

}  // namespace zoo::streams
