#include "heads/names/head_names.h"
#include "nn/core/name_table.h"

namespace zoo::heads {

HeadNames fpn_names() {
  return {{Ecosystem::kNetsPresso,
           NameTable{{"fpn.lateral", "neck.lateral_convs.{level}"}, {"fpn.output", "neck.fpn_convs.{level}"}}}};
}

}  // namespace zoo::heads
