#include "hub/digest.h"

#include <array>
#include <cstddef>
#include <fstream>
#include <memory>
#include <openssl/evp.h>
#include <vector>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::hub {
namespace {

constexpr size_t kChunkBytes = 1U << 20U;

class Digest {
 public:
  explicit Digest(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new()) {
    check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), algorithm, nullptr) == 1);
  }

  void update(std::string_view bytes) { check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1); }

  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
    std::string text;
    for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  static void check(bool succeeded) {
    if (!succeeded) throw Error("OpenSSL cannot compute a hash");
  }

  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

std::string_view to_string(HashKind kind) { return kind == HashKind::kSha256 ? "SHA-256" : "git SHA-1"; }

std::string hash_file(const std::filesystem::path& file, HashKind kind) {
  std::ifstream stream(file, std::ios::binary);
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (!stream || error) throw IoError(fmt::format("{}: cannot be read", file.string()));
  Digest digest(kind == HashKind::kSha256 ? EVP_sha256() : EVP_sha1());
  if (kind == HashKind::kGitBlob) {
    digest.update(fmt::format("blob {}", size));
    digest.update(std::string_view("\0", 1));
  }
  std::vector<char> chunk(kChunkBytes);
  while (stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || stream.gcount() > 0) {
    digest.update({chunk.data(), static_cast<size_t>(stream.gcount())});
  }
  if (!stream.eof()) throw IoError(fmt::format("{}: cannot be read", file.string()));
  return digest.hex();
}

std::string hash_text(std::string_view text) {
  Digest digest(EVP_sha256());
  digest.update(text);
  return digest.hex();
}

}  // namespace zoo::hub
