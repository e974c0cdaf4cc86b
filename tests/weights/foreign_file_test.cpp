// Files that are no checkpoints are named as what they are.
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/weights/pth_files.h"

namespace zoo::weights {
namespace {

using namespace std::string_literals;

struct Foreign {
  std::string name;
  std::string bytes;
  std::string says;  ///< part of the message
};

std::ostream& operator<<(std::ostream& stream, const Foreign& foreign) { return stream << foreign.name; }

class ForeignFile : public FileTest, public testing::WithParamInterface<Foreign> {};

TEST_P(ForeignFile, IsNamedWithTheWayOut) {
  const std::string message = checkpoint_error(write("model.bin", GetParam().bytes));
  EXPECT_THAT(message, testing::HasSubstr(GetParam().says));
}

// So long that the first bytes decide.
std::string file(const std::string& begin) { return begin + std::string(600, '\x11'); }

const std::vector<Foreign> kForeign = {
    {"Onnx", file("\x08\x08\x12\x07pytorch"s), "this is an ONNX model; save the weights of the PyTorch model"},
    {"OnnxWithGraphFirst", file("\x08\x07\x3a\xff\x01"s), "this is an ONNX model"},
    {"SavedModel", file("\x08\x01\x12\xff\x01"s), "this is a TensorFlow model"},
    {"Hdf5", file("\x89HDF\r\n\x1a\n"s), "this is an HDF5 file (Keras, TensorFlow); load it in Python and save"},
    {"Gguf", file("GGUF\3\0\0\0"s), "this is a GGUF file (llama.cpp); save"},
    {"TfLite", file("\x1c\0\0\0TFL3"s), "this is a TensorFlow Lite model; save"},
    {"TensorRt", file("ftrt"), "this is a TensorRT engine"},
    {"NumPy", file("\x93NUMPY\1\0"s), "this is a NumPy array; save"},
    {"Gzip", file("\x1f\x8b\x08"s), "this is a gzip archive; unpack it and give the checkpoint"},
    {"Bzip2", file("BZh9"), "this is a bzip2 archive; unpack it"},
    {"Xz", file("\xfd"s + "7zXZ\0"s), "this is an xz archive; unpack it"},
    {"Zstd", file("\x28\xb5\x2f\xfd"), "this is a zstd archive; unpack it"},
    {"SevenZip", file("7z\xbc\xaf\x27\x1c"), "this is a 7-Zip archive; unpack it"},
    {"Tar", std::string(257, 'a') + "ustar" + std::string(300, '\0'), "this is a tar archive; unpack it"},
    {"Jpeg", file("\xff\xd8\xff\xe0"), "this is a JPEG picture; a picture belongs to --source"},
    {"Png", file("\x89PNG\r\n\x1a\n"), "this is a PNG picture"},
    {"Gif", file("GIF89a"), "this is a GIF picture"},
    {"Tiff", file("II*\0"s), "this is a TIFF picture"},
    {"WebP", file("RIFF\1\2\3\4WEBP"), "this is a WebP picture"},
    {"Mp4", file("\0\0\0\x20"s + "ftypisom"), "this is an MP4 video"},
    {"Matroska", file("\x1a\x45\xdf\xa3"), "this is a Matroska or WebM video"},
    {"Pdf", file("%PDF-1.7"), "this is a PDF document"},
    {"Elf", file("\x7f"s + "ELF"), "this is a program or library"},
    {"Zeros", std::string(4096, '\0'), "this is a file of zeros; the download or the copy failed"},
    {"Yaml", "model:\n  task: classification\n  name: x\n", "this is a text file (YAML?); the model file comes first"},
    {"Text", "some words of no meaning\n", "this is a text file"},
    {"JsonList", "[1, 2, 3, 4, 5, 6]\n", "this is a JSON file; of these only an index of safetensors files is read"},
    {"JsonObject", "{\"model_type\": \"resnet\"}\n", "is JSON without weight_map"},
    {"Keras",
     zip_bytes({{.name = "config.json", .data = "{}", .method = 8}, {.name = "model.weights.h5", .data = "x"}}),
     "is a zip archive, but not of torch.save: it is a Keras model"},
    {"Npz", zip_bytes({{.name = "arr_0.npy", .data = "x"}}), "it holds NumPy arrays (.npz)"},
    {"ZipOfACheckpoint", zip_bytes({{.name = "best.safetensors", .data = "x"}}),
     "it holds \"best.safetensors\". If one of these is the checkpoint, unpack the archive and give that file"},
};

INSTANTIATE_TEST_SUITE_P(Formats, ForeignFile, testing::ValuesIn(kForeign),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace zoo::weights
