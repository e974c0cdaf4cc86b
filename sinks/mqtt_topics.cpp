#include "sinks/mqtt_topics.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "nn/core/shown_text.h"
#include "nn/core/utf8.h"

namespace zoo::sinks {
namespace {

constexpr size_t kMaxLevel = 256;
constexpr std::array<std::string_view, 5> kOurs = {"result", "answer", "state", "frame", "all"};

std::string escape(char c) { return fmt::format("%{:02X}", static_cast<unsigned char>(c)); }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// FNV-1a, 32 bits.
uint32_t number_of(std::string_view text) {
  uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace

std::string topic_level(std::string_view text) {
  const std::string valid = is_utf8(text) ? std::string(text) : printable(text);
  std::string level;
  for (size_t at = 0; at < valid.size();) {
    const size_t length = utf8_sequence_length(valid, at);
    const std::string_view letter = std::string_view(valid).substr(at, length);
    const bool is_special = std::string_view("+#/%").find(letter.front()) != std::string_view::npos;
    const std::string part = is_special || is_control(letter.front()) ? escape(letter.front()) : std::string(letter);
    if (level.size() + part.size() > kMaxLevel) break;
    level += part;
    at += length;
  }
  return level.empty() ? "%" : level;
}

std::string discovery_name(std::string_view text) {
  std::string name(text);
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  std::ranges::replace_if(
      name, [&](char c) { return !is_plain(c); }, '_');
  if (name == text && !name.empty() && name.size() <= kMaxLevel) return name;
  name.resize(std::min(name.size(), kMaxLevel));
  return fmt::format("{}_{:08x}", name, number_of(text));
}

std::string MqttTopics::of(std::string_view stream, std::string_view what) const {
  return fmt::format("{}/{}/{}", prefix_, topic_level(stream), what);
}

std::string MqttTopics::label(std::string_view stream, std::string_view label) const {
  std::string level = topic_level(label);
  if (std::ranges::find(kOurs, level) != kOurs.end()) level.replace(0, 1, escape(level.front()));
  return of(stream, level);
}

std::string MqttTopics::snapshot(std::string_view stream, std::string_view label_name) const {
  return label(stream, label_name) + "/snapshot";
}

}  // namespace zoo::sinks
