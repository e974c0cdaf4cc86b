#include "nn/core/config_builder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "nn/core/config_scalar.h"
#include "nn/core/config_scan.h"
#include "nn/core/config_tag.h"
#include "nn/core/config_text.h"
#include "nn/core/utf8.h"

namespace zoo::detail {
namespace {

bool is_anchor_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

std::string depth_message() { return fmt::format("nested more than {} levels deep", kMaxDepth); }

/// What a plain key reads as if that is no string, else empty.
std::string_view non_string_kind(std::string_view key) {
  switch (look_of(key)) {
    case ScalarLook::kText:
      return {};
    case ScalarLook::kNull:
      return "null";
    case ScalarLook::kBool:
      return "a bool";
    default:
      return "a number";
  }
}

}  // namespace

ConfigTreeBuilder::ConfigTreeBuilder(const SourceText& source, std::string path, const Origins& origins, Tree& tree)
    : source_(source), path_(std::move(path)), origins_(origins), tree_(tree) {}

YamlNode* ConfigTreeBuilder::finish() {
  // yaml-cpp takes the end of the file for the closing quote, and the rest of the file for text.
  if (!quote_closes(source_.text(), last_text_)) {
    throw_problems(origins_, {{source_.position(last_text_), "", "the quoted text never ends"}});
  }
  if (!problems_.empty()) throw_problems(origins_, std::move(problems_));
  return root_;
}

std::optional<Position> ConfigTreeBuilder::open_bracket() const {
  const auto frame = std::find_if(frames_.rbegin(), frames_.rend(), [](const Frame& f) { return f.bracketed; });
  return frame == frames_.rend() ? std::nullopt : std::optional(frame->node->position);
}

void ConfigTreeBuilder::begin_document(size_t offset) {
  if (has_document_) {
    const bool marked = source_.text().substr(std::min(offset, source_.text().size())).starts_with("---");
    fail(source_.position(offset), marked ? "a second document begins here; a model file holds one"
                                          : "unexpected text after the end of the document; check the indentation");
  }
  has_document_ = true;
}

void ConfigTreeBuilder::name_anchor(size_t offset, const std::string& name) {
  // yaml-cpp would take `&"text"` and the like for a name, and the text would be lost.
  if (!is_anchor_name(name)) {
    fail(source_.position(offset),
         fmt::format("anchor &{}: a name has letters, digits, \"_\", \"-\" and \".\"", escaped(name)));
  }
  anchor_name_ = name;
}

void ConfigTreeBuilder::add_null(size_t offset, AnchorId anchor) {
  const bool is_key = expects_key();
  YamlNode& node = tree_.add(NodeKind::kNull, is_key ? source_.position(offset) : position_of_null(offset, anchor));
  remember_anchor(anchor, node, false);
  if (is_key) {
    take_key(node, offset);
  } else {
    count_values(1, node.position);
    take_value(node);
  }
}

void ConfigTreeBuilder::add_alias(size_t offset, AnchorId anchor) {
  const Position position = source_.position(offset);
  const Anchor& target = anchors_.at(anchor);
  if (target.is_open) fail(position, fmt::format("alias *{} refers to a value that contains it", escaped(target.name)));
  if (expects_key()) {
    if (target.node->kind == NodeKind::kList || target.node->kind == NodeKind::kMap) {
      fail(position, fmt::format("expected a string as key, found {}", kind_name(target.node->kind)));
    }
    take_key(*target.node, offset);
    return;
  }
  if (frames_.size() + target.node->depth > kMaxDepth) fail(position, depth_message());
  check_indentation(position, false);
  // Before copying, or an alias bomb would go off here.
  count_values(target.node->values, position);
  take_value(tree_.copy(*target.node));
}

void ConfigTreeBuilder::add_scalar(size_t offset, const std::string& tag, AnchorId anchor, const std::string& value) {
  const Position position = source_.position(offset);
  if (tag != "?") last_text_ = offset;
  YamlNode& node = tree_.add(NodeKind::kScalar, position);
  node.text = tree_.keep(value);
  switch (tag_of(tag)) {
    case Tag::kNone:
    case Tag::kNumberOrBool:
      node.plain = true;
      break;
    case Tag::kNonSpecific:
    case Tag::kString:
      break;
    case Tag::kNull:
      if (look_of(value) != ScalarLook::kNull) problem(position, fmt::format("tag !!null on {}", in_quotes(value)));
      node.kind = NodeKind::kNull;
      break;
    case Tag::kList:
    case Tag::kMap:
    case Tag::kUnknown:
      problem(position, tag_problem(tag, NodeKind::kScalar));
      break;
  }
  // Escape sequences in double quotes: "\0", and "\N" and "\_", which yaml-cpp writes as Latin-1.
  if (value.find('\0') != value.npos) problem(position, "the text holds a NUL character");
  if (!is_utf8(value))
    problem(position, "an escape sequence of the text does not yield UTF-8; write \\u0085 or \\u00a0");
  remember_anchor(anchor, node, false);
  if (expects_key()) {
    take_key(node, offset);
  } else {
    check_indentation(position, false);
    count_values(1, position);
    take_value(node);
  }
}

void ConfigTreeBuilder::open(NodeKind kind, size_t offset, const std::string& tag, AnchorId anchor, bool bracketed) {
  const Position position = source_.position(offset);
  if (expects_key()) {
    // At the end of the file yaml-cpp takes what it has not seen the end of for a key.
    if (bracketed && !bracket_closes(source_.text(), offset)) fail(position, "the bracket is never closed");
    fail(position, fmt::format("expected a string as key, found {}", kind_name(kind)));
  }
  if (frames_.size() == kMaxDepth) fail(position, depth_message());
  check_indentation(position, kind == NodeKind::kList && !bracketed);
  count_values(1, position);
  const Tag meaning = tag_of(tag);
  const bool fits = meaning == Tag::kNone || meaning == Tag::kNonSpecific ||
                    meaning == (kind == NodeKind::kList ? Tag::kList : Tag::kMap);
  if (!fits) problem(position, tag_problem(tag, kind));
  YamlNode& node = tree_.add(kind, position);
  remember_anchor(anchor, node, true);
  frames_.push_back(
      {.node = &node, .bracketed = bracketed, .anchor = anchor, .key = {}, .merge_key = {}, .merged = {}});
}

void ConfigTreeBuilder::close() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  YamlNode& node = *frame.node;
  if (!frame.merged.empty()) merge_into(node, frame.merged);
  const auto add_child = [&](const YamlNode& child) {
    node.values += child.values;
    node.depth = std::max(node.depth, child.depth);
  };
  for (const YamlNode* item : node.items) add_child(*item);
  for (const MapEntry& entry : node.entries) add_child(*entry.value);
  ++node.depth;
  if (frame.anchor != kNoAnchor) anchors_.at(frame.anchor).is_open = false;
  take_value(node);
}

bool ConfigTreeBuilder::expects_key() const {
  return !frames_.empty() && frames_.back().node->kind == NodeKind::kMap && !frames_.back().key;
}

std::string ConfigTreeBuilder::path() const {
  std::string path = path_;
  for (const Frame& frame : frames_) {
    if (frame.node->kind == NodeKind::kList) path = path_with_index(path, frame.node->items.size());
    if (frame.key) path = path_with_key(path, frame.key->text);
  }
  return path;
}

void ConfigTreeBuilder::problem(Position position, std::string message) {
  problems_.push_back({position, path(), std::move(message)});
}

void ConfigTreeBuilder::fail(Position position, std::string message) const {
  std::vector<Problem> problems = problems_;
  problems.push_back({position, path(), std::move(message)});
  throw_problems(origins_, std::move(problems));
}

// Where nothing was written, yaml-cpp's mark is that of the next token, maybe lines below: the key says more.
Position ConfigTreeBuilder::position_of_null(size_t offset, AnchorId anchor) {
  const Position position = source_.position(offset);
  if (frames_.empty()) return position;
  const Frame& frame = frames_.back();
  const bool in_map = frame.node->kind == NodeKind::kMap;
  // For "key" alone on its line yaml-cpp reports a null where the key is.
  if (in_map && !frame.bracketed && offset == frame.key->offset) {
    problem(frame.key->position, "\":\" missing after the key");
    return frame.key->position;
  }
  const std::string_view rest = source_.text().substr(std::min(offset, source_.text().size()));
  const size_t word_end = std::min(rest.find_first_of(" \t\r\n,]}#"), rest.size());
  const bool written = word_end != 0 && look_of(rest.substr(0, word_end)) == ScalarLook::kNull;
  if (written || anchor != kNoAnchor) return position;
  if (in_map) return frame.key->position;
  if (frame.bracketed && rest.starts_with(',')) problem(position, "nothing before the comma");
  return frame.node->position;
}

// Before an explicit "? key" yaml-cpp takes "b" for the value of an "a:" on the line above, even if not indented.
void ConfigTreeBuilder::check_indentation(Position position, bool is_block_list) {
  if (frames_.empty() || frames_.back().bracketed || position.origin != Position::kFile) return;
  const Frame& frame = frames_.back();
  if (!frame.key || frame.key->is_explicit) return;
  const int least = frame.key->position.column + (is_block_list ? 0 : 1);
  if (position.column < least) problem(position, "a value must be indented more than its key");
}

void ConfigTreeBuilder::count_values(size_t count, Position position) {
  values_ += count;
  if (values_ > kMaxValues) fail(position, fmt::format("more than {} values (aliases expanded)", kMaxValues));
}

void ConfigTreeBuilder::remember_anchor(AnchorId anchor, YamlNode& node, bool is_open) {
  if (anchor == kNoAnchor) return;
  anchors_[anchor] = {&node, std::move(anchor_name_), is_open};
  anchor_name_.clear();
}

void ConfigTreeBuilder::take_key(const YamlNode& node, size_t offset) {
  Frame& frame = frames_.back();
  const YamlNode& map = *frame.node;
  Key key{.text = node.text, .position = source_.position(offset), .offset = offset};
  const size_t before = source_.text().substr(0, offset).find_last_not_of(" \t\r\n");
  key.is_explicit = before != std::string_view::npos && source_.text()[before] == '?';
  const auto refuse = [&](std::string message) {
    problem(key.position, std::move(message));
    key.use = Key::Use::kDiscard;
  };
  if (node.kind == NodeKind::kNull) {
    refuse("expected a string as key, found nothing");
  } else if (node.plain && node.text == "<<") {
    key.use = Key::Use::kMerge;
    if (frame.merge_key) {
      refuse(fmt::format("duplicate key \"<<\", first in line {}, column {}; merge a list of maps instead",
                         frame.merge_key->line, frame.merge_key->column));
    }
    frame.merge_key = key.position;
  } else if (node.plain && !non_string_kind(node.text).empty()) {
    refuse(fmt::format("expected a string as key, found {}, which is {}; quote it", escaped(node.text),
                       non_string_kind(node.text)));
  } else if (const MapEntry* first = map.find(node.text)) {
    refuse(first->position.origin == Position::kFile
               ? fmt::format("duplicate key {}, first in line {}, column {}", in_quotes(node.text),
                             first->position.line, first->position.column)
               : fmt::format("duplicate key {}", in_quotes(node.text)));
  }
  frame.key = key;
}

void ConfigTreeBuilder::take_value(YamlNode& node) {
  if (frames_.empty()) {
    root_ = &node;
    return;
  }
  Frame& frame = frames_.back();
  if (frame.node->kind == NodeKind::kList) {
    frame.node->items.push_back(&node);
    return;
  }
  switch (frame.key->use) {
    case Key::Use::kEntry:
      frame.node->add_entry({frame.key->text, frame.key->position, &node});
      break;
    case Key::Use::kMerge:
      take_merge(node, frame);
      break;
    case Key::Use::kDiscard:
      break;
  }
  frame.key.reset();
}

void ConfigTreeBuilder::take_merge(const YamlNode& node, Frame& frame) {
  const auto refuse = [&](const YamlNode& found) {
    problem(frame.key->position,
            fmt::format("expected a map or a list of maps to merge, found {}",
                        found.kind == NodeKind::kScalar ? in_quotes(found.text) : kind_name(found.kind)));
  };
  if (node.kind == NodeKind::kMap) {
    frame.merged.push_back(&node);
  } else if (node.kind == NodeKind::kList) {
    for (const YamlNode* item : node.items) {
      if (item->kind == NodeKind::kMap) {
        frame.merged.push_back(item);
      } else {
        refuse(*item);
      }
    }
  } else {
    refuse(node);
  }
}

}  // namespace zoo::detail
