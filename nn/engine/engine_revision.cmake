# Writes OUTPUT, a source file with a hash over SOURCES and BUILD (compiler, flags): times that were measured with other
# kernels count no more.
set(all "${BUILD}")
foreach(source IN LISTS SOURCES)
  file(SHA256 ${source} hash)
  string(APPEND all ${hash})
endforeach()
string(SHA256 revision "${all}")
string(SUBSTRING ${revision} 0 16 revision)
file(WRITE ${OUTPUT} "#include \"nn/engine/machine/revision.h\"

namespace zoo::engine {

const std::string_view kEngineRevision = \"${revision}\";

}  // namespace zoo::engine
")
