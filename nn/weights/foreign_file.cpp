#include "nn/weights/foreign_file.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace zoo::weights {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSaveWeights =
    "save the weights of the PyTorch model it was made from: torch.save(model.state_dict(), \"model.pth\")";
constexpr std::string_view kUnpack = "unpack it and give the checkpoint that is inside";
constexpr std::string_view kPicture = "a picture belongs to --source";
constexpr std::string_view kVideo = "a video belongs to --source";

struct Signature {
  size_t offset;
  std::string_view bytes;
  std::string_view is;
  std::string_view way_out;
};

constexpr std::array kSignatures = std::to_array<Signature>({
    {0, "PK\x03\x04"sv, "a zip archive (PyTorch's .pth?), not a safetensors file", ""},
    {0, "version https://git-lfs"sv, "a git-lfs pointer, not the checkpoint itself",
     "fetch the file with `git lfs pull`"},
    {0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file (Keras, TensorFlow)",
     "load it in Python and save the weights as safetensors"},
    {0, "GGUF"sv, "a GGUF file (llama.cpp)", kSaveWeights},
    {0, "lmgg"sv, "a GGML file", kSaveWeights},
    {4, "TFL3"sv, "a TensorFlow Lite model", kSaveWeights},
    {0, "ftrt"sv, "a TensorRT engine", kSaveWeights},
    {0, "\x93NUMPY"sv, "a NumPy array", "save the weights as safetensors"},
    {0, "\x1f\x8b"sv, "a gzip archive", kUnpack},
    {0, "BZh"sv, "a bzip2 archive", kUnpack},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "an xz archive", kUnpack},
    {0, "\x28\xb5\x2f\xfd"sv, "a zstd archive", kUnpack},
    {0, "\x04\x22\x4d\x18"sv, "an lz4 archive", kUnpack},
    {0, "7z\xbc\xaf\x27\x1c"sv, "a 7-Zip archive", kUnpack},
    {0, "Rar!\x1a\x07"sv, "a RAR archive", kUnpack},
    {257, "ustar"sv, "a tar archive", kUnpack},
    {0, "\xff\xd8\xff"sv, "a JPEG picture", kPicture},
    {0, "\x89PNG\r\n\x1a\n"sv, "a PNG picture", kPicture},
    {0, "GIF8"sv, "a GIF picture", kPicture},
    {0, "II*\0"sv, "a TIFF picture", kPicture},
    {0, "MM\0*"sv, "a TIFF picture", kPicture},
    {8, "WEBP"sv, "a WebP picture", kPicture},
    {8, "AVI "sv, "an AVI video", kVideo},
    {4, "ftyp"sv, "an MP4 video or HEIF picture", kVideo},
    {0, "\x1a\x45\xdf\xa3"sv, "a Matroska or WebM video", kVideo},
    {0, "%PDF-"sv, "a PDF document", ""},
    {0,
     "\x7f"
     "ELF"sv,
     "a program or library", ""},
    {0, "MZ"sv, "a Windows program", ""},
});

bool is_there(const Signature& signature, std::string_view head) {
  return head.size() >= signature.offset && head.substr(signature.offset).starts_with(signature.bytes);
}

std::string with_way_out(std::string_view is, std::string_view way_out) {
  std::string text(is);
  if (!way_out.empty()) text.append("; ").append(way_out);
  return text;
}

/// Protocol Buffers have no signature. ONNX's ModelProto begins with ir_version (field 1, a small number), then comes
/// another of its first fields; TensorFlow's SavedModel has schema version 1 there.
std::string describe_protobuf(std::string_view head) {
  if (head.size() < 3 || head[0] != '\x08') return {};
  if (head[1] == '\x01' && head[2] == '\x12') return with_way_out("a TensorFlow model", kSaveWeights);
  constexpr std::string_view kNextFields = "\x12\x1a\x22\x28\x32\x3a\x42";
  const bool is_model = head[1] >= 2 && head[1] <= 32 && kNextFields.find(head[2]) != std::string_view::npos;
  return is_model ? with_way_out("an ONNX model", kSaveWeights) : std::string();
}

bool is_text(std::string_view head) {
  return !head.empty() && std::ranges::all_of(head, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) return c == '\n' || c == '\r' || c == '\t';
    return byte != 0x7F && byte != 0xC0 && byte != 0xC1 && byte < 0xF5;  // these are in no UTF-8
  });
}

std::string describe_text(std::string_view head) {
  const size_t first = head.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  std::string start(head.substr(first, 14));
  std::ranges::transform(start, start.begin(),
                         [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  if (start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<?xml")) {
    return "a web page, not a checkpoint; the download went to a page about the file or to an error page";
  }
  if (!is_text(head)) return {};
  if (start.starts_with('{') || start.starts_with('[')) {
    return "a JSON file; of these only an index of safetensors files is read (model.safetensors.index.json)";
  }
  return "a text file (YAML?); the model file comes first, the checkpoint is what --checkpoint names";
}

}  // namespace

std::string describe_foreign_file(std::string_view head) {
  head = head.substr(0, kForeignHeadBytes);
  for (const Signature& signature : kSignatures) {
    if (is_there(signature, head)) return with_way_out(signature.is, signature.way_out);
  }
  if (head.starts_with('\x80')) return "a pickle (PyTorch's .pth?), not a safetensors file";
  if (std::string protobuf = describe_protobuf(head); !protobuf.empty()) return protobuf;
  if (std::ranges::all_of(head, [](char c) { return c == '\0'; }) && head.size() == kForeignHeadBytes) {
    return "a file of zeros; the download or the copy failed";
  }
  return describe_text(head);
}

}  // namespace zoo::weights
