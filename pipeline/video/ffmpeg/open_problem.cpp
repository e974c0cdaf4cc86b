#include "pipeline/video/ffmpeg/open_problem.h"

#include <cerrno>
#include <memory>
#include <netdb.h>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "pipeline/video/ffmpeg/av_error.h"
#include "pipeline/video/ffmpeg/protocols.h"

namespace zoo::ffmpeg {
namespace {

/// libav says no more than "input/output error" where a name is unknown.
bool knows_host(const std::string& host) {
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), nullptr, nullptr, &found);
  if (status != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> cleanup(found, &freeaddrinfo);
  return true;
}

std::string credentials_example(const Input& input) {
  return fmt::format("{}://USER:PASSWORD@{}/...", scheme_of(input.text), printable(host_of(input.text)));
}

std::string of_address(int error, const Input& input) {
  switch (error) {
    case AVERROR_HTTP_UNAUTHORIZED:
      return fmt::format("the server wants a user name and a password, and not other ones (401): {}",
                         credentials_example(input));
    case AVERROR_HTTP_FORBIDDEN:
      return "the server forbids it (403); ask whoever runs it for the right to read this address";
    case AVERROR_HTTP_NOT_FOUND:
      return "the server has nothing at this address (404); check the path";
    case AVERROR_HTTP_BAD_REQUEST:
    case AVERROR_HTTP_OTHER_4XX:
      return fmt::format("the server refuses the request ({}); check the address", error_text(error));
    case AVERROR_HTTP_SERVER_ERROR:
      return "the server failed (5xx); its log says why";
    case AVERROR(ECONNREFUSED):
      return "connection refused: nothing listens there; check host and port, and that the server runs";
    case AVERROR(ETIMEDOUT):
      return "the host does not answer; check the address and whether it is switched on";
    case AVERROR(EHOSTUNREACH):
    case AVERROR(ENETUNREACH):
      return "there is no route to the host; check the network";
    case AVERROR(ECONNRESET):
    case AVERROR(EPIPE):
    case AVERROR_EOF:
      return "the peer closed the connection without sending a video; check port and path";
    case AVERROR_PROTOCOL_NOT_FOUND:
      return fmt::format("this FFmpeg speaks no {}; `ffmpeg -protocols` lists what it does", scheme_of(input.text));
    case AVERROR_INVALIDDATA:
      return "what comes is not a video that FFmpeg knows; check the address, e.g. in a browser";
    default:
      break;
  }
  if (error == AVERROR(EIO) && !knows_host(host_of(input.text))) {
    return fmt::format("the name {} is not known; check it and the name server (DNS)", printable(host_of(input.text)));
  }
  return fmt::format("FFmpeg cannot open this address ({}); check it and that the server runs", error_text(error));
}

}  // namespace

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{} s", std::chrono::duration<double>(time).count());
}

std::string open_problem(int error, const Input& input, const Interrupt& interrupt, const ReadOptions& options,
                         int64_t bytes) {
  if (interrupt.stopped()) return fmt::format("{}: stopped while it was being opened", input.name);
  if (interrupt.late() && bytes > 0) {
    return fmt::format(
        "{}: only {} came within {}, too little to tell what it is; check that it sends a video, or wait "
        "longer",
        input.name, counted(bytes, "byte"), seconds_text(options.open_timeout));
  }
  if (interrupt.late()) {
    return fmt::format("{}: nothing came within {}; check that it sends, or wait longer", input.name,
                       seconds_text(options.open_timeout));
  }
  if (input.kind == InputKind::kAddress) return fmt::format("{}: {}", input.name, of_address(error, input));
  if (error == AVERROR_EOF) return fmt::format("{}: nothing came before the end", input.name);
  if (error == AVERROR_INVALIDDATA || error == AVERROR_PROTOCOL_NOT_FOUND || error == AVERROR(EINVAL)) {
    return fmt::format("{}: not a video that FFmpeg can open (unknown format, truncated or damaged)", input.name);
  }
  return fmt::format("{}: {}", input.name, error_text(error));
}

}  // namespace zoo::ffmpeg
