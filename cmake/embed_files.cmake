# cmake -D files=a;b -D names=kA,kB -D header=x.h -D namespace=n -D output=out.cpp -P embed_files.cmake: the files' bytes as
# constants of type std::string_view, which the header declares.
string(REPLACE "," ";" names "${names}")
set(text "// Made by cmake/embed_files.cmake.\n#include \"${header}\"\n\nnamespace ${namespace} {\nnamespace {\n\n")
foreach(file name IN ZIP_LISTS files names)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND text "constexpr char ${name}Bytes[] = {${bytes}};\n")
  string(APPEND views "const std::string_view ${name}(${name}Bytes, sizeof ${name}Bytes);\n")
endforeach()
file(WRITE ${output} "${text}\n}  // namespace\n\n${views}\n}  // namespace ${namespace}\n")
