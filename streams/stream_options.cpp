#include "streams/stream_options.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "nn/core/config_node.h"
#include "nn/core/error.h"
#include "nn/core/parse_number.h"

namespace zoo::streams {
namespace {

struct NamedPolicy {
  std::string_view name;
  FramePolicy::Kind kind;
};
constexpr std::array kPolicies = {
    NamedPolicy{"latest", FramePolicy::Kind::kLatest}, NamedPolicy{"block", FramePolicy::Kind::kBlock},
    NamedPolicy{"every", FramePolicy::Kind::kEvery}, NamedPolicy{"max-age", FramePolicy::Kind::kMaxAge}};

/// What a number behind a policy may be: frames, and milliseconds of an hour.
constexpr int64_t kMostFrames = 1'000'000;
constexpr int64_t kLongestMs = 3'600'000;

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  std::vector<std::string_view> words;
  size_t begin = text.find_first_not_of(kBlanks);
  while (begin != std::string_view::npos) {
    const size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kBlanks, end);
  }
  return words;
}

std::string meant_by(std::string_view word) {
  std::vector<std::string> names;
  for (const NamedPolicy& policy : kPolicies) names.emplace_back(policy.name);
  const std::string nearest = nearest_name(word, names);
  return nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
}

[[noreturn]] void reject(std::string_view text, const std::string& problem) {
  throw Error(fmt::format("policy \"{}\": {}", text, problem));
}

int64_t number_of(std::string_view text, const std::vector<std::string_view>& words, std::string_view name,
                  std::string_view unit, int64_t highest) {
  const std::string expected = fmt::format("expected {} {}, a whole number from 1 to {}, e.g. {} {}", name, unit,
                                           highest, name, unit == "N" ? 5 : 500);
  if (words.size() != 2) reject(text, expected);
  const std::optional<int64_t> number = parse_number_in<int64_t>(words[1], 1, highest);
  if (!number) reject(text, expected);
  return *number;
}

}  // namespace

FramePolicy frame_policy_from(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  FramePolicy policy;
  const auto* named = kPolicies.begin();
  while (named != kPolicies.end() && (words.empty() || named->name != words.front())) ++named;
  if (named == kPolicies.end()) {
    reject(text, "expected latest, block, every N or max-age MS" + (words.empty() ? "" : meant_by(words.front())));
  }
  policy.kind = named->kind;
  switch (policy.kind) {
    case FramePolicy::Kind::kLatest:
    case FramePolicy::Kind::kBlock:
      if (words.size() != 1) reject(text, fmt::format("expected nothing after {}", named->name));
      break;
    case FramePolicy::Kind::kEvery:
      policy.every = number_of(text, words, named->name, "N", kMostFrames);
      break;
    case FramePolicy::Kind::kMaxAge:
      policy.max_age = std::chrono::milliseconds(number_of(text, words, named->name, "MS", kLongestMs));
      break;
  }
  return policy;
}

std::string to_string(const FramePolicy& policy) {
  switch (policy.kind) {
    case FramePolicy::Kind::kLatest:
      return "latest";
    case FramePolicy::Kind::kBlock:
      return "block";
    case FramePolicy::Kind::kEvery:
      return fmt::format("every {}", policy.every);
    case FramePolicy::Kind::kMaxAge:
      return fmt::format("max-age {}", policy.max_age.count());
  }
  return {};
}

}  // namespace zoo::streams
