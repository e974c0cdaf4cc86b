// How the ecosystems name the tensors of necks and heads in their checkpoints: one function per neck or head, each in a
// file of its own. Ecosystems that a function does not list have no such structure.
#pragma once

#include "nn/core/network_names.h"

namespace zoo::heads {

HeadNames fc_names();
HeadNames fc_conv_names();
HeadNames fpn_names();
HeadNames anchor_decoupled_head_names();
HeadNames all_mlp_decoder_names();
HeadNames ssdlite_names();
HeadNames lraspp_names();
HeadNames deeplabv3_names();

}  // namespace zoo::heads
