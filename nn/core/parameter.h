// A parameter of a network and the place it has in the structure. Tables beside families and heads turn that place into
// the tensor name of an ecosystem, so a network is described once and reads checkpoints of every trainer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/core/shape.h"
#include "nn/core/value_memory.h"

namespace zoo {

/// Which third of a network a parameter belongs to.
enum class Section { kBackbone, kNeck, kHead };

/// Which layer of a convolution-norm-activation group.
enum class Layer { kWeighted, kNorm, kActivation };

/// Which tensor of a layer.
enum class Field {
  kWeight,
  kBias,
  kRunningMean,
  kRunningVar,
  kGamma,  ///< factors of a layer scale
};

/// A number that belongs to a place: `stage` 2, `block` 0.
struct Count {
  std::string name;
  int value = 0;
  bool operator==(const Count&) const = default;
};

/// The place of a parameter in the structure of its network, in the words of the builder that makes it. Tables of names
/// (nn/core/name_table.h) go by it; nothing here knows the words.
struct ParameterRole {
  Section section = Section::kBackbone;
  std::string block = {};          ///< kind of building block, or head: `inverted_residual`, `fc`; empty: outside any
  std::string part = {};           ///< what it does there: `stem`, `expand`, `classifier`
  std::vector<Count> counts = {};  ///< which of several: `stage`, `block`, ...; from zero
  Layer layer = Layer::kWeighted;
  Field field = Field::kWeight;
  int rows_per_class = 1;  ///< of a classifier: outputs of one class, i.e. anchors per position; 0: not for classes

  /// The count of this name, or nothing.
  std::optional<int> count(std::string_view name) const;
  /// Sets it, also where there was none.
  void set_count(std::string_view name, int value);
};

class NetworkNames;  // nn/core/network_names.h

/// One tensor a network needs.
struct Parameter {
  std::string name;  ///< name of ours: node name plus field, e.g. `backbone.stage1.block0.expand.weight`
  Shape shape;       ///< as the network stores it: convolution [O, I/groups, kh, kw], linear [O, I], vectors [C]
  ParameterRole role;
  /// How ecosystems name the tensors of the network that this belongs to; nullptr: they know no such network.
  std::shared_ptr<const NetworkNames> names = nullptr;
};

/// Index of a parameter in the list it belongs to.
using ParameterId = int32_t;

/// Keeps memory behind parameter values alive.
class ValuesOwner {
 public:
  virtual ~ValuesOwner() = default;
  /// Says that nobody reads the values for now. What can be read again from a file leaves the memory until then; the
  /// values stay valid, also for those who do read them at the same time.
  virtual void set_aside() const {}
};

/// Values that have no other home.
class OwnedValues : public ValuesOwner {
 public:
  explicit OwnedValues(ValueVector numbers) : values(std::move(numbers)) {}
  ValueVector values;
};

/// Values for a list of parameters: `views[id]` has `parameters[id].shape.elements()` floats in row-major order.
/// The owners keep the memory behind the views alive (a mapped file, a converted buffer); copies share it.
/// Read-only after construction, so one object may be used from many threads.
struct ParameterValues {
  std::vector<std::span<const float>> views;
  std::vector<std::shared_ptr<const ValuesOwner>> owners;
};

}  // namespace zoo
