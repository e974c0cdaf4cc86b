// Every difference between oneDNN 2.x (Debian 12 has 2.6.3) and 3.x. The rest of the engine is the same for both.
#pragma once

#include <string>

#include <oneapi/dnnl/dnnl.hpp>

namespace zoo::engine::compat {

#if DNNL_VERSION_MAJOR >= 3
inline constexpr bool kIsVersion3 = true;
#else
inline constexpr bool kIsVersion3 = false;
#endif

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;

/// 2.x takes a scale before the algorithm.
inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(algorithm, alpha, beta);
#else
  ops.append_eltwise(1.0F, algorithm, alpha, beta);
#endif
}

/// Everything that describes a forward convolution for inference. `dilates` counts the gaps (0 = dense).
struct ConvolutionDesc {
  Desc src;
  Desc weights;
  Desc bias;  ///< zero descriptor for none
  Desc dst;
  Dims strides;
  Dims dilates;
  Dims pad_begin;
  Dims pad_end;
};

/// An empty primitive descriptor if oneDNN has no implementation. 2.x goes through an operation descriptor.
inline dnnl::convolution_forward::primitive_desc make_convolution(const dnnl::engine& engine, const ConvolutionDesc& d,
                                                                  const dnnl::primitive_attr& attr) {
  constexpr auto kKind = dnnl::prop_kind::forward_inference;
  constexpr auto kAlgorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine,    kKind,     kAlgorithm,  d.src,     d.weights, d.bias, d.dst,
          d.strides, d.dilates, d.pad_begin, d.pad_end, attr,      true};
#else
  const dnnl::convolution_forward::desc desc(kKind, kAlgorithm, d.src, d.weights, d.bias, d.dst, d.strides, d.dilates,
                                             d.pad_begin, d.pad_end);
  return {desc, attr, engine, true};
#endif
}

inline Dims dims_of(const Desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_dims();
#else
  return desc.dims();
#endif
}

inline bool is_empty(const dnnl::primitive_desc_base& desc) { return desc.get(true) == nullptr; }

}  // namespace zoo::engine::compat
