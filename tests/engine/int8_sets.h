// The instruction sets that tests of the int8 kernels run for.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "nn/engine/kernels/common/isa.h"

namespace zoo::engine {

/// All but the reference, which the others are compared with.
inline constexpr kernels::Int8Isa kInt8VectorSets[] = {kernels::Int8Isa::kAvx2, kernels::Int8Isa::kAvxVnni,
                                                       kernels::Int8Isa::kVnni, kernels::Int8Isa::kAmx};
inline constexpr kernels::Int8Isa kInt8Sets[] = {kernels::Int8Isa::kReference, kernels::Int8Isa::kAvx2,
                                                 kernels::Int8Isa::kAvxVnni, kernels::Int8Isa::kVnni,
                                                 kernels::Int8Isa::kAmx};

inline std::string int8_set_name(const ::testing::TestParamInfo<kernels::Int8Isa>& info) {
  return std::string(kernels::to_string(info.param));
}

}  // namespace zoo::engine
