#include "nn/weights/checkpoint_file.h"

#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/file_access.h"
#include "nn/weights/pth_state_dict.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

enum class Format { kSafetensors, kZip, kPickle };

/// A safetensors file begins with 8 bytes of length, which may be any, and then '{'; neither of the others has that
/// there: the ninth byte of a zip entry is the compression method, that of a pickle the inside of an integer.
Format format_of(std::string_view bytes) {
  constexpr size_t kLengthBytes = 8;
  if (bytes.size() > kLengthBytes && bytes[kLengthBytes] == '{') return Format::kSafetensors;
  if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06")) return Format::kZip;
  if (bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] >= 1 && bytes[1] <= 5) return Format::kPickle;
  return Format::kSafetensors;
}

}  // namespace

CheckpointFile::CheckpointFile(const SafetensorsFile& file)
    : path_(file.path()), owner_(file.owner()), tensors_(file.tensors()) {
  build_index();
}

CheckpointFile CheckpointFile::open(const std::filesystem::path& path, const CheckpointFileOptions& options) {
  const std::string name = path.string();
  // Mapped twice when it is a safetensors file, which costs nothing.
  const std::shared_ptr<const MappedFile> mapping = MappedFile::open(path);
  const std::string_view bytes(reinterpret_cast<const char*>(mapping->bytes().data()), mapping->bytes().size());
  switch (format_of(bytes)) {
    case Format::kSafetensors: {
      CheckpointFile file = SafetensorsFile::open(path);
      if (!options.entry.empty()) {
        throw WeightError(fmt::format("{}: has no entry {}: a safetensors file holds tensors only", name,
                                      quoted_name(options.entry)));
      }
      return file;
    }
    case Format::kPickle:
      throw WeightError(
          fmt::format("{0}: this is a bare pickle, as PyTorch wrote before version 1.6 (.pth, .pt), which is not read. "
                      "Save it anew in Python: import torch; torch.save(torch.load(\"{0}\", map_location=\"cpu\", "
                      "weights_only=True), \"model.pth\")",
                      name));
    case Format::kZip:
      break;
  }
  PthStateDict state_dict = read_pth(mapping->bytes(), options.entry, name);
  CheckpointFile file;
  file.path_ = path;
  file.owner_ = std::move(state_dict.owner);
  file.tensors_ = std::move(state_dict.tensors);
  file.entry_ = std::move(state_dict.entry);
  file.other_entries_ = std::move(state_dict.other_entries);
  file.build_index();
  return file;
}

const StoredTensor* CheckpointFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

void CheckpointFile::build_index() {
  for (size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
}

}  // namespace zoo::weights
