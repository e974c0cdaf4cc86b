#include "nn/weights/pth_archive.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>
#include <utility>
#include <zip.h>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

constexpr uint64_t kMaxEntries = 1'000'000;
constexpr size_t kShownEntries = 8;
constexpr uint64_t kMaxPickleBytes = uint64_t{64} << 20U;

std::string text_of(zip_error_t& error) {
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

/// libzip 1.11 tells files that end early from files that were never archives.
bool is_without_directory(int code) {
#ifdef ZIP_ER_TRUNCATED_ZIP
  if (code == ZIP_ER_TRUNCATED_ZIP) return true;
#endif
  return code == ZIP_ER_NOZIP;
}

/// What is wrong with the name of an entry, or empty. Nothing is ever written under these names; one that tries to
/// leave the archive shows that the file was made to do harm.
std::string_view problem_of_name(std::string_view name) {
  if (name.empty()) return "has no name";
  if (name.front() == '/') return "is an absolute path";
  if (name.find('\\') != std::string_view::npos) return "has a backslash in its name";
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part == "..") return "steps out of its folder";
    if (part == "." || (part.empty() && end != name.size())) return "has an empty step in its path";
    begin = end + 1;
  }
  return {};
}

}  // namespace

struct PthArchive::Handle {
  explicit Handle(zip_t* archive) : zip(archive) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { zip_discard(zip); }

  zip_t* zip;
};

PthArchive::PthArchive(const InputFile& file, std::string name) : file_(std::move(name)), size_(file.size()) {
  // With a descriptor of its own, which libzip closes.
  const int descriptor = ::fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0);
  std::FILE* const stream = descriptor < 0 ? nullptr : ::fdopen(descriptor, "rb");
  if (stream == nullptr) {
    if (descriptor >= 0) ::close(descriptor);
    file.fail("cannot open the file a second time: " + errno_text());
  }
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* const source = zip_source_filep_create(stream, 0, -1, &error);
  if (source == nullptr) std::fclose(stream);
  zip_t* const zip = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (zip == nullptr) {
    if (source != nullptr) zip_source_free(source);
    if (is_without_directory(zip_error_code_zip(&error))) {
      zip_error_fini(&error);
      throw WeightError(
          fmt::format("{}: begins like a zip archive, but ends without its directory; is the download "
                      "complete?",
                      file_));
    }
    throw WeightError(fmt::format("{}: the directory of the zip archive is damaged ({})", file_, text_of(error)));
  }
  zip_error_fini(&error);
  handle_ = std::make_unique<Handle>(zip);
  read_directory();
  check_byte_order();
}

PthArchive::~PthArchive() = default;

void PthArchive::read_directory() {
  // Before the entries: those of a program may be compressed.
  if (zip_name_locate(handle_->zip, "constants.pkl", ZIP_FL_NODIR | ZIP_FL_ENC_RAW) >= 0) {
    throw WeightError(
        fmt::format("{}: is a TorchScript program (torch.jit.save), not a checkpoint; save the weights in Python: "
                    "torch.save(model.state_dict(), \"model.pth\")",
                    file_));
  }
  if (zip_name_locate(handle_->zip, "data.pkl", ZIP_FL_NODIR | ZIP_FL_ENC_RAW) < 0) fail_without_pickle();
  const auto count = static_cast<uint64_t>(zip_get_num_entries(handle_->zip, 0));
  if (count > kMaxEntries) {
    throw WeightError(fmt::format("{}: {} entries are over the limit of {}", file_, count, kMaxEntries));
  }
  uint64_t total = 0;
  for (uint64_t index = 0; index < count; ++index) {
    zip_stat_t stat;
    const char* const raw_name = zip_get_name(handle_->zip, index, ZIP_FL_ENC_RAW);
    if (raw_name == nullptr || zip_stat_index(handle_->zip, index, 0, &stat) != 0) {
      throw WeightError(fmt::format("{}: entry {} of the zip archive is damaged", file_, index));
    }
    const std::string_view name = raw_name;
    const auto fail = [&](std::string_view problem) {
      throw WeightError(fmt::format("{}: entry {} {}", file_, quoted_name(name), problem));
    };
    if (const std::string_view problem = problem_of_name(name); !problem.empty()) fail(problem);
    if (stat.encryption_method != ZIP_EM_NONE) fail("is encrypted");
    if (stat.comp_method != ZIP_CM_STORE) fail("is compressed, which PyTorch never does; save the file anew with it");
    if (stat.size != stat.comp_size) {
      fail(fmt::format("is stored in {} bytes, but claims {}", stat.comp_size, stat.size));
    }
    if (stat.size > size_ || total > size_ - stat.size) {
      fail(fmt::format("claims {} bytes; with those before it that is more than the file has", stat.size));
    }
    total += stat.size;
    if (folder_.empty()) folder_ = std::string(name.substr(0, name.find('/'))) + '/';
    if (!name.starts_with(folder_)) {
      fail(fmt::format("is outside of the folder {}, where PyTorch puts everything", quoted_name(folder_)));
    }
    if (!entries_.emplace(name.substr(folder_.size()), Entry{index, stat.size}).second) fail("is there twice");
  }
}

/// Says what kind of archive it is instead. Its entries may be of any form.
void PthArchive::fail_without_pickle() const {
  struct Kind {
    const char* entry;
    std::string_view is;
  };
  constexpr std::array<Kind, 5> kKinds = {
      {{"model.weights.h5", "a Keras model; load it in Python and save the weights as safetensors"},
       {"saved_model.pb", "a TensorFlow model; save the weights of the PyTorch model as safetensors"},
       {"[Content_Types].xml", "an office document"},
       {"AndroidManifest.xml", "an Android program"},
       {"META-INF/MANIFEST.MF", "a Java archive"}}};
  for (const Kind& kind : kKinds) {
    if (zip_name_locate(handle_->zip, kind.entry, ZIP_FL_ENC_RAW) < 0) continue;
    throw WeightError(fmt::format("{}: is a zip archive, but not of torch.save: it is {}", file_, kind.is));
  }
  std::vector<std::string> names;
  bool has_arrays = false;
  const zip_int64_t count = zip_get_num_entries(handle_->zip, 0);
  for (zip_int64_t index = 0; index < count && names.size() <= kShownEntries; ++index) {
    const char* const name = zip_get_name(handle_->zip, static_cast<zip_uint64_t>(index), ZIP_FL_ENC_RAW);
    if (name == nullptr) continue;
    names.push_back(quoted_name(name));
    has_arrays = has_arrays || std::string_view(name).ends_with(".npy");
  }
  if (has_arrays) {
    throw WeightError(
        fmt::format("{}: is a zip archive, but not of torch.save: it holds NumPy arrays (.npz); load them "
                    "in Python and save the weights as safetensors",
                    file_));
  }
  if (names.empty()) throw WeightError(fmt::format("{}: is a zip archive without entries", file_));
  if (names.size() > kShownEntries) names.back() = "...";
  throw WeightError(fmt::format(
      "{}: is a zip archive without data.pkl, so not a file of torch.save; it holds {}. If one of these is the "
      "checkpoint, unpack the archive and give that file",
      file_, fmt::join(names, ", ")));
}

void PthArchive::check_byte_order() const {
  const auto found = entries_.find("byteorder");
  if (found == entries_.end()) return;  // before PyTorch 2.0; in practice always little-endian
  std::string order(found->second.size, '\0');
  read("byteorder", found->second, std::as_writable_bytes(std::span(order)));
  if (order != "little") {
    throw WeightError(fmt::format("{}: byte order is {}; only \"little\" is read", file_, quoted_name(order)));
  }
}

std::string PthArchive::read_pickle() const {
  const auto found = entries_.find("data.pkl");
  if (found == entries_.end()) {
    fail_without_pickle();
  }
  if (found->second.size > kMaxPickleBytes) {
    throw WeightError(
        fmt::format("{}: data.pkl has {} bytes, the limit is {}", file_, found->second.size, kMaxPickleBytes));
  }
  std::string pickle(found->second.size, '\0');
  read("data.pkl", found->second, std::as_writable_bytes(std::span(pickle)));
  return pickle;
}

const PthArchive::Entry& PthArchive::storage(std::string_view key) const {
  const auto found = entries_.find(fmt::format("data/{}", key));
  if (found == entries_.end()) {
    throw WeightError(fmt::format("{}: has no entry {}, which a tensor needs", file_,
                                  quoted_name(fmt::format("{}data/{}", folder_, key))));
  }
  return found->second;
}

uint64_t PthArchive::storage_size(std::string_view key) const { return storage(key).size; }

void PthArchive::read_storage(std::string_view key, std::span<std::byte> dst) const {
  read(fmt::format("data/{}", key), storage(key), dst);
}

void PthArchive::read(const std::string& name, const Entry& entry, std::span<std::byte> dst) const {
  const auto fail = [&](const std::string& problem) {
    throw WeightError(fmt::format("{}: entry {} {}", file_, quoted_name(folder_ + name), problem));
  };
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> stream(zip_fopen_index(handle_->zip, entry.index, 0),
                                                                 zip_fclose);
  if (!stream) fail(fmt::format("cannot be read ({})", zip_strerror(handle_->zip)));
  while (!dst.empty()) {
    const zip_int64_t got = zip_fread(stream.get(), dst.data(), dst.size());
    if (got < 0) fail(fmt::format("is damaged ({})", zip_file_strerror(stream.get())));
    if (got == 0) fail("ends early");
    dst = dst.subspan(static_cast<size_t>(got));
  }
  // libzip compares the checksum when it meets the end of the entry.
  std::byte beyond{};
  if (zip_fread(stream.get(), &beyond, 1) < 0) fail(fmt::format("is damaged ({})", zip_file_strerror(stream.get())));
}

}  // namespace zoo::weights
