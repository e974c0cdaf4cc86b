// Steps that re-arrange values. Internal to nn/engine.
#pragma once

#include <memory>
#include <string_view>

#include "nn/engine/lower/network_values.h"

namespace zoo::engine {

/// The bytes of `src` re-arranged, between planar and blocked, or blocked and channels-last.
std::unique_ptr<Step> make_relayout(const NetworkFacts& network, const NetworkValues& values, ValueId src, ValueId dst,
                                    std::string_view name);

}  // namespace zoo::engine
