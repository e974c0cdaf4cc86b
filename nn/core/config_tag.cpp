#include "nn/core/config_tag.h"

#include <fmt/format.h>

#include "nn/core/config_text.h"

namespace zoo::detail {
namespace {

constexpr std::string_view kCorePrefix = "tag:yaml.org,2002:";

std::string shown_tag(std::string_view tag) {
  if (tag.starts_with(kCorePrefix)) return escaped(fmt::format("!!{}", tag.substr(kCorePrefix.size())));
  return escaped(tag.starts_with('!') ? std::string(tag) : fmt::format("!<{}>", tag));
}

}  // namespace

Tag tag_of(std::string_view tag) {
  if (tag == "?") return Tag::kNone;
  if (tag == "!") return Tag::kNonSpecific;
  if (!tag.starts_with(kCorePrefix)) return Tag::kUnknown;
  tag.remove_prefix(kCorePrefix.size());
  if (tag == "str") return Tag::kString;
  if (tag == "int" || tag == "float" || tag == "bool") return Tag::kNumberOrBool;
  if (tag == "null") return Tag::kNull;
  if (tag == "seq") return Tag::kList;
  if (tag == "map") return Tag::kMap;
  return Tag::kUnknown;
}

std::string_view kind_name(NodeKind kind) {
  switch (kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kScalar:
      return "a scalar";
    case NodeKind::kList:
      return "a list";
    case NodeKind::kMap:
      break;
  }
  return "a map";
}

std::string tag_problem(std::string_view tag, NodeKind kind) {
  if (tag_of(tag) == Tag::kUnknown) return fmt::format("tag {} is not supported", shown_tag(tag));
  return fmt::format("tag {} on {}", shown_tag(tag), kind_name(kind));
}

}  // namespace zoo::detail
