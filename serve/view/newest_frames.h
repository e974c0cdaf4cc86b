// The newest answered frame of every stream, for who looks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "pipeline/result_sink.h"

namespace zoo::serve {

/// A frame that nobody changes any more.
struct AnsweredFrame {
  uint64_t number = 0;  ///< counts from 1 over all of NewestFrames: greater is newer
  pipeline::ProcessedFrame item;
};

/// Thread-safe.
class NewestFrames {
 public:
  void put(const pipeline::ProcessedFrame& item);
  /// Forgets the frames of all other streams.
  void keep_only(const std::set<size_t>& streams);

  /// Null before the first.
  std::shared_ptr<const AnsweredFrame> newest(size_t stream) const;
  /// Its number; 0 before the first.
  uint64_t number(size_t stream) const;

  /// What to call after each put(), from that thread; empty: nothing. Returns when no call of the one before is under
  /// way.
  void on_put(std::function<void()> listener);

 private:
  mutable std::mutex mutex_;
  std::map<size_t, std::shared_ptr<const AnsweredFrame>> frames_;  ///< guarded by mutex_
  uint64_t last_ = 0;                                              ///< guarded by mutex_
  std::mutex listening_;
  std::function<void()> listener_;  ///< guarded by listening_
};

/// Gives streams' frames to a NewestFrames; draws and encodes nothing.
class ViewSink : public pipeline::ResultSink {
 public:
  explicit ViewSink(std::shared_ptr<NewestFrames> frames) : frames_(std::move(frames)) {}

  std::string name() const override { return "the view"; }
  bool wants_plain() const override { return true; }
  WhenSlow when_slow() const override { return WhenSlow::kDropOldest; }
  void write(const pipeline::FrameEvent& event) override;

 private:
  const std::shared_ptr<NewestFrames> frames_;
};

}  // namespace zoo::serve
