#include "brokers/redis_errors.h"

#include <algorithm>
#include <array>

namespace zoo::brokers {
namespace {

struct Advice {
  std::string_view code;
  std::string_view way_out;
  bool transient;
};

// https://redis.io/docs/reference/protocol-spec, src/server.c (shared.*err) of Redis 7.0.
constexpr std::array kAdvice = {
    Advice{"NOAUTH",
           "the server wants a password: put it into the address (redis://:PASSWORD@HOST), a file or the variable "
           "REDIS_PASSWORD",
           false},
    Advice{"WRONGPASS",
           "user or password are wrong: see the address (redis://USER:PASSWORD@HOST), the password's file or the "
           "variable REDIS_PASSWORD",
           false},
    Advice{"NOPERM", "give the user these rights (ACL SETUSER USER +@stream +@transaction ~KEY), or name another user",
           false},
    Advice{"WRONGTYPE", "the key holds something else than a stream: name another one, or DEL it", false},
    Advice{"NOGROUP", "the stream or its group was deleted: XGROUP CREATE STREAM GROUP $ MKSTREAM makes it anew", true},
    Advice{"OOM", "the server is full (maxmemory): trim its streams (MAXLEN), or give it more memory", true},
    Advice{"LOADING", "the server is starting", true},
    Advice{"BUSY", "a script keeps the server busy (SCRIPT KILL ends it)", true},
    Advice{"READONLY", "this server is a replica: name the primary", true},
    Advice{"MASTERDOWN", "this replica has lost its primary", true},
    Advice{"CLUSTERDOWN", "the cluster is not whole", true},
    Advice{"TRYAGAIN", "the cluster moves keys", true},
    Advice{"MOVED", "the key lives on another server of this cluster: name that server", false},
    Advice{"ASK", "the cluster moves the key to another server: name that server", true},
    Advice{"CROSSSLOT", "in a cluster the streams of one job need one hash tag in braces: {cam}.jobs, {cam}.results",
           false},
    Advice{"MISCONF", "the server cannot write its snapshots to its disk: see its log", true},
    Advice{"NOREPLICAS", "too few replicas are connected (min-replicas-to-write)", true},
    Advice{"NOTBUSY", "", true},
    Advice{"EXECABORT", "", true},
};

}  // namespace

RedisAdvice advice_for(const RedisReply& error) {
  const auto found = std::ranges::find(kAdvice, error.error_code(), &Advice::code);
  if (found != kAdvice.end()) return {std::string(found->way_out), found->transient};
  const std::string_view message = error.error_message();
  if (message.find("max number of clients") != std::string_view::npos) {
    return {"raise maxclients, or end other clients", true};
  }
  if (message.find("without any password configured") != std::string_view::npos) {
    return {"the server has no password: leave it out of the address, or set one (requirepass)", false};
  }
  if (message.find("DB index is out of range") != std::string_view::npos) {
    return {"the server has fewer databases (databases 16 in its configuration): name another one", false};
  }
  if (message.find("unknown command") != std::string_view::npos) {
    return {"Redis 6.2 or later is needed, or the server has renamed the command", false};
  }
  if (message.find("equal or smaller than the target stream top item") != std::string_view::npos) {
    return {"the stream holds entries with ids from the future: set the servers' clocks, or let Redis make the ids (*)",
            false};
  }
  return {};
}

}  // namespace zoo::brokers
