#include "pipeline/batch/shard.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/parse_number.h"

namespace zoo::batch {
namespace {

constexpr std::string_view kAuto = "auto";

[[noreturn]] void refuse(std::string problem) { throw ConfigError({std::move(problem)}); }

/// A shard as a scheduler says it.
struct Offer {
  int64_t index = 0;
  std::optional<int64_t> count;  ///< where the scheduler knows it
  std::string origin;
  std::string gap;  ///< why `index` cannot be counted without a count that is given; else empty
};

int64_t number_of(const std::string& name, const std::string& value) {
  const auto number = parse_number_in<int64_t>(value, 0, INT64_MAX / 2);
  if (!number) {
    refuse(fmt::format("{}={}: expected a whole number; give --shard I/N instead of leaving it to the scheduler", name,
                       value));
  }
  return *number;
}

class Offers {
 public:
  Offers(const Environment& environment, std::optional<int64_t> count) : environment_(environment), count_(count) {
    add_slurm();
    add_plain("JOB_COMPLETION_INDEX", 0, "");
    add_plain("PARALLEL_SEQ", 1, "");
    add_plain("OMPI_COMM_WORLD_RANK", 0, "OMPI_COMM_WORLD_SIZE");
  }

  const std::vector<Offer>& all() const { return all_; }

 private:
  std::optional<int64_t> read(const std::string& name) const {
    const std::optional<std::string> value = environment_(name);
    if (!value || value->empty()) return std::nullopt;
    return number_of(name, *value);
  }

  void add_slurm() {
    const auto task = read("SLURM_ARRAY_TASK_ID");
    if (!task) return;
    Offer offer{*task, std::nullopt, fmt::format("SLURM_ARRAY_TASK_ID={}", *task), ""};
    const auto count = read("SLURM_ARRAY_TASK_COUNT");
    const auto low = read("SLURM_ARRAY_TASK_MIN");
    const auto high = read("SLURM_ARRAY_TASK_MAX");
    if (!count_) {
      if (count && low && high && *low <= 1 && *high - *low + 1 == *count && *task >= *low && *task <= *high) {
        offer.index -= *low;
        offer.count = *count;
        offer.origin += fmt::format(", SLURM_ARRAY_TASK_MIN={}, SLURM_ARRAY_TASK_COUNT={}", *low, *count);
      } else {
        offer.gap = "the array has gaps or is a part of one, so it does not say how many shards there are";
      }
    }
    all_.push_back(std::move(offer));
  }

  void add_plain(const std::string& name, int64_t first, const std::string& count_name) {
    const auto value = read(name);
    if (!value) return;
    if (*value < first) refuse(fmt::format("{}={}: counts from {}; give --shard I/N", name, *value, first));
    Offer offer{*value - first, std::nullopt, fmt::format("{}={}", name, *value), ""};
    if (!count_name.empty()) {
      offer.count = read(count_name);
      if (offer.count) offer.origin += fmt::format(", {}={}", count_name, *offer.count);
    }
    all_.push_back(std::move(offer));
  }

  const Environment& environment_;
  std::optional<int64_t> count_;  ///< as it was given
  std::vector<Offer> all_;
};

int64_t count_of(std::string_view text, std::string_view whole) {
  const auto count = parse_number_in<int64_t>(text, 1, kMaxShards);
  if (!count) refuse(fmt::format("--shard {}: expected I/N or auto/N with N from 1 to {}", whole, kMaxShards));
  return *count;
}

ShardId checked(const ShardId& shard, std::string_view said) {
  if (shard.index < shard.count) return shard;
  refuse(fmt::format("{}: there is no shard {} of {}; they count from 0: 0/{} to {}/{}", said, shard.index, shard.count,
                     shard.count, shard.count - 1, shard.count));
}

/// What the schedulers agree on. `count`: as it was given.
std::optional<ShardChoice> agreed(const Environment& environment, std::optional<int64_t> count) {
  const Offers offers(environment, count);
  std::optional<ShardChoice> choice;
  for (const Offer& offer : offers.all()) {
    if (!offer.gap.empty()) {
      refuse(fmt::format("{}: {}; give --shard auto/N, where the array's tasks count from 0, or --shard I/N",
                         offer.origin, offer.gap));
    }
    if (count && offer.count && *offer.count != *count) {
      refuse(fmt::format("{}: but --shard says that there are {} shards; give --shard auto, or --shard I/N",
                         offer.origin, *count));
    }
    const std::optional<int64_t> shards = count ? count : offer.count;
    if (!shards) {
      refuse(fmt::format("{}: does not say how many shards there are; give --shard auto/N", offer.origin));
    }
    ShardChoice said{checked({offer.index, *shards}, offer.origin), offer.origin};
    if (choice && choice->shard != said.shard) {
      refuse(fmt::format("{} means shard {}, but {} means shard {}; give --shard I/N", choice->origin,
                         to_string(choice->shard), said.origin, to_string(said.shard)));
    }
    if (!choice) choice = std::move(said);
  }
  return choice;
}

}  // namespace

std::string to_string(const ShardId& shard) { return fmt::format("{}/{}", shard.index, shard.count); }

RowRange rows_of_shard(int64_t rows, const ShardId& shard) {
  const auto place = [&](int64_t index) {  // without overflow: rows * index may be larger than 64 bits
    return rows / shard.count * index + rows % shard.count * index / shard.count;
  };
  return {place(shard.index), place(shard.index + 1)};
}

ShardChoice choose_shard(std::string_view text, const Environment& environment) {
  const size_t slash = text.find('/');
  if (text.empty()) return agreed(environment, std::nullopt).value_or(ShardChoice{});
  const std::string_view first = text.substr(0, slash);
  std::optional<int64_t> count;
  if (slash != std::string_view::npos) count = count_of(text.substr(slash + 1), text);
  if (first == kAuto) {
    if (auto choice = agreed(environment, count)) return *std::move(choice);
    refuse(
        fmt::format("--shard {}: no scheduler says which shard this is (SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, "
                    "PARALLEL_SEQ, OMPI_COMM_WORLD_RANK are not set); give --shard I/N",
                    text));
  }
  const auto index = parse_number_in<int64_t>(first, 0, kMaxShards);
  if (!index || !count) {
    refuse(fmt::format("--shard {}: expected I/N, e.g. 0/16 for the first of 16 shards, auto/N or auto", text));
  }
  return {checked({*index, *count}, fmt::format("--shard {}", text)), ""};
}

}  // namespace zoo::batch
