#include "apps/queue_flags.h"

#include <array>
#include <chrono>
#include <cmath>
#include <random>
#include <set>
#include <unistd.h>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/number_check.h"
#include "apps/signals.h"
#include "brokers/shown_address.h"
#include "nn/core/shown_text.h"

namespace zoo::apps {
namespace {

constexpr double kMebi = 1'024.0 * 1'024.0;
constexpr double kMaxMebi = 512.0;
/// What an entry may have beside its picture.
constexpr size_t kBesidePicture = size_t{1} << 20U;
constexpr double kMaxMs = 86'400'000.0;
constexpr double kMaxSeconds = 86'400.0;
constexpr int64_t kMaxEntries = 1'000'000'000;
constexpr int64_t kMaxDeliveries = 1'000;

/// A password in the address would become part of a key.
void refuse_address(const char* flag, const std::string& name, const char* what) {
  const bool is_address =
      name.find("://") != std::string::npos || name.starts_with("redis:/") || without_secrets(name) != name;
  if (!is_address) return;
  throw UsageError(fmt::format("{} {}: is an address; give the name of a {} alone, on the server that --queue names",
                               flag, brokers::shown_address(name), what));
}

/// Another name in each process of a group. Host and process do not tell: every container may be process 1 of a host of
/// one name.
std::string own_name() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {"worker"};
  std::random_device random;
  return fmt::format("{}-{}-{:08x}", host.data(), getpid(), random());
}

BrokerLogin login_of(const brokers::RedisAddress& address) {
  return {.place = broker_place(address.host, address.port),
          .shown = address.shown(),
          .variable = kRedisPasswordVariable,
          .password = address.password};
}

}  // namespace

void QueueFlags::add_to(CLI::App& app) {
  app.add_option(
         "--queue", queue,
         "Where pictures come from: redis://HOST/STREAM, with USER:PASSWORD@ before and :PORT or /DATABASE after "
         "HOST where that is needed; rediss:// for TLS. The password also from --password-file, or "
         "REDIS_PASSWORD in the environment, which nobody else sees")
      ->required()
      ->type_name("ADDRESS");
  app.add_option("--group", group, "Workers of one group share the entries; it is made where it is missing")
      ->required()
      ->type_name("NAME");
  app.add_option("--results", results, "Stream of the answers, on the same server")->required()->type_name("STREAM");
  app.add_option("--dead", dead, "Stream of the entries that nobody can answer (default: STREAM of --queue and .dead)")
      ->type_name("STREAM");
  app.add_option("--consumer", consumer, "This worker's name in the group (default: HOST-PROCESS-CHANCE)")
      ->type_name("NAME");
  access.add_to(app);
  app.add_option("--max-results", max_results, "About how many answers are kept, the newest; 0: all")
      ->check(CLI::Range(int64_t{0}, kMaxEntries))
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--max-dead", max_dead, "The same of the dead letters; those that go are lost, and counted")
      ->check(CLI::Range(int64_t{0}, kMaxEntries))
      ->capture_default_str()
      ->type_name("N");
  app.add_flag("--delete", delete_done,
               "Delete entries from the queue once they are done; for queues of one group that nobody trims");
  app.add_option("--max-age", max_age_ms, "Drop entries that are older when their turn comes")
      ->check(number_in(1.0, kMaxMs))
      ->type_name("MS");
  app.add_option("--claim-after", claim_after_s,
                 "Seconds after which an entry that another worker has not answered is taken over (default: four times "
                 "what this worker needed for its slowest, at least 10)")
      ->check(number_in(0.001, kMaxSeconds))
      ->type_name("S");
  app.add_option("--max-deliveries", max_deliveries,
                 "Deliveries after which an entry that ends its workers is a dead letter")
      ->check(CLI::Range(int64_t{1}, kMaxDeliveries))
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--retry-for", retry_for_s,
                 "Seconds for which an entry is tried again that fails for what may pass (a web server or a disk that "
                 "is away, no memory); then it is a dead letter")
      ->check(number_in(0.0, kMaxSeconds))
      ->capture_default_str()
      ->type_name("S");
  app.add_flag("--until-empty", until_empty, "End once nothing waits and every entry that was delivered is done");
  app.add_option("--allow-root", roots, "Folder that entries may name files of (field `path`)")->type_name("DIR");
  app.add_option("--allow-url", addresses,
                 "Beginning of the web addresses that entries may name (field `url`), e.g. https://HOST/FOLDER/")
      ->type_name("URL");
  app.add_option("--max-bytes", max_bytes_mib,
                 "Larger picture files are dead letters; so are entries with 1 MiB more than this")
      ->check(number_in(0.001, kMaxMebi))
      ->capture_default_str()
      ->type_name("MIB");
}

brokers::RedisAddress QueueFlags::address() const {
  brokers::RedisAddress address;
  try {
    address = brokers::parse_redis_address(queue);
  } catch (const Error& error) {
    throw UsageError(fmt::format("--queue {}", error.what()));
  }
  if (address.key.empty()) {
    throw UsageError(fmt::format("--queue {}: the stream is missing: {}/STREAM", address.shown(), address.server()));
  }
  return address;
}

std::vector<std::string> QueueFlags::password_files() const {
  const std::array logins = {login_of(address())};
  return access.files(logins);
}

brokers::RedisQueueOptions QueueFlags::queue_options(const std::string& stream) const {
  refuse_address("--group", group, "group");
  refuse_address("--results", results, "stream");
  refuse_address("--dead", dead, "stream");
  refuse_address("--consumer", consumer, "consumer");
  brokers::RedisQueueOptions options;
  options.group = group;
  options.consumer = consumer.empty() ? own_name() : consumer;
  options.results = results;
  options.dead = dead.empty() ? stream + ".dead" : dead;
  if (std::set<std::string>{stream, options.results, options.dead}.size() < 3) {
    throw UsageError(fmt::format("the queue ({}), --results ({}) and --dead ({}) are streams of their own",
                                 printable(stream), options.results, options.dead));
  }
  options.max_results = max_results;
  options.max_dead = max_dead;
  options.delete_done = delete_done;
  options.redis.tls_ca_file = access.ca_file;
  options.redis.name = "backbone-zoo-worker";
  return options;
}

streams::PictureAccess QueueFlags::pictures() const {
  streams::PictureAccess pictures;
  for (const std::string& root : roots) {
    try {
      pictures.folders.emplace_back(root);
    } catch (const IoError& error) {
      throw UsageError(fmt::format("--allow-root {}", error.what()));
    }
  }
  for (const std::string& prefix : addresses) {
    try {
      pictures.addresses.emplace_back(prefix);
    } catch (const Error& error) {
      throw UsageError(fmt::format("--allow-url {}", error.what()));
    }
  }
  pictures.max_bytes = static_cast<size_t>(max_bytes_mib * kMebi);
  pictures.stopped = [] { return stop_requested().load(); };
  return pictures;
}

streams::QueueWorkerOptions QueueFlags::options() const {
  streams::QueueWorkerOptions options;
  options.address = address();
  std::array logins = {login_of(options.address)};
  access.fill_in(logins);
  options.address.password = logins.front().password;
  options.queue = queue_options(options.address.key);
  options.pictures = pictures();
  options.queue.max_entry_bytes = options.pictures.max_bytes + kBesidePicture;
  options.rules.max_deliveries = max_deliveries;
  options.rules.retry_for = std::chrono::milliseconds(std::llround(retry_for_s * 1e3));
  if (max_age_ms) options.rules.max_age = std::chrono::milliseconds(std::llround(*max_age_ms));
  if (claim_after_s) options.claim_after = std::chrono::milliseconds(std::llround(*claim_after_s * 1e3));
  options.until_empty = until_empty;
  options.leaves_group = consumer.empty();
  return options;
}

}  // namespace zoo::apps
