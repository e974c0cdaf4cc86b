// Which rows of a part are under way, so that one that ends its process (a picture that crashes what decodes it, or
// for which the system has no memory) is known to whoever goes on, and does not end every process after it.
//
// The file (part-00003-of-00128.begun) has a record of 32 bytes for each row that was begun and has not ended: its
// number, and how often that has happened. A record is one write to the page cache: a process may be killed at any
// moment, and what a power failure takes along is no row's fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "nn/core/descriptor.h"

namespace zoo::batch {

/// A row that was under way when so many processes ended is not tried again.
inline constexpr int64_t kMostEndings = 3;

/// Thread-safe. begin() and end() throw IoError where the file cannot be written.
class RowsBegun {
 public:
  enum class Earlier { kKeep, kForget };

  /// Opens the file, or makes it. Throws IoError.
  RowsBegun(std::filesystem::path file, Earlier earlier);
  ~RowsBegun() { close(); }
  RowsBegun(const RowsBegun&) = delete;
  RowsBegun& operator=(const RowsBegun&) = delete;

  /// To be called before a row is touched.
  void begin(int64_t row);
  /// The row has its results or is a failure; nothing where it was not begun.
  void end(int64_t row);

  /// How many processes ended while the row was under way. Which of several rows it was nobody knows, so rows of which
  /// that is more than 0 want to be tried one at a time, with nothing beside them.
  int64_t endings(int64_t row) const;
  /// How many rows there are of which endings() is more than 0.
  int64_t suspects() const;

  /// An end in order: what is under way counts as not begun. What is begun later is not noted.
  void close() noexcept;

 private:
  struct Record {
    size_t slot = 0;
    int64_t endings = 0;
    bool under_way = false;
  };

  void read();
  size_t free_slot();
  void write(size_t slot, const std::string& text) const;
  void write(int64_t row, const Record& record) const;

  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  Descriptor descriptor_;  ///< closed: none
  std::map<int64_t, Record> records_;
  std::set<size_t> free_;  ///< below slots_
  size_t slots_ = 0;
};

}  // namespace zoo::batch
