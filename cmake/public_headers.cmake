# Copies `headers` from `source_dir` to `public_dir` with their includes of each other rewritten. What has not changed keeps
# its time; what is no longer a public header goes.
cmake_policy(VERSION 3.22)  # a script starts without any

set(wanted "")
foreach(header IN LISTS headers)
  file(READ ${source_dir}/${header} text)
  string(REGEX REPLACE "#include \"((nn|hub|brokers|backbones|heads|models|pipeline|sinks|streams|serve)/[^\"]+)\"" "#include \"backbone_zoo/\\1\"" text
    "${text}")
  if(header STREQUAL "pipeline/zoo.h")
    set(header zoo.h)
  endif()
  list(APPEND wanted ${header})
  set(old "")
  if(EXISTS ${public_dir}/${header})
    file(READ ${public_dir}/${header} old)
  endif()
  if(NOT text STREQUAL old)
    file(WRITE ${public_dir}/${header} "${text}")
  endif()
endforeach()
file(GLOB_RECURSE there RELATIVE ${public_dir} ${public_dir}/*)
foreach(file IN LISTS there)
  if(NOT file IN_LIST wanted)
    file(REMOVE ${public_dir}/${file})
  endif()
endforeach()
