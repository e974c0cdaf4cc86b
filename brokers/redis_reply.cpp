#include "brokers/redis_reply.h"

#include <utility>

#include <fmt/format.h>

#include "brokers/broker_error.h"
#include "nn/core/shown_text.h"

namespace zoo::brokers {
namespace {

[[noreturn]] void refuse(std::string_view expected, const RedisReply& found) {
  throw BrokerError(fmt::format("Redis answered {} where {} was expected; is this a Redis server of version 6.2 or "
                                "later?",
                                describe(found), expected),
                    false);
}

}  // namespace

RedisReply RedisReply::integer(int64_t value) {
  RedisReply reply;
  reply.kind_ = Kind::kInteger;
  reply.integer_ = value;
  return reply;
}

RedisReply RedisReply::text(std::string value) {
  RedisReply reply;
  reply.kind_ = Kind::kText;
  reply.text_ = std::move(value);
  return reply;
}

RedisReply RedisReply::list(std::vector<RedisReply> items) {
  RedisReply reply;
  reply.kind_ = Kind::kList;
  reply.items_ = std::move(items);
  return reply;
}

RedisReply RedisReply::error(std::string message) {
  RedisReply reply;
  reply.kind_ = Kind::kError;
  reply.text_ = std::move(message);
  return reply;
}

std::string_view RedisReply::error_code() const {
  const std::string_view message = error_message();
  return message.substr(0, message.find(' '));
}

std::string_view RedisReply::error_message() const { return is_error() ? std::string_view(text_) : std::string_view(); }

int64_t RedisReply::as_integer() const {
  if (kind_ != Kind::kInteger) refuse("an integer", *this);
  return integer_;
}

const std::string& RedisReply::as_text() const {
  if (kind_ != Kind::kText) refuse("a text", *this);
  return text_;
}

const std::vector<RedisReply>& RedisReply::as_list() const {
  if (kind_ != Kind::kList) refuse("a list", *this);
  return items_;
}

const RedisReply& RedisReply::at(size_t index) const {
  if (index >= as_list().size()) refuse(fmt::format("a list of at least {}", index + 1), *this);
  return items_[index];
}

const RedisReply* RedisReply::find(std::string_view name) const {
  const std::vector<RedisReply>& items = as_list();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind_ == Kind::kText && items[i].text_ == name) return &items[i + 1];
  }
  return nullptr;
}

std::string describe(const RedisReply& reply) {
  switch (reply.kind()) {
    case RedisReply::Kind::kNil:
      return "nothing";
    case RedisReply::Kind::kInteger:
      return fmt::format("the integer {}", reply.as_integer());
    case RedisReply::Kind::kText:
      return fmt::format("the text \"{}\"", shortened(reply.as_text(), 40));
    case RedisReply::Kind::kList:
      return fmt::format("a list of {}", reply.as_list().size());
    case RedisReply::Kind::kError:
      return fmt::format("the error \"{}\"", shortened(reply.error_message()));
  }
  return "something unknown";
}

}  // namespace zoo::brokers
