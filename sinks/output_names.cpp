#include "sinks/output_names.h"

#include <algorithm>
#include <cstdint>
#include <limits.h>
#include <map>
#include <system_error>

#include <fmt/format.h>

namespace zoo::sinks {
namespace fs = std::filesystem;
namespace {

/// How hard an output has to try for a name of its own.
enum class Effort { kPlain, kWholeName, kHash };

constexpr size_t kNumberBytes = 20;  // "_" and the largest number
constexpr size_t kSecondBytes = 4;   // "-2", should even a hash be taken

/// Of the whole path, so that it is the same wherever the program is started: FNV-1a.
uint64_t hash_of(const std::string& input) {
  std::error_code error;
  const fs::path absolute = fs::absolute(input, error);
  const fs::path path = error ? fs::path(input) : absolute.lexically_normal();
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : path.native()) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

/// At most so many bytes of UTF-8 text, whole characters.
std::string_view cut(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

OutputName with_hash(const OutputWish& wish, const fs::path& folder) {
  const std::string mark = fmt::format("-{:016x}", hash_of(wish.input));
  const size_t room = NAME_MAX - mark.size() - kSecondBytes - wish.ending.size() - (wish.numbered ? kNumberBytes : 0);
  const std::string stem = wish.place.stem().native();
  return {folder / (std::string(cut(stem, room)) + mark), wish.ending, wish.numbered};
}

bool fits(const OutputName& name, size_t path_bytes) {
  const size_t more = name.ending.size() + (name.numbered ? kNumberBytes : 0);
  return name.stem.filename().native().size() + more <= NAME_MAX &&
         path_bytes + 1 + name.stem.native().size() + more < PATH_MAX;
}

OutputName name_for(const OutputWish& wish, Effort effort, size_t path_bytes) {
  const fs::path folder = wish.place.parent_path();
  if (effort != Effort::kHash) {
    const bool whole = effort == Effort::kWholeName && wish.place.extension().native() != wish.ending;
    const OutputName name{folder / (whole ? wish.place.filename() : wish.place.stem()), wish.ending, wish.numbered};
    if (fits(name, path_bytes)) return name;
  }
  OutputName name = with_hash(wish, folder);
  return fits(name, path_bytes) ? name : with_hash(wish, "");
}

/// Different wishes, in order, with how hard each has to try.
using Efforts = std::map<OutputWish, Effort>;

/// Those that cannot have the name they would get now.
std::vector<Efforts::iterator> in_conflict(Efforts& efforts, size_t path_bytes,
                                           const std::function<bool(const OutputName&)>& is_free) {
  struct Holders {
    std::vector<Efforts::iterator> plain;
    std::vector<Efforts::iterator> numbered;
  };
  std::map<std::string, std::vector<Efforts::iterator>> same_name;
  std::map<std::string, Holders> same_pattern;
  std::vector<Efforts::iterator> conflicts;
  for (auto wish = efforts.begin(); wish != efforts.end(); ++wish) {
    const OutputName name = name_for(wish->first, wish->second, path_bytes);
    if (!is_free(name)) conflicts.push_back(wish);
    const std::string pattern = numbered_pattern(name);
    if (!name.numbered) same_name[name.file().native()].push_back(wish);
    if (!pattern.empty())
      (name.numbered ? same_pattern[pattern].numbered : same_pattern[pattern].plain).push_back(wish);
  }
  for (const auto& [name, holders] : same_name) {
    if (holders.size() > 1) conflicts.insert(conflicts.end(), holders.begin(), holders.end());
  }
  for (const auto& [pattern, holders] : same_pattern) {
    if (holders.numbered.empty() || holders.numbered.size() + holders.plain.size() < 2) continue;
    conflicts.insert(conflicts.end(), holders.numbered.begin(), holders.numbered.end());
    conflicts.insert(conflicts.end(), holders.plain.begin(), holders.plain.end());
  }
  return conflicts;
}

}  // namespace

std::vector<OutputName> name_outputs(std::span<const OutputWish> wishes, size_t path_bytes,
                                     const std::function<bool(const OutputName&)>& is_free) {
  Efforts efforts;
  for (const OutputWish& wish : wishes) efforts.emplace(wish, Effort::kPlain);
  // A wish that tries harder may meet others, which then try harder, too; nobody tries harder than twice.
  for (const Effort next : {Effort::kWholeName, Effort::kHash, Effort::kHash}) {
    for (const auto& wish : in_conflict(efforts, path_bytes, is_free)) wish->second = next;
  }

  RunFiles taken;
  std::map<OutputWish, OutputName> names;
  for (const auto& [wish, effort] : efforts) {
    OutputName name = name_for(wish, effort, path_bytes);
    const fs::path stem = name.stem;
    // Somebody else's file may be called like a hash, too.
    for (int again = 2; !is_free(name) || !taken.is_free(name); ++again) {
      name.stem = fmt::format("{}-{}", stem.native(), again);
    }
    taken.take(name);
    names.emplace(wish, std::move(name));
  }
  std::vector<OutputName> result;
  result.reserve(wishes.size());
  for (const OutputWish& wish : wishes) result.push_back(names.at(wish));
  return result;
}

}  // namespace zoo::sinks
