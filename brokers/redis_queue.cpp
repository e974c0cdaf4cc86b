#include "brokers/redis_queue.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "brokers/redis_queue_replies.h"

namespace zoo::brokers {
namespace {

/// A claim looks at ten times so many pending entries as it takes; so many times at most, before it is for the next.
constexpr int kMostScans = 100;

// KEYS: queue, results, dead letters. ARGV: group, MAXLEN of results and of dead letters (0: none), whether to delete
// (1), this member, the number of answers; of each: kind, id, number of fields, fields. An error of XADD (full, of
// another type) ends it before the XACK. A dead letter carries at most 1,000 names and values of its entry: Lua's stack
// is limited.
constexpr const char* kAnswerScript = R"(
local done, at = {}, 7
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
      redis.call('XADD', unpack(add))
    end
    redis.call('XACK', KEYS[1], ARGV[1], id)
    if ARGV[4] == '1' then redis.call('XDEL', KEYS[1], id) end
    done[i] = 1
  end
  at = at + 3 + count
end
return done
)";

// KEYS: queue. ARGV: group, member. A member that is deleted takes what is pending for it along, so it is asked and
// deleted at once: another process of its name may read in between.
constexpr const char* kLeaveScript = R"(
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
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
                                              {"TIME"}};
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
  prepared_for_ = redis_.connections();
}

void RedisQueue::throw_error(const RedisReply& reply, const RedisCommand& command) {
  // Whoever deleted the group: the next call makes it anew.
  if (reply.error_code() == "NOGROUP" || reply.error_message().find("NOGROUP") != std::string_view::npos)
    prepared_for_ = 0;
  redis_.throw_error(reply, command);
}

RedisReply RedisQueue::command(const RedisCommand& command, std::chrono::milliseconds waits) {
  prepare();
  std::vector<RedisReply> replies = redis_.pipeline(std::span(&command, 1), waits);
  throw_error(replies.front(), command);
  return std::move(replies.front());
}

std::vector<QueueEntry> RedisQueue::read(int64_t count, std::chrono::milliseconds wait) {
  // BLOCK 0 would wait for ever.
  const auto block = std::max<int64_t>(1, wait.count());
  const RedisReply reply =
      command({"XREADGROUP", "GROUP", options_.group, options_.consumer, "COUNT", std::to_string(count), "BLOCK",
               std::to_string(block), "STREAMS", address().key, ">"},
              std::chrono::milliseconds(block));
  return reply.is_nil() ? std::vector<QueueEntry>() : entries_from(reply.at(0).at(1));
}

RedisQueue::Claimed RedisQueue::claim(std::chrono::milliseconds idle) {
  Claimed claimed;
  for (int i = 0; i < kMostScans; ++i) {
    const RedisReply reply = command({"XAUTOCLAIM", address().key, options_.group, options_.consumer,
                                      std::to_string(idle.count()), claim_cursor_, "COUNT", "1"});
    claim_cursor_ = reply.at(0).as_text();
    if (reply.as_list().size() > 2) claimed.lost += static_cast<int64_t>(reply.at(2).as_list().size());
    std::vector<QueueEntry> entries = entries_from(reply.at(1));
    if (!entries.empty()) {
      claimed.entry = std::move(entries.front());
      claimed.entry->deliveries = deliveries_of(claimed.entry->id);
      return claimed;
    }
    if (claim_cursor_ == "0-0") break;
  }
  return claimed;
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
  return done;
}

QueueState RedisQueue::state() {
  prepare();
  const std::string& stream = address().key;
  const std::vector<RedisCommand> commands = {{"XINFO", "STREAM", stream},
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
