// RESP through hiredis, which formats commands and reads answers; the bytes are moved here, so that every wait has an
// end and TLS needs no hiredis_ssl, which Debian 12 lacks. The module of brokers/.
#include <array>
#include <cstring>
#include <functional>
#include <hiredis/hiredis.h>
#include <memory>
#include <new>
#include <utility>

#include <fmt/format.h>

#include "brokers/broker_error.h"
#include "brokers/byte_stream.h"
#include "brokers/redis_module.h"

namespace zoo::brokers {
namespace {

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};
struct FreeReply {
  void operator()(void* reply) const { freeReplyObject(reply); }
};
using Reader = std::unique_ptr<redisReader, FreeReader>;
using RawReply = std::unique_ptr<void, FreeReply>;

/// The buffer stays, as pictures fill it again and again, but not one of a few large ones.
constexpr size_t kKeptBuffer = size_t{16} << 20U;
/// hiredis allocates what the length of a list announces; a list of more is no answer to what we ask.
constexpr size_t kMaxItems = size_t{1} << 20U;

/// hiredis' own functions, with lists up to kMaxItems. The type of a list's length differs between its versions.
template <typename Length>
struct Limited {
  static redisReplyObjectFunctions& functions() {
    static redisReplyObjectFunctions instance{};
    return instance;
  }
  static void* (*&made_by())(const redisReadTask*, Length) {
    static void* (*function)(const redisReadTask*, Length) = nullptr;
    return function;
  }
  static void* create(const redisReadTask* task, Length length) {
    return static_cast<size_t>(length) > kMaxItems ? nullptr : made_by()(task, length);
  }
};

template <typename Length>
redisReplyObjectFunctions* limit_lists(redisReplyObjectFunctions own, void* (*make)(const redisReadTask*, Length)) {
  static redisReplyObjectFunctions* const limited = [&] {
    Limited<Length>::made_by() = make;
    own.createArray = Limited<Length>::create;
    Limited<Length>::functions() = own;
    return &Limited<Length>::functions();
  }();
  return limited;
}

Reader new_reader() {
  Reader reader(redisReaderCreate());
  if (!reader) throw std::bad_alloc();
  reader->fn = limit_lists(*reader->fn, reader->fn->createArray);
  reader->maxbuf = kKeptBuffer;
  return reader;
}

std::string format(const RedisCommand& command) {
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  for (const std::string& argument : command) {
    texts.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  char* text = nullptr;
  const int size = redisFormatCommandArgv(&text, static_cast<int>(command.size()), texts.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  std::string result(text, static_cast<size_t>(size));
  redisFreeCommand(text);
  return result;
}

RedisReply converted(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return RedisReply::integer(reply.integer);
    case REDIS_REPLY_ERROR:
      return RedisReply::error({reply.str, static_cast<size_t>(reply.len)});
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_STRING:
      return RedisReply::text({reply.str, static_cast<size_t>(reply.len)});
    case REDIS_REPLY_ARRAY: {
      std::vector<RedisReply> items;
      items.reserve(reply.elements);
      for (size_t i = 0; i < reply.elements; ++i) items.push_back(converted(*reply.element[i]));
      return RedisReply::list(std::move(items));
    }
    default:
      return {};
  }
}

class HiredisConnection : public RedisConnection {
 public:
  HiredisConnection(std::unique_ptr<ByteStream> stream, std::string server,
                    std::function<std::chrono::steady_clock::time_point()> must_end)
      : stream_(std::move(stream)),
        server_(std::move(server)),
        must_end_(std::move(must_end)),
        reader_(new_reader()),
        bytes_(size_t{64} << 10U) {}

  std::vector<RedisReply> exchange(std::span<const RedisCommand> commands, std::chrono::milliseconds timeout,
                                   size_t max_reply_bytes) override {
    const Deadline deadline(timeout, must_end_);
    std::string out;
    for (const RedisCommand& command : commands) out += format(command);
    std::string_view unsent = out;
    std::vector<RedisReply> replies;
    max_reply_bytes_ = unread_bytes_ = max_reply_bytes;
    while (replies.size() < commands.size()) {
      if (!unsent.empty()) unsent.remove_prefix(stream_->write_some(unsent));
      const bool wrote_all = unsent.empty();
      // A server whose answers nobody takes stops taking commands.
      const bool read = read_some();
      take_replies(replies, commands.size());
      if (replies.size() == commands.size() || read) continue;
      const auto seconds = std::chrono::duration<double>(timeout).count();
      const bool writes = !wrote_all || stream_->wants() == Wants::kWrite;
      wait_for(*stream_, true, writes, deadline,
               fmt::format("{}: {} within {:g} s", server_,
                           wrote_all ? "no complete answer" : "the server did not take the commands", seconds));
    }
    if (!unsent.empty()) refuse("it answered before it was asked");
    return replies;
  }

 private:
  bool read_some() {
    const size_t count = stream_->read_some(bytes_);
    if (count == 0) return false;
    if (count > unread_bytes_) {
      throw ReplyTooLarge(
          fmt::format("{}: its answers are larger than {} MB, so it is not listened to further; is it Redis?", server_,
                      max_reply_bytes_ >> 20U));
    }
    unread_bytes_ -= count;
    if (redisReaderFeed(reader_.get(), bytes_.data(), count) != REDIS_OK) refuse(reader_->errstr);
    return true;
  }

  void take_replies(std::vector<RedisReply>& replies, size_t wanted) {
    for (;;) {
      void* raw = nullptr;
      if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) refuse(reader_->errstr);
      if (raw == nullptr) return;
      const RawReply owned(raw);
      if (replies.size() == wanted) refuse("it answered more than it was asked");
      replies.push_back(converted(*static_cast<const redisReply*>(raw)));
    }
  }

  [[noreturn]] void refuse(std::string_view problem) const {
    throw BrokerError(
        fmt::format("{}: what answers does not speak as Redis does ({}); are address and port right, is it "
                    "rediss:// for TLS?",
                    server_, problem),
        true);
  }

  std::unique_ptr<ByteStream> stream_;
  std::string server_;
  std::function<std::chrono::steady_clock::time_point()> must_end_;
  size_t max_reply_bytes_ = 0;
  size_t unread_bytes_ = 0;  ///< that the answers may still have
  Reader reader_;
  std::vector<char> bytes_;
};

std::unique_ptr<RedisConnection> connect(const RedisAddress& address, const RedisOptions& options) {
  const Deadline deadline(options.connect_timeout, options.must_end);
  std::unique_ptr<ByteStream> stream = connect_tcp(address, deadline);
  if (address.tls) stream = start_tls(std::move(stream), address, options, deadline);
  return std::make_unique<HiredisConnection>(std::move(stream), address.server(), options.must_end);
}

}  // namespace
}  // namespace zoo::brokers

extern "C" [[gnu::visibility("default")]] const zoo::brokers::RedisModule* zoo_module_redis() {
  static constexpr zoo::brokers::RedisModule kModule = {zoo::brokers::connect};
  return &kModule;
}
