// A classification head, registered with the library from outside.
#pragma once

/// Makes `head: {name: pointwise}` known. Call it once, before loading models.
void register_pointwise_head();
