#include "pipeline/video/gstreamer_check.h"

#include <dlfcn.h>
#include <memory>

namespace zoo::pipeline {
namespace {

// The stable interface of GStreamer 1.x and GLib 2.x, of which five functions are wanted.
struct GError {
  unsigned domain;
  int code;
  char* message;
};
constexpr int kFatalErrors = 1;  // GST_PARSE_FLAG_FATAL_ERRORS: a missing element leaves no pipeline

struct GStreamer {
  int (*init)(int*, char***, GError**) = nullptr;
  void* (*parse)(const char*, void*, int, GError**) = nullptr;
  void (*unref)(void*) = nullptr;
  void (*free_error)(GError*) = nullptr;

  bool is_there() const { return init != nullptr && parse != nullptr && unref != nullptr && free_error != nullptr; }
};

template <typename Function>
void find(void* library, const char* name, Function& function) {
  // dlsym is specified to yield functions through an object pointer.
  function = reinterpret_cast<Function>(dlsym(library, name));
}

/// The libraries stay loaded: GStreamer cannot be unloaded.
const GStreamer& gstreamer() {
  static const GStreamer found = [] {
    GStreamer functions;
    void* const gst = dlopen("libgstreamer-1.0.so.0", RTLD_LAZY);
    void* const glib = dlopen("libglib-2.0.so.0", RTLD_LAZY);
    if (gst == nullptr || glib == nullptr) return functions;
    find(gst, "gst_init_check", functions.init);
    find(gst, "gst_parse_launch_full", functions.parse);
    find(gst, "gst_object_unref", functions.unref);
    find(glib, "g_error_free", functions.free_error);
    return functions;
  }();
  return found;
}

std::string text_of(GError* error) {
  if (error == nullptr) return "";
  const std::unique_ptr<GError, void (*)(GError*)> owner(error, gstreamer().free_error);
  return error->message;
}

}  // namespace

std::string pipeline_problem(const std::string& description) {
  const GStreamer& gst = gstreamer();
  if (!gst.is_there()) return "";
  GError* error = nullptr;
  if (gst.init(nullptr, nullptr, &error) == 0) return text_of(error);
  void* const pipeline = gst.parse(description.c_str(), nullptr, kFatalErrors, &error);
  if (pipeline != nullptr) gst.unref(pipeline);
  return text_of(error);
}

}  // namespace zoo::pipeline
