// What Redis answers to a command.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zoo::brokers {

/// One answer of RESP2, a tree. Reading it as what it is not throws BrokerError, so that a server that answers
/// otherwise than documented is an error and no crash. Immutable once made: may be read by several threads.
class RedisReply {
 public:
  enum class Kind { kNil, kInteger, kText, kList, kError };

  RedisReply() = default;
  static RedisReply integer(int64_t value);
  static RedisReply text(std::string value);
  static RedisReply list(std::vector<RedisReply> items);
  /// "WRONGTYPE Operation against a key holding the wrong kind of value".
  static RedisReply error(std::string message);

  Kind kind() const { return kind_; }
  bool is_nil() const { return kind_ == Kind::kNil; }
  bool is_error() const { return kind_ == Kind::kError; }
  /// Of an error its first word, "WRONGTYPE"; empty for anything else.
  std::string_view error_code() const;
  /// Of an error the whole message; empty for anything else.
  std::string_view error_message() const;

  int64_t as_integer() const;
  const std::string& as_text() const;
  const std::vector<RedisReply>& as_list() const;
  /// The list's item. Throws where the list is shorter.
  const RedisReply& at(size_t index) const;
  /// What follows `name` in a list of names and values, as XINFO and HELLO answer; null where there is no such name.
  const RedisReply* find(std::string_view name) const;

 private:
  Kind kind_ = Kind::kNil;
  int64_t integer_ = 0;
  std::string text_;
  std::vector<RedisReply> items_;
};

/// "a list of 3", "an integer": for messages.
std::string describe(const RedisReply& reply);

}  // namespace zoo::brokers
