// Which protocols of FFmpeg an address may use: those of its scheme, so that neither a redirection nor a playlist leads
// elsewhere.
#pragma once

#include <string>
#include <string_view>

namespace zoo::ffmpeg {

/// What a file, and a playlist in it, may open.
inline constexpr const char* kFileProtocols = "file,crypto";

struct Protocols {
  std::string_view scheme;
  const char* allowed;  ///< comma-separated, as libav takes it
  bool live;            ///< always; of the others the answer tells
};

/// By an address's scheme, in any case of letters. Throws IoError for one that is none of ours; `name` is what the
/// message calls the address.
const Protocols& protocols_of(std::string_view address, std::string_view name);

/// "http" of "HTTP://host/".
std::string scheme_of(std::string_view address);
/// "host" of "http://user:password@host:80/path"; without the brackets of an IPv6 address.
std::string host_of(std::string_view address);
/// "80" of the same; empty where there is none. May be part of a password that is written as none may be: never shown.
std::string port_of(std::string_view address);

}  // namespace zoo::ffmpeg
