#include "serve/inference/content_coding.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <zlib.h>

#include <fmt/format.h>

#include "nn/core/shown_text.h"
#include "serve/http/letter_case.h"
#include "serve/inference/inference_service.h"

namespace zoo::serve {
namespace {

constexpr int kGzipOrZlib = 15 + 32;  // zlib.h, inflateInit2: largest window, the head decides
constexpr size_t kFirstBlock = 65'536;

struct InflateEnd {
  void operator()(z_stream* stream) const {
    inflateEnd(stream);
    delete stream;
  }
};

}  // namespace

ContentCoding content_coding_of(std::string_view header) {
  const auto is = [header](std::string_view name) { return equal_ignoring_case(header, name); };
  if (header.empty() || is("identity")) return ContentCoding::kIdentity;
  if (is("gzip") || is("x-gzip") || is("deflate")) return ContentCoding::kDeflated;
  throw_infer_error(415,
                    fmt::format("Content-Encoding \"{}\" is not read; send gzip, deflate or none", shortened(header)));
}

std::string inflated(std::string_view bytes, size_t max_bytes) {
  const std::unique_ptr<z_stream, InflateEnd> stream(new z_stream{});
  if (bytes.size() > std::numeric_limits<uInt>::max()) throw_infer_error(413, "the compressed body is too large");
  stream->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib does not write there
  stream->avail_in = static_cast<uInt>(bytes.size());
  if (inflateInit2(stream.get(), kGzipOrZlib) != Z_OK) throw_infer_error(503, "out of memory; try again later");
  std::string result;
  size_t size = 0;
  int state = Z_OK;
  while (state == Z_OK) {
    if (size == result.size()) {
      if (size > max_bytes) throw_infer_error(413, fmt::format("the inflated body has more than {} bytes", max_bytes));
      result.resize(std::min(max_bytes + 1, std::max(2 * size, kFirstBlock)));
    }
    const size_t room = std::min<size_t>(result.size() - size, std::numeric_limits<uInt>::max());
    stream->next_out = reinterpret_cast<Bytef*>(result.data() + size);
    stream->avail_out = static_cast<uInt>(room);
    state = inflate(stream.get(), Z_NO_FLUSH);
    size += room - stream->avail_out;
  }
  if (state == Z_BUF_ERROR) throw_infer_error(400, "the compressed body ends too early");
  if (state != Z_STREAM_END)
    throw_infer_error(400, "the body is not what its Content-Encoding says: it cannot be inflated");
  if (stream->avail_in > 0)
    throw_infer_error(400, fmt::format("{} bytes follow the compressed body", stream->avail_in));
  if (size > max_bytes) throw_infer_error(413, fmt::format("the inflated body has more than {} bytes", max_bytes));
  result.resize(size);
  return result;
}

}  // namespace zoo::serve
