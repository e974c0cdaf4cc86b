# ONNX's targets are ONNX::onnx and ONNX::onnx_proto everywhere: in Debian 12 they have no namespace.
foreach(target onnx onnx_proto)
  if(NOT TARGET ONNX::${target})
    add_library(ONNX::${target} ALIAS ${target})
  endif()
endforeach()
