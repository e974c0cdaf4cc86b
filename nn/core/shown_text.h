// Text from outside as messages show it: names in files, file names, addresses. Error puts every message through both
// functions; whoever writes such text elsewhere (results for a person, log lines, file names) calls them himself.
// Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace zoo {

/// One line of valid UTF-8 that a terminal only shows: control characters, line breaks, bytes outside UTF-8, and the
/// characters that reorder or hide what follows (bidirectional controls, U+2028, U+2029, U+FEFF) become escapes such as
/// `\n`, `\x1b`, `\u202e`. Text that is printable already comes back as it is.
std::string printable(std::string_view text);
/// The same with line feeds and tabs left in.
std::string printable_lines(std::string_view text);
/// printable() of the first `max_bytes` or a little more, then "..." if that is not all.
std::string shortened(std::string_view text, size_t max_bytes = 120);

/// `text` with `***` in place of passwords and tokens:
///   rtsp://admin:***@host/path      of what stands before the "@" of an address all but the user's name; without a
///                                   colon all of it, as that may be a token
///   ?token=***&user-pw=***          values whose names say that they are secret (token, password, pwd, pw, secret,
///                                   signature, credential, API keys), in addresses also key, pass, auth and sig
///   Authorization: Bearer ***
/// Where it cannot be told what is secret, too much is hidden rather than too little.
std::string without_secrets(std::string_view text);

}  // namespace zoo
