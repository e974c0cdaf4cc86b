#include "serve/inference/model_lookup.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/config_node.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"

namespace zoo::serve {
namespace {

constexpr size_t kMostNames = 20;  // in a message

std::string unknown_model(const std::string& name, const std::vector<RepositoryEntry>& entries) {
  std::vector<std::string> names;
  for (const RepositoryEntry& entry : entries) names.push_back(entry.name);
  const std::string nearest = nearest_name(name, names);
  if (names.size() > kMostNames) {
    names.resize(kMostNames);
    names.emplace_back("...");
  }
  return fmt::format("there is no model \"{}\"{} (there are {})", shortened(name),
                     nearest.empty() ? "" : ", did you mean " + nearest + "?", fmt::join(names, ", "));
}

}  // namespace

void check_model_name(const InferenceService& service, const std::string& name) {
  if (service.model(name)) return;
  const std::vector<RepositoryEntry> entries = service.index();
  if (std::ranges::find(entries, name, &RepositoryEntry::name) == entries.end()) {
    throw_infer_error(404, unknown_model(name, entries));
  }
}

std::optional<int64_t> version_of(const HttpRequest& request) {
  const auto text = request.parameters.find("version");
  if (text == request.parameters.end()) return std::nullopt;
  const std::optional<int64_t> version = parse_number<int64_t>(text->second);
  if (!version) {
    throw_infer_error(404, fmt::format("\"{}\" is no version; versions are numbers", shortened(text->second, 40)));
  }
  return version;
}

std::shared_ptr<const ServedModelInfo> model_of(const InferenceService& service, const HttpRequest& request) {
  const std::string& name = request.parameters.at("name");
  const std::optional<int64_t> version = version_of(request);
  if (auto model = service.model(name, version)) return model;
  if (const auto running = service.model(name)) {
    throw_infer_error(404,
                      fmt::format("the model \"{}\" has no version {}; {} runs", name, *version, running->version));
  }
  const std::vector<RepositoryEntry> entries = service.index();
  const auto entry = std::ranges::find(entries, name, &RepositoryEntry::name);
  if (entry == entries.end()) throw_infer_error(404, unknown_model(name, entries));
  if (entry->unloaded) {
    throw_infer_error(404, fmt::format("the model \"{}\" does not run: {}", name, entry->reason));
  }
  throw_infer_error(
      503, fmt::format("the model \"{}\" is not ready{}{}", name, entry->reason.empty() ? "" : ": ", entry->reason));
}

}  // namespace zoo::serve
