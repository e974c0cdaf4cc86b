// Hashes of files, to tell that what arrived is what was published.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace zoo::hub {

enum class HashKind {
  kSha256,
  kGitBlob,  ///< git's name of a file: SHA-1 of "blob SIZE", a zero byte and the content
};

/// "SHA-256", "git SHA-1".
std::string_view to_string(HashKind kind);

/// What a file should be.
struct ExpectedHash {
  HashKind kind = HashKind::kSha256;
  std::string hex;  ///< lower case; may be only the first digits
};

/// Hash of a file, lower-case hexadecimal. Throws IoError.
std::string hash_file(const std::filesystem::path& file, HashKind kind);
/// SHA-256 of a text, lower-case hexadecimal.
std::string hash_text(std::string_view text);

}  // namespace zoo::hub
