#include "nn/core/error.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "nn/core/shown_text.h"

namespace zoo {
namespace {

/// Of a ConfigError, in its message; problems() has them all.
constexpr size_t kMaxShown = 200;

std::vector<std::string> shown(std::vector<std::string> problems) {
  for (std::string& problem : problems) problem = without_secrets(printable(problem));
  return problems;
}

std::string join_lines(const std::vector<std::string>& lines) {
  const size_t shown = std::min(lines.size(), kMaxShown);
  std::string text = fmt::to_string(fmt::join(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(shown), "\n"));
  if (shown < lines.size()) text += fmt::format("\n{} more problems are not shown", lines.size() - shown);
  return text;
}

}  // namespace

Error::Error(const std::string& what) : std::runtime_error(without_secrets(printable(what))) {}

Error::Error(const Lines& what) : std::runtime_error(without_secrets(printable_lines(what.text))) {}

ConfigError::ConfigError(std::vector<std::string> problems)
    : Error(Lines{join_lines(problems = shown(std::move(problems)))}), problems_(std::move(problems)) {}

void rethrow_as_error(std::string_view what) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw EngineError(fmt::format("{}: out of memory", what));
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string path = error.path1().string();
    throw IoError(fmt::format("{}: {}{}{}", what, path, path.empty() ? "" : ": ", error.code().message()));
  } catch (const std::system_error& error) {
    throw EngineError(fmt::format("{}: {}", what, error.what()));
  } catch (const std::exception& error) {
    throw Error(fmt::format("{}: {}", what, error.what()));
  }
}

}  // namespace zoo
