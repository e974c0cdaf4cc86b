#include "brokers/redis_queue_replies.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/parse_number.h"

namespace zoo::brokers {
namespace {

int64_t integer_of(const RedisReply& map, std::string_view name) {
  const RedisReply* value = map.find(name);
  return value == nullptr || value->is_nil() ? 0 : value->as_integer();
}

std::string text_of(const RedisReply& map, std::string_view name) {
  const RedisReply* value = map.find(name);
  return value == nullptr || value->is_nil() ? std::string() : value->as_text();
}

}  // namespace

std::vector<QueueEntry> entries_from(const RedisReply& reply) {
  std::vector<QueueEntry> entries;
  for (const RedisReply& item : reply.as_list()) {
    if (item.is_nil() || item.at(1).is_nil()) continue;
    QueueEntry entry{.id = item.at(0).as_text(), .fields = {}};
    const std::vector<RedisReply>& fields = item.at(1).as_list();
    for (size_t i = 0; i + 1 < fields.size(); i += 2) {
      entry.fields.emplace_back(fields[i].as_text(), fields[i + 1].as_text());
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::pair<uint64_t, uint64_t> id_numbers(std::string_view id) {
  const size_t dash = id.find('-');
  const auto first = parse_number<uint64_t>(id.substr(0, dash));
  const auto second = dash == std::string_view::npos ? 0 : parse_number<uint64_t>(id.substr(dash + 1));
  if (!first || !second) return {0, 0};
  return {*first, *second};
}

StreamFigures stream_figures(const RedisReply& stream, const RedisReply& groups, const std::string& group) {
  StreamFigures figures;
  figures.length = integer_of(stream, "length");
  figures.added = integer_of(stream, "entries-added");
  figures.last_added = text_of(stream, "last-generated-id");
  if (const RedisReply* first = stream.find("first-entry"); first != nullptr && !first->is_nil()) {
    figures.first = first->at(0).as_text();
  }
  if (const RedisReply* last = stream.find("last-entry"); last != nullptr && !last->is_nil()) {
    figures.last = last->at(0).as_text();
  }
  const auto& all = groups.as_list();
  const auto ours = std::ranges::find_if(all, [&](const RedisReply& one) { return text_of(one, "name") == group; });
  if (ours == all.end()) throw BrokerError(fmt::format("the stream has no group {} any more", group), true);
  const RedisReply* read = ours->find("entries-read");
  if (read != nullptr && !read->is_nil()) figures.read = read->as_integer();
  figures.last_read = text_of(*ours, "last-delivered-id");
  figures.pending = integer_of(*ours, "pending");
  return figures;
}

int64_t dropped_of(const StreamFigures& figures, int64_t before) {
  if (!figures.read) return before;
  // Redis counts what was trimmed unread as not read for ever.
  const int64_t not_read = std::max<int64_t>(0, figures.added - *figures.read);
  if (id_numbers(figures.last_read) >= id_numbers(figures.last_added)) return not_read;
  if (*figures.read > 0 && id_numbers(figures.last_read) >= id_numbers(figures.last)) return not_read;
  const bool nothing_read_is_left = figures.first.empty() || id_numbers(figures.first) > id_numbers(figures.last_read);
  // Nothing read yet: what was trimmed before is not the group's loss.
  if (!nothing_read_is_left || *figures.read == 0) return before;
  return std::max<int64_t>(0, not_read - figures.length);
}

int64_t waiting_of(const StreamFigures& figures, int64_t dropped) {
  if (id_numbers(figures.last_read) >= id_numbers(figures.last)) return 0;
  if (figures.read) return std::max<int64_t>(1, figures.added - *figures.read - dropped);
  return std::max<int64_t>(1, figures.length - figures.pending);
}

}  // namespace zoo::brokers
