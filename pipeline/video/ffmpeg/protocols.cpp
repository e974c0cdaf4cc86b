#include "pipeline/video/ffmpeg/protocols.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::ffmpeg {
namespace {

constexpr const char* kHttp = "http,https,tcp,tls,httpproxy,crypto,data";
constexpr const char* kRtsp = "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy";
constexpr const char* kRtmp = "rtmp,rtmps,rtmpt,rtmpts,rtmpe,rtmpte,ffrtmpcrypt,ffrtmphttp,tcp,tls,http,https";

constexpr std::array<Protocols, 15> kProtocols = {{
    {"http", kHttp, false},
    {"https", kHttp, false},
    {"rtsp", kRtsp, true},
    {"rtsps", kRtsp, true},
    {"rtmp", kRtmp, true},
    {"rtmps", kRtmp, true},
    {"rtmpt", kRtmp, true},
    {"rtmpts", kRtmp, true},
    {"udp", "udp", true},
    {"rtp", "rtp,srtp,udp", true},
    {"srtp", "rtp,srtp,udp", true},
    {"srt", "srt", true},
    {"tcp", "tcp", true},
    {"ftp", "ftp,tcp", false},
    {"mmsh", "mmsh,http,tcp", true},
}};

/// Host and port.
std::string_view server_of(std::string_view address) {
  const size_t begin = address.find("://");
  std::string_view server = begin == std::string_view::npos ? address : address.substr(begin + 3);
  server = server.substr(0, server.find_first_of("/?#"));
  if (const size_t at = server.rfind('@'); at != std::string_view::npos) server.remove_prefix(at + 1);
  return server;
}

}  // namespace

std::string scheme_of(std::string_view address) {
  std::string scheme(address.substr(0, address.find("://")));
  std::ranges::transform(scheme, scheme.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return scheme;
}

std::string host_of(std::string_view address) {
  const std::string_view server = server_of(address);
  if (server.starts_with('[')) return std::string(server.substr(1, server.find(']') - 1));
  return std::string(server.substr(0, server.find(':')));
}

std::string port_of(std::string_view address) {
  std::string_view server = server_of(address);
  if (server.starts_with('[')) server.remove_prefix(std::min(server.find(']'), server.size()));
  const size_t colon = server.find(':');
  return colon == std::string_view::npos ? "" : std::string(server.substr(colon + 1));
}

const Protocols& protocols_of(std::string_view address, std::string_view name) {
  const std::string scheme = scheme_of(address);
  const auto* const found = std::ranges::find(kProtocols, scheme, &Protocols::scheme);
  if (found != kProtocols.end()) return *found;
  std::vector<std::string_view> known;
  for (const Protocols& protocols : kProtocols) known.push_back(protocols.scheme);
  throw IoError(fmt::format("{}: an address begins with {}, followed by ://; a file is written ./NAME", name,
                            fmt::join(known, ", ")));
}

}  // namespace zoo::ffmpeg
