// The layers of the networks dcgan, article and libtorch, as the benchmarks and the roofline count them.
#pragma once

#include <string>
#include <vector>

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/backend/gemm_dims.hpp>

namespace tinygan::bench {

/// A convolution layer; of a transposed one, `dims` are those of the convolution that it is the adjoint of.
struct ConvLayer {
  std::string network, name;
  bool transposed;
  ConvDims dims;
};

struct DenseLayer {
  std::string network, name;
  index_t in, out;
};

inline std::vector<ConvLayer> conv_layers(index_t batch) {
  const auto square = [](index_t stride, Padding padding) {
    return ConvOptions{.stride_h = stride, .stride_w = stride, .padding = padding};
  };
  const ConvOptions same1 = square(1, Padding::same()), same2 = square(2, Padding::same());
  const ConvOptions pad1s2 = square(2, Padding::all(1)), valid = square(1, Padding::valid());
  std::vector<ConvLayer> layers;
  const auto conv = [&](const char* net, const char* name, index_t size, index_t in, index_t out, index_t kernel,
                        const ConvOptions& o) {
    layers.push_back({net, name, false, conv_dims({batch, size, size, in}, {kernel, kernel, in, out}, o)});
  };
  const auto transposed = [&](const char* net, const char* name, index_t size, index_t in, index_t out, index_t kernel,
                              const ConvOptions& o) {
    layers.push_back({net, name, true, conv_transpose_dims({batch, size, size, in}, {kernel, kernel, out, in}, o)});
  };
  transposed("dcgan", "G.ct1 256>128 5x5", 7, 256, 128, 5, same1);
  transposed("dcgan", "G.ct2 128>64 5x5/2", 7, 128, 64, 5, same2);
  transposed("dcgan", "G.ct3 64>1 5x5/2", 14, 64, 1, 5, same2);
  conv("dcgan", "D.c1 1>64 5x5/2", 28, 1, 64, 5, same2);
  conv("dcgan", "D.c2 64>128 5x5/2", 14, 64, 128, 5, same2);
  transposed("article", "G.ct1 128>128 5x5/2", 7, 128, 128, 5, same2);
  transposed("article", "G.ct2 128>128 5x5/2", 14, 128, 128, 5, same2);
  conv("article", "G.c 128>1 3x3", 28, 128, 1, 3, same1);
  conv("article", "D.c1 1>128 3x3/2", 28, 1, 128, 3, same2);
  conv("article", "D.c2 128>128 3x3/2", 14, 128, 128, 3, same2);
  transposed("libtorch", "G.ct1 100>256 4x4", 1, 100, 256, 4, valid);
  transposed("libtorch", "G.ct2 256>128 3x3/2", 4, 256, 128, 3, pad1s2);
  transposed("libtorch", "G.ct3 128>64 4x4/2", 7, 128, 64, 4, pad1s2);
  transposed("libtorch", "G.ct4 64>1 4x4/2", 14, 64, 1, 4, pad1s2);
  conv("libtorch", "D.c1 1>64 4x4/2", 28, 1, 64, 4, pad1s2);
  conv("libtorch", "D.c2 64>128 4x4/2", 14, 64, 128, 4, pad1s2);
  conv("libtorch", "D.c3 128>256 4x4/2", 7, 128, 256, 4, pad1s2);
  conv("libtorch", "D.c4 256>1 3x3", 3, 256, 1, 3, valid);
  return layers;
}

inline std::vector<DenseLayer> dense_layers() {
  return {{"dcgan", "G.fc", 100, 12544},
          {"dcgan", "D.fc", 6272, 1},
          {"article", "G.fc1", 100, 6272},
          {"article", "G.fc2", 6272, 6272},
          {"article", "D.fc", 6272, 1}};
}

/// The products of a dense layer y(batch,out) = x(batch,in) w(in,out).
inline GemmDims dense_forward(const DenseLayer& l, index_t batch) { return {.M = batch, .N = l.out, .K = l.in}; }
inline GemmDims dense_input_grad(const DenseLayer& l, index_t batch) {
  return {.M = batch, .N = l.in, .K = l.out, .trans_b = true};
}
inline GemmDims dense_weight_grad(const DenseLayer& l, index_t batch) {
  return {.M = l.in, .N = l.out, .K = batch, .trans_a = true};
}

}  // namespace tinygan::bench
