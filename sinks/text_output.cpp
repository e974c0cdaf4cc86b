#include "sinks/text_output.h"

#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/shown_text.h"

namespace zoo::sinks {

TextOutput::TextOutput(std::string path) : path_(std::move(path)) {
  if (path_ == "-") {
    descriptor_ = STDOUT_FILENO;
    return;
  }
  holds_older_ = !is_special_file(path_);
  if (holds_older_) check_replaceable(path_);
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (holds_older_ ? O_NOFOLLOW : 0), 0666);
  if (descriptor_ < 0) throw IoError(fmt::format("{}: cannot be written: {}", path_, errno_text()));
  struct stat status = {};
  if (holds_older_ && ::fstat(descriptor_, &status) == 0 && status.st_nlink > 1) {
    ::close(descriptor_);
    throw IoError(
        fmt::format("{}: the file has another name (a hard link), which would lose its content; remove this "
                    "name or choose another file",
                    path_));
  }
}

TextOutput::~TextOutput() {
  if (descriptor_ >= 0 && descriptor_ != STDOUT_FILENO) ::close(descriptor_);
}

void TextOutput::write(std::string_view text) {
  const std::string shown = printable_lines(text);
  empty_once();
  if (!write_all(descriptor_, std::as_bytes(std::span(shown)))) {
    const int error = errno;
    // Only regular files can be cut; of others nothing can be taken back.
    [[maybe_unused]] const int cut = path_ == "-" ? 0 : ::ftruncate(descriptor_, size_);
    fail(error);
  }
  size_ += static_cast<int64_t>(shown.size());
}

void TextOutput::line(std::string_view text) { write(fmt::format("{}\n", text)); }

void TextOutput::finish() {
  if (descriptor_ < 0 || descriptor_ == STDOUT_FILENO) return;
  empty_once();
  if (::close(std::exchange(descriptor_, -1)) != 0) fail(errno);
}

void TextOutput::empty_once() {
  if (std::exchange(holds_older_, false) && ::ftruncate(descriptor_, 0) != 0) fail(errno);
}

void TextOutput::fail(int error) const {
  if (error == EPIPE) throw ClosedPipe();
  throw IoError(fmt::format("{}: writing failed: {}", path_ == "-" ? "standard output" : path_, errno_text(error)));
}

DocumentOutput::DocumentOutput(const std::string& path) {
  if (path != "-") file_ = std::make_unique<NewFile>(path);
}

void DocumentOutput::write(std::string_view text) {
  if (file_) {
    file_->write(text);
  } else {
    text_ += text;
  }
}

void DocumentOutput::finish() {
  if (file_) {
    file_->publish();
  } else {
    TextOutput().write(text_);
  }
}

}  // namespace zoo::sinks
