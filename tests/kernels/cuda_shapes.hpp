// Shapes of the GPU's tests, and the work that checking them is for the host.
#pragma once

#include <algorithm>
#include <vector>

#include "../../bench/gpu/check.hpp"
#include "../../bench/support/layers.hpp"
#include "../../kernels/forms.hpp"
#include "support/child.hpp"

namespace tinygan::test {

namespace gpu = tinygan::bench::gpu;

/// One product or partial. Operands start `offset` elements after a 16-byte boundary; a form may be forced.
struct ProductCase {
  GemmDims dims;
  index_t offset = 0;
  forms::Form form = {};
};
struct PartialCase {
  ConvDims dims;
  ConvSlot output;
  index_t offset = 0;
  forms::Form form = {};
};

inline index_t first_size(const ProductCase& c) { return c.dims.M * c.dims.K; }
inline index_t second_size(const ProductCase& c) { return c.dims.K * c.dims.N; }
inline index_t output_size(const ProductCase& c) { return c.dims.M * c.dims.N; }
inline index_t channels(const ProductCase& c) { return c.dims.N; }
inline index_t terms(const ProductCase& c) { return c.dims.K; }
inline index_t first_size(const PartialCase& c) { return gpu::first_size(c.dims, c.output); }
inline index_t second_size(const PartialCase& c) { return gpu::second_size(c.dims, c.output); }
inline index_t output_size(const PartialCase& c) { return gpu::output_size(c.dims, c.output); }
inline index_t channels(const PartialCase& c) { return c.output == ConvSlot::x ? c.dims.C : c.dims.K; }
inline index_t terms(const PartialCase& c) {
  const ConvDims& d = c.dims;
  return c.output == ConvSlot::w ? d.N * d.P * d.Q : d.R * d.S * (c.output == ConvSlot::g ? d.C : d.K);
}

inline void shrink(ProductCase& c) {
  c.dims.M = std::min<index_t>(c.dims.M, 41);
  c.dims.N = std::min<index_t>(c.dims.N, 37);
  c.dims.K = std::min<index_t>(c.dims.K, 50);
}
inline void shrink(PartialCase& c) {
  c.dims.N = std::min<index_t>(c.dims.N, 2);
  c.dims.C = std::min<index_t>(c.dims.C, 6);
  c.dims.K = std::min<index_t>(c.dims.K, 8);
}

inline void add_partials(std::vector<PartialCase>& all, const ConvDims& d, index_t offset = 0) {
  for (const ConvSlot output : {ConvSlot::g, ConvSlot::x, ConvSlot::w}) all.push_back({d, output, offset});
}

inline bool same_shape(const ProductCase& a, const ProductCase& b) { return a.dims == b.dims; }
inline bool same_shape(const PartialCase& a, const PartialCase& b) {
  return first_size(a) == first_size(b) && second_size(a) == second_size(b) && output_size(a) == output_size(b);
}

/// The networks' dense layers at batch 1, 37 and 128, the one with a single output at batch 1024, too; awkward shapes
/// in every transposition. Those with a single row, column or term: odd, shorter than a pack, a few sums of great
/// depth.
inline std::vector<ProductCase> network_products() {
  std::vector<ProductCase> all;
  for (const index_t batch : {1, 37, 128})
    for (const bench::DenseLayer& l : bench::dense_layers())
      for (const GemmDims& d :
           {bench::dense_forward(l, batch), bench::dense_input_grad(l, batch), bench::dense_weight_grad(l, batch)})
        all.push_back({d});
  const bench::DenseLayer single{"dcgan", "D.fc", 6272, 1};
  for (const GemmDims& d : {bench::dense_forward(single, 1024), bench::dense_input_grad(single, 1024),
                            bench::dense_weight_grad(single, 1024)})
    all.push_back({d});
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true})
      for (const GemmDims& d :
           {GemmDims{1, 1, 1}, GemmDims{33, 65, 129}, GemmDims{300, 500, 7}, GemmDims{512, 512, 512},
            GemmDims{1000, 520, 328}, GemmDims{1000, 1, 2309}, GemmDims{3, 1, 200'000}, GemmDims{6271, 1, 130},
            GemmDims{4099, 1, 5}, GemmDims{1, 6271, 136}, GemmDims{1, 10, 80'003}, GemmDims{1, 1, 262'147},
            GemmDims{127, 6271, 1}, GemmDims{300, 4, 1}, GemmDims{1, 4097, 1}, GemmDims{70'001, 1, 1}})
        for (const index_t offset : {0, 1}) all.push_back({{d.M, d.N, d.K, trans_a, trans_b}, offset});
  return all;
}

/// The networks' convolutions at batch 1, 19 and 128, and awkward shapes.
inline std::vector<PartialCase> network_partials() {
  std::vector<PartialCase> all;
  for (const index_t batch : {1, 19, 128})
    for (const bench::ConvLayer& l : bench::conv_layers(batch)) add_partials(all, l.dims);
  for (const index_t offset : {0, 1})
    for (const ConvDims& d : {conv_dims({131, 5, 3, 40}, {3, 2, 40, 136}, {2, 1, Padding::same(), 1, 2}),
                              conv_dims({100, 8, 8, 72}, {1, 1, 72, 104}, {1, 1, Padding::valid(), 1, 1}),
                              conv_dims({7, 11, 9, 17}, {4, 3, 17, 33}, {3, 2, Padding::all(2), 1, 1}),
                              conv_dims({128, 9, 9, 64}, {2, 2, 64, 96}, {3, 3, Padding::valid(), 1, 1}),
                              conv_dims({300, 31, 17, 1}, {3, 3, 1, 70}, {2, 1, Padding::same(), 1, 1}),
                              conv_dims({131, 15, 30, 141}, {4, 4, 141, 1}, {1, 1, Padding::same(), 1, 1})})
      add_partials(all, d, offset);
  return all;
}

/// For the emulated device: a family's cases made small, each once, those of little work. It is 20 times slower under
/// ThreadSanitizer.
template <class Case>
std::vector<Case> shrunk(const std::vector<Case>& cases) {
  std::vector<Case> all;
  const index_t most_products = support::sanitized ? 8'000 : 40'000;
  for (Case c : cases) {
    shrink(c);
    const auto same = [&](const Case& other) { return same_shape(other, c) && other.offset == c.offset; };
    if (output_size(c) * terms(c) <= most_products && std::none_of(all.begin(), all.end(), same)) all.push_back(c);
  }
  return all;
}

/// What the host does for a family in one arithmetic.
struct HostWork {
  double drawn = 0;     ///< random numbers
  double copied = 0;    ///< bytes from and to the device
  double products = 0;  ///< products summed in double for sampled outputs
  double read = 0;      ///< elements read for checksums
};

}  // namespace tinygan::test
