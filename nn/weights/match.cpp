#include "nn/weights/match.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/convert.h"

namespace zoo::weights {
namespace {

/// What a parameter is called in one ecosystem, or why it has no name there.
struct Expectation {
  std::optional<ExpectedTensor> tensor;
  std::string unnamed;
  const StoredTensor* found = nullptr;  ///< the file's tensor of that name, whatever its shape
};

/// One scheme held against the file.
struct Candidate {
  Ecosystem ecosystem = Ecosystem::kNetsPresso;
  std::vector<Expectation> expectations;  ///< one per parameter
  size_t names_found = 0;
  bool fits = false;  ///< all that must be there is there, and something is
};

/// What wrappers around a network put before every name: DataParallel, Lightning-like modules, torch.compile.
constexpr std::array<std::string_view, 3> kWrappers = {"module.", "model.", "_orig_mod."};

/// The wrappers that all names of the file begin with.
std::string common_wrapper_prefix(const CheckpointFile& file) {
  std::string prefix;
  if (file.tensors().empty()) return prefix;
  for (bool grown = true; grown;) {
    grown = false;
    for (const std::string_view wrapper : kWrappers) {
      const std::string longer = prefix + std::string(wrapper);
      if (!std::all_of(file.tensors().begin(), file.tensors().end(),
                       [&longer](const StoredTensor& tensor) { return tensor.name.starts_with(longer); })) {
        continue;
      }
      prefix = longer;
      grown = true;
    }
  }
  return prefix;
}

bool matches(const Expectation& expectation) {
  return expectation.found != nullptr && is_floating(expectation.found->dtype) &&
         expectation.found->shape == expectation.tensor->shape;
}

bool may_differ(Section section, const LoadOptions& options) {
  return std::find(options.allow_missing.begin(), options.allow_missing.end(), section) != options.allow_missing.end();
}

Candidate make_candidate(Ecosystem ecosystem, std::span<const Parameter> parameters, const CheckpointFile& file,
                         const std::string& prefix, const LoadOptions& options) {
  Candidate candidate;
  candidate.ecosystem = ecosystem;
  candidate.fits = true;
  std::set<std::string> names;
  for (const Parameter& parameter : parameters) {
    Expectation expectation;
    expectation.tensor = expected_tensor(ecosystem, parameter);
    if (!expectation.tensor) {
      expectation.unnamed = fmt::format("{} (no such structure in {})", parameter.name, to_string(ecosystem));
    } else if (!names.insert(expectation.tensor->name).second) {
      expectation.unnamed = fmt::format("{} ({} calls another parameter {})", parameter.name, to_string(ecosystem),
                                        expectation.tensor->name);
      expectation.tensor.reset();
    } else {
      expectation.found = file.find(prefix + expectation.tensor->name);
    }
    if (expectation.found != nullptr) ++candidate.names_found;
    if (!matches(expectation) && !may_differ(parameter.role.section, options)) candidate.fits = false;
    candidate.expectations.push_back(std::move(expectation));
  }
  candidate.fits = candidate.fits && candidate.names_found > 0;
  return candidate;
}

/// The scheme that fits, else the one that knows most names of the file.
Candidate detect(std::span<const Parameter> parameters, const CheckpointFile& file, const std::string& prefix,
                 const LoadOptions& options) {
  std::optional<Candidate> best;
  for (const Ecosystem ecosystem : all_ecosystems()) {
    Candidate candidate = make_candidate(ecosystem, parameters, file, prefix, options);
    if (best && best->fits && candidate.fits) {
      throw WeightError(fmt::format("{}: the names of both {} and {} fit; say which with checkpoint.scheme",
                                    file.path().string(), to_string(best->ecosystem), to_string(ecosystem)));
    }
    const auto rank = [](const Candidate& c) { return std::pair(c.fits, c.names_found); };
    if (!best || rank(candidate) > rank(*best)) best = std::move(candidate);
  }
  return *std::move(best);
}

/// Lists the tensors of the file that no parameter asks for; true if all of them are in sections that may differ.
bool collect_unexpected(const Candidate& candidate, std::span<const Parameter> parameters, const CheckpointFile& file,
                        const LoadOptions& options, LoadReport& report) {
  std::set<std::string> known;  // with what torch's batch norm counts and inference does not need
  for (size_t id = 0; id < parameters.size(); ++id) {
    const std::optional<ExpectedTensor>& tensor = candidate.expectations[id].tensor;
    if (!tensor) continue;
    const std::string name = report.stripped_prefix + tensor->name;
    known.insert(name);
    if (parameters[id].role.layer == Layer::kNorm) {
      known.insert(name.substr(0, name.rfind('.')) + ".num_batches_tracked");
    }
  }
  bool tolerable = true;
  for (const StoredTensor& tensor : file.tensors()) {
    if (known.contains(tensor.name)) continue;
    const std::string_view name = std::string_view(tensor.name).substr(report.stripped_prefix.size());
    if (is_training_only(candidate.ecosystem, name, report.names.get())) {
      report.ignored.push_back(tensor.name);
      continue;
    }
    report.unexpected.push_back(tensor.name);
    tolerable = tolerable && may_differ(section_of_tensor(candidate.ecosystem, name, report.names.get()), options);
  }
  return tolerable;
}

}  // namespace

CheckpointMatch match_checkpoint(std::span<const Parameter> parameters, const CheckpointFile& file,
                                 const LoadOptions& options) {
  CheckpointMatch match;
  LoadReport& report = match.report;
  report.file = file.path();
  report.entry = file.entry();
  report.other_entries = file.other_entries();
  report.total = parameters.size();
  report.requested = options.ecosystem.has_value();
  report.stripped_prefix = common_wrapper_prefix(file);
  if (!parameters.empty()) report.names = parameters.front().names;

  const std::string& prefix = report.stripped_prefix;
  const Candidate candidate = options.ecosystem ? make_candidate(*options.ecosystem, parameters, file, prefix, options)
                                                : detect(parameters, file, prefix, options);
  report.ecosystem = candidate.ecosystem;
  report.detected = !report.requested && candidate.fits;
  report.acceptable = collect_unexpected(candidate, parameters, file, options, report);

  for (size_t id = 0; id < parameters.size(); ++id) {
    const Expectation& expectation = candidate.expectations[id];
    const StoredTensor* const found = expectation.found;
    match.sources.push_back(matches(expectation) ? found : nullptr);
    const bool tolerable = may_differ(parameters[id].role.section, options);
    if (match.sources.back() != nullptr) {
      ++report.matched;
      if (all_finite(*found)) continue;
      report.non_finite.push_back(found->name);
      report.acceptable = false;
    } else if (found == nullptr) {
      report.missing.push_back(expectation.tensor ? prefix + expectation.tensor->name : expectation.unnamed);
      report.acceptable = report.acceptable && tolerable;
    } else if (!is_floating(found->dtype)) {
      report.wrong_type.push_back(found->name);
      report.acceptable = report.acceptable && tolerable;
    } else {
      report.misshaped.push_back(
          {found->name, expectation.tensor->shape, found->shape, parameters[id].role.rows_per_class});
      report.acceptable = report.acceptable && tolerable;
    }
  }
  return match;
}

}  // namespace zoo::weights
