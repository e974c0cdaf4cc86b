#include "nn/engine/kernels/peak/peak.h"

namespace zoo::engine::kernels {

extern const PeakKernels kSsePeak;
extern const PeakKernels kAvx2Peak;
extern const PeakKernels kAvx512Peak;

const PeakKernels& peak_kernels(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return kAvx512Peak;
    case Isa::kAvx2:
      return kAvx2Peak;
    case Isa::kSse:
      break;
  }
  return kSsePeak;
}

}  // namespace zoo::engine::kernels
