// A backbone of residual blocks (He et al. 2015, arXiv:1512.03385), registered with the library from outside.
#pragma once

/// Makes `backbone: {name: residual}` known. Call it once, before loading models.
void register_residual_backbone();
