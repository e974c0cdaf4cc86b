#include "nn/core/module.h"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo {
namespace {

constexpr const char* kPathVariable = "ZOO_MODULE_PATH";

/// What to open: a path, or a name that the dynamic linker looks for.
std::string place_of(const std::string& file) {
  const char* folder = std::getenv(kPathVariable);
  if (folder == nullptr || *folder == '\0') return file;
  const std::filesystem::path path = std::filesystem::path(folder) / file;
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? path.string() : file;
}

std::string last_problem() {
  const char* problem = dlerror();
  return problem == nullptr ? "unknown" : problem;
}

}  // namespace

const void* load_module(const ModuleInfo& info) {
  const std::string file = fmt::format("backbone_zoo_{}.so", info.name);
  const auto fail = [&](const std::string& problem) {
    const std::string help =
        info.package.empty() ? "" : fmt::format("Debian 12's package {} has the libraries it needs, ", info.package);
    throw Error(fmt::format(
        "{} needs the module {}, which cannot be loaded: {}; {}the variable {} names the folder of the zoo's "
        "modules where they are not beside the library",
        info.purpose, file, problem, help, kPathVariable));
  };
  void* module = dlopen(place_of(file).c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (module == nullptr) fail(last_problem());
  const auto* version = static_cast<const char*>(dlsym(module, "zoo_module_version"));
  if (version == nullptr) fail("it is no module of the zoo");
  if (std::string_view(version) != ZOO_MODULE_VERSION) {
    fail(fmt::format("it is of version {}, expected {}", version, ZOO_MODULE_VERSION));
  }
  void* entry = dlsym(module, fmt::format("zoo_module_{}", info.name).c_str());
  if (entry == nullptr) fail(last_problem());
  return reinterpret_cast<const void* (*)()>(entry)();
}

void throw_left_out(const ModuleInfo& info) {
  throw Error(fmt::format("{} is not in this build of the zoo, which was made with {}=OFF; make it with {}=ON",
                          info.purpose, info.option, info.option));
}

}  // namespace zoo
