# Run at installation: copies `headers` from `source_dir` to `public_dir` with their includes of each other rewritten.
file(REMOVE_RECURSE ${public_dir})
foreach(header IN LISTS headers)
  file(READ ${source_dir}/${header} text)
  string(REGEX REPLACE "#include \"((nn|hub|backbones|heads|models|pipeline|sinks|streams)/[^\"]+)\"" "#include \"backbone_zoo/\\1\"" text
    "${text}")
  if(header STREQUAL "pipeline/zoo.h")
    set(header zoo.h)
  endif()
  file(WRITE ${public_dir}/${header} "${text}")
endforeach()
