// The picture that an entry of a queue holds or names.
//
//   image, data   the bytes of a picture file (JPEG, PNG, ...)
//   path          a file below a folder that is allowed
//   url           an HTTP or HTTPS address below one that is allowed; redirects are not followed
//
// Whoever may write into the queue may be anybody: without allowed folders and addresses only bytes are taken.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "brokers/redis_queue.h"
#include "hub/http.h"
#include "nn/core/error.h"
#include "streams/queue/allowed_address.h"
#include "streams/queue/allowed_folder.h"

namespace zoo::streams {

struct PictureAccess {
  std::vector<AllowedFolder> folders = {};  ///< tried in this order
  std::vector<AllowedAddress> addresses = {};
  size_t max_bytes = size_t{64} << 20U;        ///< of a picture file
  std::function<bool()> stopped = {};          ///< ends a download
  std::chrono::milliseconds max_time{60'000};  ///< of a download, from its request to its last byte
};

/// An entry has no picture.
class EntryError : public Error {
 public:
  EntryError(const std::string& what, bool transient) : Error(what), transient_(transient) {}
  /// It may have one later: a server that cannot answer now, a disk that fails.
  bool transient() const { return transient_; }

 private:
  bool transient_;
};

/// One thread at a time; keeps its connection to the server that it fetched from last.
class EntryPictures {
 public:
  explicit EntryPictures(PictureAccess access);

  /// Of a picture file.
  size_t max_bytes() const { return access_.max_bytes; }

  /// The bytes of the entry's picture file, taken out of it where it holds them. Throws EntryError.
  std::vector<uint8_t> take(brokers::QueueEntry& entry);

 private:
  std::vector<uint8_t> read(const std::string& path) const;
  std::vector<uint8_t> fetch(const std::string& url);

  PictureAccess access_;
  std::unique_ptr<hub::HttpClient> client_;  ///< once it is needed
  std::chrono::steady_clock::time_point fetch_ends_;
};

}  // namespace zoo::streams
