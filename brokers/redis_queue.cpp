#include "brokers/redis_queue.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "brokers/redis_queue_replies.h"
#include "nn/core/counted.h"
#include "nn/core/shown_text.h"

namespace zoo::brokers {
namespace {

/// A claim looks at ten times so many pending entries as it takes; so many times at most, before it is for the next.
constexpr int kMostScans = 100;

// KEYS: queue, results, dead letters. ARGV: group, MAXLEN of results and of dead letters (0: none), whether to delete
// (1), this member, the number of answers; of each: kind, id, number of fields, fields. An error of XADD (full, of
// another type) ends it before the XACK. Behind the answers it yields how many dead letters were trimmed. A dead letter
// carries at most 1,000 names and values of its entry: Lua's stack is limited.
constexpr const char* kAnswerScript = R"(
local done, at, trimmed = {}, 7, 0
for i = 1, tonumber(ARGV[6]) do
  local kind, id, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  done[i] = 0
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1)
  if #pending > 0 and kind == 'leave' then
    if pending[1][2] == ARGV[5] then
      redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[5], 0, id, 'RETRYCOUNT', ARGV[at + 3], 'JUSTID')
      done[i] = 1
    end
  elseif #pending > 0 then
    if kind ~= 'drop' then
      local dead = kind == 'dead'
      local most = dead and ARGV[3] or ARGV[2]
      local add = {dead and KEYS[3] or KEYS[2]}
      if most ~= '0' then add[2], add[3], add[4] = 'MAXLEN', '~', most end
      add[#add + 1] = '*'
      for j = 1, count do add[#add + 1] = ARGV[at + 2 + j] end
      if dead then
        local entry = redis.call('XRANGE', KEYS[1], id, id)
        if #entry > 0 then
          for j = 1, math.min(#entry[1][2], 1000) do add[#add + 1] = entry[1][2][j] end
        end
      end
      local before = dead and most ~= '0' and redis.call('XLEN', KEYS[3])
      redis.call('XADD', unpack(add))
      if before then trimmed = trimmed + before + 1 - redis.call('XLEN', KEYS[3]) end
    end
    redis.call('XACK', KEYS[1], ARGV[1], id)
    if ARGV[4] == '1' then redis.call('XDEL', KEYS[1], id) end
    done[i] = 1
  end
  at = at + 3 + count
end
done[#done + 1] = trimmed
return done
)";

// KEYS: queue. ARGV: group, member. A member that is deleted takes what is pending for it along, so it is asked and
// deleted at once: another process of its name may read in between.
constexpr const char* kLeaveScript = R"(
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
)";

// KEYS: queue. XINFO STREAM without the pictures of the two entries that it would send along: of both their ids.
constexpr const char* kStreamScript = R"(
local all, kept = redis.call('XINFO', 'STREAM', KEYS[1]), {}
for i = 1, #all, 2 do
  local value = all[i + 1]
  if (all[i] == 'first-entry' or all[i] == 'last-entry') and value then value = {value[1]} end
  kept[#kept + 1] = all[i]
  kept[#kept + 1] = value
end
return kept
)";

const char* word_of(QueueAnswer::Kind kind) {
  switch (kind) {
    case QueueAnswer::Kind::kAnswer:
      return "answer";
    case QueueAnswer::Kind::kDead:
      return "dead";
    case QueueAnswer::Kind::kLeave:
      return "leave";
    case QueueAnswer::Kind::kDrop:
      break;
  }
  return "drop";
}

int64_t milliseconds_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

const std::string* QueueEntry::find(std::string_view name) const {
  const auto found = std::ranges::find(fields, name, [](const auto& field) { return std::string_view(field.first); });
  return found == fields.end() ? nullptr : &found->second;
}

int64_t QueueEntry::added_ms() const { return static_cast<int64_t>(id_numbers(id).first); }

RedisQueue::RedisQueue(RedisAddress address, RedisQueueOptions options)
    : options_(std::move(options)), redis_(std::move(address), options_.redis) {}

void RedisQueue::prepare() {
  redis_.connect();
  if (prepared_for_ == redis_.connections()) return;
  const std::vector<RedisCommand> commands = {{"XGROUP", "CREATE", address().key, options_.group, "0", "MKSTREAM"},
                                              {"TIME"},
                                              {"XLEN", options_.results},
                                              {"XLEN", options_.dead}};
  const std::vector<RedisReply> replies = redis_.pipeline(commands);
  // Who may not make groups may work in one that is there.
  const std::string_view code = replies[0].error_code();
  if (code != "BUSYGROUP" && code != "NOPERM") redis_.throw_error(replies[0], commands[0]);
  if (!replies[1].is_error()) {
    const auto number = [&](size_t index) {
      return static_cast<int64_t>(id_numbers(replies[1].at(index).as_text()).first);
    };
    clock_difference_ms_ = number(0) * 1000 + number(1) / 1000 - milliseconds_now();
  }
  // Before an entry is worked on in vain.
  for (const size_t i : {2U, 3U}) {
    if (replies[i].error_code() == "WRONGTYPE") redis_.throw_error(replies[i], commands[i]);
  }
  prepared_for_ = redis_.connections();
}

void RedisQueue::throw_error(const RedisReply& reply, const RedisCommand& command) {
  // Whoever deleted the group: the next call makes it anew.
  if (reply.error_code() == "NOGROUP" || reply.error_message().find("NOGROUP") != std::string_view::npos)
    prepared_for_ = 0;
  redis_.throw_error(reply, command);
}

RedisReply RedisQueue::command(const RedisCommand& command, const RedisCall& call) {
  prepare();
  std::vector<RedisReply> replies = redis_.pipeline(std::span(&command, 1), call);
  throw_error(replies.front(), command);
  return std::move(replies.front());
}

size_t RedisQueue::max_reply_bytes(int64_t entries) const {
  const size_t one = options_.max_entry_bytes;
  if (one == 0) return options_.redis.max_reply_bytes;
  const size_t most = std::max(one, options_.redis.max_reply_bytes);
  return static_cast<size_t>(entries) > most / one ? most : one * static_cast<size_t>(entries);
}

std::vector<QueueEntry> RedisQueue::read(int64_t count, std::chrono::milliseconds wait) {
  // BLOCK 0 would wait for ever.
  const auto block = std::max<int64_t>(1, wait.count());
  const RedisCall call{.waits = std::chrono::milliseconds(block), .max_reply_bytes = max_reply_bytes(count)};
  try {
    const RedisReply reply =
        command({"XREADGROUP", "GROUP", options_.group, options_.consumer, "COUNT", std::to_string(count), "BLOCK",
                 std::to_string(block), "STREAMS", address().key, ">"},
                call);
    return reply.is_nil() ? std::vector<QueueEntry>() : entries_from(reply.at(0).at(1));
  } catch (const ReplyTooLarge&) {
    throw ReplyTooLarge(fmt::format(
        "{}: up to {} of {} had more than {} MB together: they are taken one at a time later (--claim-after), "
        "and one that has more than --max-bytes allows is a dead letter",
        address().server(), counted(count, "entry"), printable(address().key), call.max_reply_bytes >> 20U));
  }
}

RedisQueue::Claimed RedisQueue::claim(std::chrono::milliseconds idle) {
  Claimed claimed;
  for (int i = 0; i < kMostScans; ++i) {
    const RedisReply reply = command({"XAUTOCLAIM", address().key, options_.group, options_.consumer,
                                      std::to_string(idle.count()), claim_cursor_, "COUNT", "1", "JUSTID"});
    claim_cursor_ = reply.at(0).as_text();
    if (reply.as_list().size() > 2) claimed.lost += static_cast<int64_t>(reply.at(2).as_list().size());
    const std::vector<RedisReply>& ids = reply.at(1).as_list();
    if (!ids.empty()) claimed.entry = take_claimed(ids.front().as_text());
    if (claimed.entry || claim_cursor_ == "0-0") break;
  }
  return claimed;
}

// Its id is known by now, so that one that is too large is not claimed in vain for ever. This is what counts the
// delivery, as JUSTID does not. Nothing where another member has done it just now.
std::optional<QueueEntry> RedisQueue::take_claimed(const std::string& id) {
  QueueEntry entry{.id = id, .fields = {}};
  try {
    std::vector<QueueEntry> entries =
        entries_from(command({"XCLAIM", address().key, options_.group, options_.consumer, "0", id},
                             {.max_reply_bytes = max_reply_bytes(1)}));
    if (entries.empty()) return std::nullopt;
    entry = std::move(entries.front());
  } catch (const ReplyTooLarge&) {
    entry.too_large = true;
  }
  entry.deliveries = deliveries_of(id);
  return entry;
}

int64_t RedisQueue::deliveries_of(const std::string& id) {
  const RedisReply pending = command({"XPENDING", address().key, options_.group, id, id, "1"});
  // Another member has done it just now.
  return pending.as_list().empty() ? 1 : pending.at(0).at(3).as_integer();
}

std::vector<bool> RedisQueue::answer(std::span<const QueueAnswer> answers) {
  if (answers.empty()) return {};
  RedisCommand script = {"EVAL",
                         kAnswerScript,
                         "3",
                         address().key,
                         options_.results,
                         options_.dead,
                         options_.group,
                         std::to_string(options_.max_results),
                         std::to_string(options_.max_dead),
                         options_.delete_done ? "1" : "0",
                         options_.consumer,
                         std::to_string(answers.size())};
  for (const QueueAnswer& one : answers) {
    script.insert(script.end(), {word_of(one.kind), one.id, std::to_string(one.fields.size())});
    script.insert(script.end(), one.fields.begin(), one.fields.end());
  }
  const RedisReply reply = command(script);
  std::vector<bool> done;
  for (size_t i = 0; i < answers.size(); ++i) done.push_back(reply.at(i).as_integer() == 1);
  dead_trimmed_ += reply.at(answers.size()).as_integer();
  return done;
}

QueueState RedisQueue::state() {
  prepare();
  const std::string& stream = address().key;
  const std::vector<RedisCommand> commands = {{"EVAL", kStreamScript, "1", stream},
                                              {"XINFO", "GROUPS", stream},
                                              {"XPENDING", stream, options_.group},
                                              {"XLEN", options_.results},
                                              {"XLEN", options_.dead}};
  const std::vector<RedisReply> replies = redis_.pipeline(commands);
  for (size_t i = 0; i < commands.size(); ++i) throw_error(replies[i], commands[i]);
  const StreamFigures figures = stream_figures(replies[0], replies[1], options_.group);
  dropped_ = dropped_of(figures, dropped_);
  QueueState state{.length = figures.length,
                   .waiting = waiting_of(figures, dropped_),
                   .pending = figures.pending,
                   .dropped = dropped_,
                   .results = replies[3].as_integer(),
                   .dead = replies[4].as_integer(),
                   .oldest_pending = std::nullopt};
  if (figures.pending > 0 && !replies[2].at(1).is_nil()) {
    const auto added = static_cast<int64_t>(id_numbers(replies[2].at(1).as_text()).first);
    state.oldest_pending = std::chrono::milliseconds(std::max<int64_t>(0, server_time_ms() - added));
  }
  return state;
}

int64_t RedisQueue::server_time_ms() const { return milliseconds_now() + clock_difference_ms_; }

void RedisQueue::leave() { command({"EVAL", kLeaveScript, "1", address().key, options_.group, options_.consumer}); }

}  // namespace zoo::brokers
