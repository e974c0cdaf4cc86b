#include "streams/queue/entry_pictures.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/shown_text.h"

namespace zoo::streams {
namespace {

constexpr std::array<std::string_view, 4> kFields = {"image", "data", "path", "url"};

/// What the entry has instead, as far as that helps.
std::string field_names(const brokers::QueueEntry& entry) {
  constexpr size_t kMost = 8;
  std::vector<std::string> names;
  for (const auto& [name, value] : entry.fields) {
    if (names.size() == kMost) break;
    names.push_back(shortened(name, 40));
  }
  return fmt::format("{}{}", fmt::join(names, ", "), entry.fields.size() > kMost ? ", ..." : "");
}

}  // namespace

EntryPictures::EntryPictures(PictureAccess access) : access_(std::move(access)) {}

std::vector<uint8_t> EntryPictures::take(brokers::QueueEntry& entry) {
  std::string* value = nullptr;
  std::string_view field;
  for (auto& [name, text] : entry.fields) {
    if (std::ranges::find(kFields, name) == kFields.end()) continue;
    if (value != nullptr) {
      throw EntryError(
          fmt::format("the entry has {} and {}; one of {} is expected", field, name, fmt::join(kFields, ", ")), false);
    }
    value = &text;
    field = name;
  }
  if (value == nullptr) {
    throw EntryError(fmt::format("the entry has no picture: one of the fields {} is expected, found {}",
                                 fmt::join(kFields, ", "), field_names(entry)),
                     false);
  }
  if (field == "path") return read(*value);
  if (field == "url") return fetch(*value);
  if (value->size() > access_.max_bytes) {
    throw EntryError(fmt::format("the picture has {} bytes, but it may have at most {} (--max-bytes)", value->size(),
                                 access_.max_bytes),
                     false);
  }
  const std::string bytes = std::move(*value);
  return {bytes.begin(), bytes.end()};
}

std::vector<uint8_t> EntryPictures::read(const std::string& path) const {
  if (access_.folders.empty()) {
    throw EntryError(fmt::format("path {}: this worker reads no files (--allow-root FOLDER)", shortened(path)), false);
  }
  std::optional<std::string> problem;  // of a folder that is away; the file may lie in another
  for (const AllowedFolder& folder : access_.folders) {
    try {
      if (std::optional<std::vector<uint8_t>> bytes = folder.read(path, access_.max_bytes)) return *std::move(bytes);
    } catch (const FileTooLarge& error) {
      throw EntryError(fmt::format("path {}", error.what()), false);
    } catch (const IoError& error) {
      problem = error.what();
    }
  }
  if (problem) throw EntryError(fmt::format("path {}", *problem), true);
  throw EntryError(fmt::format("path {}: there is no such file in the folders that this worker may read (--allow-root)",
                               shortened(path)),
                   false);
}

std::vector<uint8_t> EntryPictures::fetch(const std::string& url) {
  const std::string shown = shortened(hub::shown_url(url));
  const bool allowed =
      std::ranges::any_of(access_.addresses, [&](const AllowedAddress& address) { return address.covers(url); });
  if (!allowed) {
    throw EntryError(fmt::format("url {}: not below an address that this worker may fetch from (--allow-url)", shown),
                     false);
  }
  std::vector<uint8_t> bytes;
  bool too_large = false;
  hub::HttpAnswer answer;
  fetch_ends_ = std::chrono::steady_clock::now() + access_.max_time;
  const auto is_late = [this] { return std::chrono::steady_clock::now() >= fetch_ends_; };
  try {
    if (!client_) {
      client_ = std::make_unique<hub::HttpClient>(
          hub::HttpOptions{.connect_timeout = std::chrono::seconds(5),
                           .stall_timeout = std::chrono::seconds(10),
                           .stopped = [this, is_late] { return is_late() || (access_.stopped && access_.stopped()); }});
    }
    answer = client_->get(url, {}, [&](const hub::HttpAnswer& head, std::span<const std::byte> piece) {
      if (is_late()) return false;
      too_large = bytes.size() + piece.size() > access_.max_bytes;
      if (too_large || head.status != 200) return false;
      const auto* begin = reinterpret_cast<const uint8_t*>(piece.data());
      bytes.insert(bytes.end(), begin, begin + piece.size());
      return true;
    });
  } catch (const hub::TransportError& error) {
    throw EntryError(fmt::format("url {}", error.what()), error.transient());
  } catch (const hub::Stopped&) {
    if (!is_late()) throw EntryError(fmt::format("url {}: stopped", shown), true);
  }
  if (is_late()) {
    throw EntryError(
        fmt::format("url {}: not here within {:g} s", shown, std::chrono::duration<double>(access_.max_time).count()),
        true);
  }
  if (answer.status != 200) {
    const bool busy = answer.status == 408 || answer.status == 429 || answer.status >= 500;
    throw EntryError(fmt::format("url {}: the server answered {}{}", shown, answer.status,
                                 answer.is_redirect() ? " (redirects are not followed)" : ""),
                     busy);
  }
  if (too_large) {
    throw EntryError(fmt::format("url {}: more than {} bytes (--max-bytes)", shown, access_.max_bytes), false);
  }
  return bytes;
}

}  // namespace zoo::streams
