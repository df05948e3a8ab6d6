// Weights: the parameters and buffers of models as named tensors of a safetensors file.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <tinygan/io/safetensors.hpp>
#include <tinygan/nn/module.hpp>

namespace tinygan::train {

/// A tensor and the name it is filed under.
template <class T>
struct NamedTensor {
  std::string name;
  Tensor<T> tensor;
};

/// A model and the name its tensors are filed under, e.g. "generator" for "generator.conv2d.kernel".
template <class T>
struct NamedModule {
  std::string name;
  const nn::Module<T>* module;
};

/// Appends tensors, copied to host memory.
template <class T>
void add_tensors(io::SafetensorsFile& file, const std::vector<NamedTensor<T>>& tensors) {
  for (const NamedTensor<T>& n : tensors) {
    const Shape& s = n.tensor.shape();
    const std::vector<T> values = n.tensor.to_vector();
    file.add<T>(n.name, values, {s.begin(), s.end()});
  }
}

/// Fills tensors from a file that may hold others besides. Throws Error naming file and tensor if one is missing or has
/// another shape or type; all tensors are then unchanged.
template <class T>
void load_tensors(const io::SafetensorsFile& file, const std::string& file_name,
                  const std::vector<NamedTensor<T>>& wanted) {
  for (const NamedTensor<T>& n : wanted) {
    const io::SafetensorsEntry* e = file.find(n.name);
    check(e != nullptr, file_name, "has no tensor '", n.name, "'");
    check(e->dtype == io::dtype_of<T>(), file_name, "tensor '", n.name, "' is ", io::dtype_info(e->dtype).name,
          ", expected ", io::dtype_info(io::dtype_of<T>()).name);
    const Shape& shape = n.tensor.shape();
    check(std::equal(e->shape.begin(), e->shape.end(), shape.begin(), shape.end()), file_name, "tensor '", n.name,
          "' has another shape than the model's ", shape);
  }
  for (const NamedTensor<T>& n : wanted) n.tensor.copy_from(std::span<const T>(file.values<T>(n.name)));
}

namespace detail {

template <class T>
std::vector<NamedTensor<T>> all_tensors(const NamedModule<T>& m) {
  std::vector<NamedTensor<T>> all;
  for (const nn::Named<T>& n : m.module->named_parameters()) all.push_back({m.name + "." + n.name, n.variable.value()});
  for (const nn::Named<T>& n : m.module->named_buffers()) all.push_back({m.name + "." + n.name, n.variable.value()});
  return all;
}

}  // namespace detail

/// Appends a model's tensors, in the layouts of docs/architecture.md (NHWC, HWIO), in host memory.
template <class T>
void add_weights(io::SafetensorsFile& file, const NamedModule<T>& m) {
  add_tensors(file, detail::all_tensors(m));
}

/// Fills a model from a file that may hold others besides. Throws Error naming file and tensor if one is missing or has
/// another shape or type; the model is then unchanged.
template <class T>
void load_weights(const io::SafetensorsFile& file, const std::string& file_name, const NamedModule<T>& m) {
  load_tensors(file, file_name, detail::all_tensors(m));
}

}  // namespace tinygan::train
