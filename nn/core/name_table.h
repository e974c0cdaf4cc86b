// Names of tensors as data: one row per part of a network.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/core/network_names.h"

namespace zoo {

/// How one part of a network is called. The modules are patterns in which `{stage}` stands for the count of that name
/// in the parameter's role; the tensor's own name follows: `blocks.{stage}.{block}.conv_pw` ->
/// `blocks.2.0.conv_pw.weight`.
struct NameRow {
  std::string part;             ///< block and part of the role: `inverted_residual.expand`; outside any block: `stem`
  std::string weighted;         ///< module of the convolution, linear layer or layer scale; empty: there is none
  std::string norm = {};        ///< module of the normalisation after it; empty: there is none
  std::string activation = {};  ///< module of a learned activation; empty: there is none
};

/// A word that patterns may ask for beside the counts.
using NameWord = std::pair<std::string_view, std::string>;

/// Rows by part. Immutable.
class NameTable {
 public:
  NameTable(std::initializer_list<NameRow> rows) : rows_(rows) {}
  explicit NameTable(std::vector<NameRow> rows) : rows_(std::move(rows)) {}

  /// The tensor of a parameter, or nothing if no row has such a part or layer. Throws Error if a pattern asks for a
  /// count that the role does not have.
  std::optional<std::string> find(const ParameterRole& role, std::span<const NameWord> words = {}) const;

  /// As TensorNaming.
  std::optional<TensorName> operator()(const Parameter& parameter, Task task) const;

 private:
  std::vector<NameRow> rows_;
};

}  // namespace zoo
