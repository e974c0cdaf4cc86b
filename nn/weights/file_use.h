// Whether the values of a checkpoint live in memory of their own or in its file.
#pragma once

namespace zoo::weights {

/// What a loaded checkpoint has to do with its file afterwards.
enum class FileUse {
  /// Nothing: everything that is needed is in memory when it is loaded. The file may be overwritten, cut or removed.
  kCopy,
  /// A safetensors file is mapped, and its F32 tensors are used where they are: they take memory only while they are
  /// read, and none once a network is compiled. For whoever compiles soon and once. The file must not be written to in
  /// the meantime (replacing it by another one, as write_safetensors does, is safe). That somebody has is noticed
  /// before
  /// and after each compilation, and by all who read values later (WeightError); but cutting the file at the very
  /// moment that it is read ends the process (SIGBUS), which no check can rule out. Files of other formats, and tensors
  /// of other types, are copied all the same.
  kInPlace,
};

}  // namespace zoo::weights
