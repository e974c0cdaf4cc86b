#include "pipeline/video/ffmpeg/open_problem.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <netdb.h>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/parse_number.h"
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

/// Whether a file is a text that names addresses of the network, as a playlist does.
bool names_network(const std::string& file) {
  constexpr size_t kMostBytes = size_t{1} << 16;
  std::ifstream stream(file, std::ios::binary);
  std::string text(kMostBytes, ' ');
  stream.read(text.data(), std::ssize(text));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.find('\0') != std::string::npos) return false;
  const bool playlist = text.starts_with("#EXTM3U") || text.starts_with("ffconcat") || text.starts_with("v=0");
  constexpr std::array<std::string_view, 5> kNetwork = {"http://", "https://", "rtsp://", "rtmp://", "IN IP"};
  return playlist && std::ranges::any_of(kNetwork, [&](auto word) { return text.find(word) != std::string::npos; });
}

std::string credentials_example(const Input& input) {
  return fmt::format("{}://USER:PASSWORD@{}/...", scheme_of(input.text), printable(host_of(input.text)));
}

bool has_right_port(const std::string& address) {
  const std::string port = port_of(address);
  return port.empty() || parse_number_in(port, 1, 65535).has_value();
}

struct Problem {
  LossCause cause;
  std::string text;
};

Problem of_address(int error, const Input& input, int64_t bytes) {
  const bool http = scheme_of(input.text).starts_with("http");
  switch (error) {
    case AVERROR_HTTP_UNAUTHORIZED:
      return {LossCause::kAuthentication,
              fmt::format("the server wants a user name and a password, and not other ones (401): {}",
                          credentials_example(input))};
    case AVERROR_HTTP_FORBIDDEN:
      return {LossCause::kAuthentication,
              "the server forbids it (403); ask whoever runs it for the right to read this address"};
    case AVERROR_HTTP_NOT_FOUND:
      return {LossCause::kNotFound, "the server has nothing at this address (404); check the path"};
    case AVERROR_HTTP_BAD_REQUEST:
    case AVERROR_HTTP_OTHER_4XX:
      return {LossCause::kOther,
              fmt::format("the server refuses the request ({}); check the address", error_text(error))};
    case AVERROR_HTTP_SERVER_ERROR:
      return {LossCause::kOther, "the server failed (5xx); its log says why"};
    case AVERROR(ECONNREFUSED):
      return {LossCause::kRefused,
              "connection refused: nothing listens there; check host and port, and that the server runs"};
    case AVERROR(ETIMEDOUT):
      return {LossCause::kTimeout, "the host does not answer; check the address and whether it is switched on"};
    case AVERROR(EHOSTUNREACH):
    case AVERROR(ENETUNREACH):
      return {LossCause::kNotFound, "there is no route to the host; check the network"};
    case AVERROR(ECONNRESET):
    case AVERROR(EPIPE):
    case AVERROR_EOF:
      return {LossCause::kEnded, "the peer closed the connection without sending a video; check port and path"};
    case AVERROR_PROTOCOL_NOT_FOUND:
      return {LossCause::kOther,
              fmt::format("this FFmpeg speaks no {}; `ffmpeg -protocols` lists what it does", scheme_of(input.text))};
    case AVERROR_INVALIDDATA:
      return {LossCause::kCodec, "what comes is not a video that FFmpeg knows; check the address, e.g. in a browser"};
    default:
      break;
  }
  if (error == AVERROR(EIO) && !knows_host(host_of(input.text))) {
    return {LossCause::kNotFound, fmt::format("the name {} is not known; check it and the name server (DNS)",
                                              printable(host_of(input.text)))};
  }
  if (error == AVERROR(EIO) && bytes > 0) {
    return {LossCause::kEnded,
            fmt::format("the connection broke off after {}; try again, or ask whoever runs the server",
                        counted(bytes, "byte"))};
  }
  if (error == AVERROR(EIO) && http) {
    return {LossCause::kNotFound,
            "the server sends no content for this address, or from one address to the next without end; check it, e.g. "
            "with `curl -LI`"};
  }
  if (error == AVERROR(EINVAL) && !has_right_port(input.text)) {
    return {LossCause::kOther, "its port is none: expected a number from 1 to 65535"};
  }
  if (error == AVERROR(EINVAL) && http) {
    return {LossCause::kOther,
            "it leads to an address of another kind, e.g. a file, which an address may not open; name that one itself"};
  }
  return {LossCause::kOther,
          fmt::format("FFmpeg cannot open this address ({}); check it and that the server runs", error_text(error))};
}

Problem of_file(int error, const Input& input) {
  if (input.kind == InputKind::kFile && names_network(input.text)) {
    return {LossCause::kOther, "it names an address, and a file may not open the network; give that address itself"};
  }
  if (error == AVERROR(EBUSY) || error == AVERROR(ENOMEM)) {
    return {LossCause::kCodec,
            "not a video that FFmpeg can open: it promises pictures that are too large, or is damaged"};
  }
  if (error == AVERROR_EOF) return {LossCause::kEnded, "nothing came before the end"};
  if (error == AVERROR_INVALIDDATA || error == AVERROR_PROTOCOL_NOT_FOUND || error == AVERROR(EINVAL)) {
    return {LossCause::kCodec, "not a video that FFmpeg can open (unknown format, truncated or damaged)"};
  }
  return {error == AVERROR(ENOENT) ? LossCause::kNotFound : LossCause::kOther, error_text(error)};
}

Problem problem_of(int error, const Input& input, const Interrupt& interrupt, const ReadOptions& options,
                   int64_t bytes) {
  if (interrupt.stopped()) return {LossCause::kOther, "stopped while it was being opened"};
  if (interrupt.late() && bytes > 0) {
    return {LossCause::kTimeout,
            fmt::format("only {} came within {}, too little to tell what it is; check that it sends a video, or wait "
                        "longer",
                        counted(bytes, "byte"), seconds_text(options.open_timeout))};
  }
  if (interrupt.late()) {
    return {LossCause::kTimeout, fmt::format("nothing came within {}; check that it sends, or wait longer",
                                             seconds_text(options.open_timeout))};
  }
  return input.kind == InputKind::kAddress ? of_address(error, input, bytes) : of_file(error, input);
}

}  // namespace

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{} s", std::chrono::duration<double>(time).count());
}

LossError open_problem(int error, const Input& input, const Interrupt& interrupt, const ReadOptions& options,
                       int64_t bytes) {
  const Problem problem = problem_of(error, input, interrupt, options, bytes);
  return {problem.cause, fmt::format("{}: {}", input.name, problem.text)};
}

LossCause cause_of_read_error(int error) {
  switch (error) {
    case 0:
    case AVERROR_EOF:
    case AVERROR(EIO):
    case AVERROR(EPIPE):
    case AVERROR(ECONNRESET):
      return LossCause::kEnded;
    case AVERROR(ETIMEDOUT):
      return LossCause::kTimeout;
    case AVERROR_INVALIDDATA:
      return LossCause::kCodec;
    default:
      return LossCause::kOther;
  }
}

}  // namespace zoo::ffmpeg
