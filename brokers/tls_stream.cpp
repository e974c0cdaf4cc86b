#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string>
#include <utility>

#include <climits>
#include <fmt/format.h>

#include "brokers/broker_error.h"
#include "brokers/byte_stream.h"

namespace zoo::brokers {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Free<SSL_free>>;

/// The first of OpenSSL's complaints of this thread; the rest is forgotten.
std::string openssl_problem() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the other side ended it";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : fmt::format("error {:x}", code);
}

// OpenSSL's own BIO of a socket writes without MSG_NOSIGNAL; this one hands on to a ByteStream, whose errors it keeps
// until OpenSSL's C code has been left.
struct Carrier {
  std::unique_ptr<ByteStream> stream;
  std::exception_ptr thrown;
};

template <typename Move>
int move_bytes(BIO* bio, int retry, const Move& move) {
  auto& carrier = *static_cast<Carrier*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  try {
    const size_t count = move(*carrier.stream);
    if (count > 0) return static_cast<int>(count);
    BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
  } catch (...) {
    carrier.thrown = std::current_exception();
  }
  return -1;
}

int bio_write(BIO* bio, const char* bytes, int count) {
  return move_bytes(bio, BIO_FLAGS_WRITE, [&](ByteStream& stream) {
    return stream.write_some({bytes, static_cast<size_t>(count)});
  });
}

int bio_read(BIO* bio, char* bytes, int count) {
  return move_bytes(bio, BIO_FLAGS_READ, [&](ByteStream& stream) {
    return stream.read_some({bytes, static_cast<size_t>(count)});
  });
}

long bio_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) { return command == BIO_CTRL_FLUSH; }

const BIO_METHOD* carrier_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "zoo");
    if (made != nullptr) {
      BIO_meth_set_write(made, bio_write);
      BIO_meth_set_read(made, bio_read);
      BIO_meth_set_ctrl(made, bio_control);
    }
    return made;
  }();
  return method;
}

class TlsStream : public ByteStream {
 public:
  TlsStream(std::unique_ptr<ByteStream> plain, const RedisAddress& address, const RedisOptions& options)
      : server_(address.server()), carrier_{std::move(plain), nullptr}, context_(SSL_CTX_new(TLS_client_method())) {
    if (!context_) fail("TLS cannot be initialised", false);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    // Part of a write may go; the rest is a view of bytes that have not moved.
    SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    const std::string& file = options.tls_ca_file;
    if (file.empty()) {
      SSL_CTX_set_default_verify_paths(context_.get());
    } else if (SSL_CTX_load_verify_locations(context_.get(), file.c_str(), nullptr) != 1) {
      throw BrokerError(fmt::format("{}: cannot be read as certificates in PEM form: {}", file, openssl_problem()),
                        false);
    }
    session_.reset(SSL_new(context_.get()));
    BIO* bio = carrier_method() == nullptr ? nullptr : BIO_new(carrier_method());
    if (!session_ || bio == nullptr) fail("TLS cannot be initialised", false);
    BIO_set_data(bio, &carrier_);
    BIO_set_init(bio, 1);
    SSL_set_bio(session_.get(), bio, bio);
    expect_name(address.host);
  }

  void shake_hands(const Deadline& deadline) {
    for (;;) {
      ERR_clear_error();
      const int result = SSL_connect(session_.get());
      if (result == 1) return;
      if (!may_go_on(result)) refuse_handshake();
      const bool reads = wants_ == Wants::kRead;
      wait_for(*this, reads, !reads, deadline,
               fmt::format("{}: TLS: no answer in time; does the server speak TLS on this port?", server_));
    }
  }

  size_t read_some(std::span<char> bytes) override {
    ERR_clear_error();
    const int count = SSL_read(session_.get(), bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), INT_MAX)));
    return checked(count);
  }
  size_t write_some(std::string_view bytes) override {
    ERR_clear_error();
    return checked(SSL_write(session_.get(), bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), INT_MAX))));
  }
  Wants wants() const override { return wants_; }
  int descriptor() const override { return carrier_.stream->descriptor(); }

 private:
  void expect_name(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    const bool is_ip =
        inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 || inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
    const bool set = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), host.c_str()) == 1
                           : SSL_set1_host(session_.get(), host.c_str()) == 1 &&
                                 SSL_ctrl(session_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                          const_cast<char*>(host.c_str())) == 1;  // OpenSSL only copies it
    if (!set) fail("TLS: the server's name cannot be checked", false);
  }

  /// Whether it is only a matter of waiting.
  bool may_go_on(int result) {
    if (carrier_.thrown) std::rethrow_exception(std::exchange(carrier_.thrown, nullptr));
    const int error = SSL_get_error(session_.get(), result);
    if (error == SSL_ERROR_WANT_READ) wants_ = Wants::kRead;
    if (error == SSL_ERROR_WANT_WRITE) wants_ = Wants::kWrite;
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }

  size_t checked(int count) {
    if (count > 0) return static_cast<size_t>(count);
    if (!may_go_on(count)) fail("TLS: the connection was lost", true);
    return 0;
  }

  [[noreturn]] void refuse_handshake() {
    const long verdict = SSL_get_verify_result(session_.get());
    if (verdict != X509_V_OK) {
      throw BrokerError(fmt::format("{}: TLS: the server's certificate is not trusted: {}; name its authority's "
                                    "certificate (--ca-file FILE, or SSL_CERT_FILE in the environment)",
                                    server_, X509_verify_cert_error_string(verdict)),
                        false);
    }
    fail("TLS: no agreement with the server; does it speak TLS on this port, does it want a certificate of the client?",
         true);
  }

  [[noreturn]] void fail(std::string_view what, bool transient) const {
    throw BrokerError(fmt::format("{}: {} ({})", server_, what, openssl_problem()), transient);
  }

  std::string server_;
  Carrier carrier_;
  Context context_;
  Session session_;
  Wants wants_ = Wants::kRead;
};

}  // namespace

std::unique_ptr<ByteStream> start_tls(std::unique_ptr<ByteStream> plain, const RedisAddress& address,
                                      const RedisOptions& options, const Deadline& deadline) {
  auto stream = std::make_unique<TlsStream>(std::move(plain), address, options);
  stream->shake_hands(deadline);
  return stream;
}

}  // namespace zoo::brokers
