#include "nn/weights/pth_archive.h"

#include <algorithm>
#include <utility>
#include <zip.h>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

constexpr uint64_t kMaxEntries = 1'000'000;
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

PthArchive::PthArchive(std::span<const std::byte> bytes, std::string file) : file_(std::move(file)) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* const source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
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
  read_directory(bytes.size());
  check_byte_order();
}

PthArchive::~PthArchive() = default;

void PthArchive::read_directory(uint64_t archive_size) {
  // Before the entries: those of a program may be compressed.
  if (zip_name_locate(handle_->zip, "constants.pkl", ZIP_FL_NODIR | ZIP_FL_ENC_RAW) >= 0) {
    throw WeightError(
        fmt::format("{}: is a TorchScript program (torch.jit.save), not a checkpoint; save the weights in Python: "
                    "torch.save(model.state_dict(), \"model.pth\")",
                    file_));
  }
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
    if (stat.size > archive_size || total > archive_size - stat.size) {
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
    throw WeightError(fmt::format("{}: is a zip archive without data.pkl, so not a file of torch.save", file_));
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
