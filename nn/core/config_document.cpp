#include <utility>

#include "nn/core/config_context.h"
#include "nn/core/config_node.h"
#include "nn/core/config_override.h"
#include "nn/core/config_parser.h"
#include "nn/core/config_source.h"

namespace zoo {

ConfigDocument::ConfigDocument(std::shared_ptr<detail::ConfigContext> context) : context_(std::move(context)) {}

ConfigDocument ConfigDocument::load(const std::filesystem::path& file, std::span<const ConfigOverride> overrides) {
  return parse(detail::read_config_file(file), file.string(), overrides);
}

ConfigDocument ConfigDocument::parse(std::string_view text, std::string file_name,
                                     std::span<const ConfigOverride> overrides) {
  auto context = std::make_shared<detail::ConfigContext>();
  detail::Origins& origins = context->origins;
  detail::Tree& tree = context->tree;
  origins.file = std::move(file_name);

  const detail::SourceText source(text, detail::Position::kFile, origins);
  tree.root = detail::parse_yaml(source, "", origins, tree);
  if (tree.root == nullptr || tree.root->kind == detail::NodeKind::kNull) {
    detail::throw_problems(origins, {{source.position(0), "", "the file holds no values"}});
  }
  for (const ConfigOverride& setting : overrides) detail::apply_override(setting, tree, origins);
  context->states.resize(tree.size());
  return ConfigDocument(std::move(context));
}

ConfigNode ConfigDocument::root() const { return {context_, context_->tree.root, ""}; }

bool ConfigDocument::has_problems() const { return !context_->problems.empty(); }

void ConfigDocument::finish() const {
  std::vector<detail::Problem> problems = context_->problems;
  std::vector<detail::Problem> unread = context_->unread_keys();
  problems.insert(problems.end(), std::make_move_iterator(unread.begin()), std::make_move_iterator(unread.end()));
  if (!problems.empty()) detail::throw_problems(context_->origins, std::move(problems));
}

std::vector<ConfigDocument::Ignored> ConfigDocument::ignored() const { return context_->ignored; }

std::set<std::string> ConfigDocument::asked_keys() const { return context_->asked_paths(); }

}  // namespace zoo
