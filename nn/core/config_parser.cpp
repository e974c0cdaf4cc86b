#include "nn/core/config_parser.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "nn/core/config_builder.h"
#include "nn/core/config_text.h"

namespace zoo::detail {
namespace {

static_assert(YAML::NullAnchor == ConfigTreeBuilder::kNoAnchor);

size_t offset_of(const YAML::Mark& mark) { return static_cast<size_t>(std::max(mark.pos, 0)); }

/// Hands yaml-cpp's events on.
class EventForwarder : public YAML::EventHandler {
 public:
  explicit EventForwarder(ConfigTreeBuilder& builder) : builder_(builder) {}

  void OnDocumentStart(const YAML::Mark& mark) override { builder_.begin_document(offset_of(mark)); }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    builder_.name_anchor(offset_of(mark), name);
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { builder_.add_null(offset_of(mark), anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { builder_.add_alias(offset_of(mark), anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    builder_.add_scalar(offset_of(mark), tag, anchor, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    builder_.open(NodeKind::kList, offset_of(mark), tag, anchor, style == YAML::EmitterStyle::Flow);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    builder_.open(NodeKind::kMap, offset_of(mark), tag, anchor, style == YAML::EmitterStyle::Flow);
  }
  void OnSequenceEnd() override { builder_.close(); }
  void OnMapEnd() override { builder_.close(); }

 private:
  ConfigTreeBuilder& builder_;
};

/// What yaml-cpp says, and what that means to somebody who writes a model file.
struct SyntaxMessage {
  std::string_view original;
  std::string_view ours;
  bool may_be_tab;  ///< a tab in the indentation is a likely cause
};

const std::array kSyntaxMessages = {
    SyntaxMessage{YAML::ErrorMsg::MAP_VALUE, "unexpected \":\"; check the indentation, or quote the text", true},
    SyntaxMessage{YAML::ErrorMsg::MAP_KEY, "unexpected \"?\"; check the indentation, or quote the text", true},
    SyntaxMessage{YAML::ErrorMsg::BLOCK_ENTRY, "unexpected \"-\"; check the indentation, or quote the text", true},
    SyntaxMessage{YAML::ErrorMsg::END_OF_MAP, "expected \"key: value\" or the end of the map", true},
    SyntaxMessage{YAML::ErrorMsg::END_OF_SEQ, "expected \"- \" or the end of the list", true},
    SyntaxMessage{YAML::ErrorMsg::TAB_IN_INDENTATION, YAML::ErrorMsg::TAB_IN_INDENTATION, true},
    SyntaxMessage{YAML::ErrorMsg::END_OF_MAP_FLOW, "expected \",\" or \"}\"", false},
    SyntaxMessage{YAML::ErrorMsg::END_OF_SEQ_FLOW, "expected \",\" or \"]\"", false},
    SyntaxMessage{YAML::ErrorMsg::FLOW_END, "unexpected closing bracket", false},
    SyntaxMessage{YAML::ErrorMsg::UNKNOWN_TOKEN, "text cannot start with this character; quote it", false},
    SyntaxMessage{YAML::ErrorMsg::EOF_IN_SCALAR, "the quoted text never ends", false},
    SyntaxMessage{YAML::ErrorMsg::DOC_IN_SCALAR, "the quoted text never ends", false},
};

std::string unknown_alias_message(std::string_view text) {
  const std::string_view name = text.substr(0, text.find_first_of(" \t\r\n,[]{}"));
  return fmt::format("alias {}: no such anchor before it", escaped(name));
}

Problem syntax_problem(const YAML::Exception& error, const SourceText& source, const ConfigTreeBuilder& builder) {
  const std::string_view text = source.text();
  const size_t offset = std::min(offset_of(error.mark), text.size());
  // yaml-cpp 0.8 appends the name.
  if (error.msg.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR)) {
    return {source.position(offset), "", unknown_alias_message(text.substr(offset))};
  }
  const auto known = std::find_if(kSyntaxMessages.begin(), kSyntaxMessages.end(),
                                  [&](const SyntaxMessage& message) { return message.original == error.msg; });
  if (known == kSyntaxMessages.end()) return {source.position(offset), "", escaped(error.msg)};

  if (known->may_be_tab) {
    size_t line_begin = 0;
    const std::string_view line = source.line_at(offset, &line_begin);
    const size_t tab = line.substr(0, line.find_first_not_of(" \t")).find('\t');
    if (tab != line.npos) {
      return {source.position(line_begin + tab), "", "tab used as indentation; YAML is indented with spaces"};
    }
  }
  const bool never_closed =
      error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW || error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW;
  if (never_closed && offset == text.size() && builder.open_bracket()) {
    return {*builder.open_bracket(), "", "the bracket is never closed"};
  }
  return {source.position(offset), "", std::string(known->ours)};
}

}  // namespace

YamlNode* parse_yaml(const SourceText& source, const std::string& path, const Origins& origins, Tree& tree) {
  std::istringstream stream{std::string(source.text())};
  ConfigTreeBuilder builder(source, path, origins, tree);
  EventForwarder events(builder);
  try {
    YAML::Parser parser(stream);
    // If there is a second document, the builder refuses it.
    while (parser.HandleNextDocument(events)) {
    }
  } catch (const YAML::Exception& error) {
    throw_problems(origins, {syntax_problem(error, source, builder)});
  }
  return builder.finish();
}

}  // namespace zoo::detail
