// Bodies that come compressed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace zoo::serve {

enum class ContentCoding {
  kIdentity,
  kDeflated,  ///< "gzip", "x-gzip", "deflate" (with zlib's head): which of them, the bytes say
};

/// Of a Content-Encoding header, "" if there is none. Throws InferError, 415, for what is not read.
ContentCoding content_coding_of(std::string_view header);

/// Throws InferError: 413 where there are more than `max_bytes`, of which no more than those are ever held; 400 where
/// the bytes are broken, cut off, or followed by others.
std::string inflated(std::string_view bytes, size_t max_bytes);

}  // namespace zoo::serve
