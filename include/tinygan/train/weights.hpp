// Weights: the parameters and buffers of models as named tensors of a safetensors file.
#pragma once

#include <string>
#include <vector>

#include <tinygan/io/safetensors.hpp>
#include <tinygan/nn/module.hpp>

namespace tinygan::train {

/// A model and the name its tensors are filed under, e.g. "generator" for "generator.conv2d.kernel".
template <class T>
struct NamedModule {
  std::string name;
  const nn::Module<T>* module;
};

namespace detail {

template <class T>
std::vector<nn::Named<T>> all_tensors(const NamedModule<T>& m) {
  std::vector<nn::Named<T>> all = m.module->named_parameters();
  for (nn::Named<T>& b : m.module->named_buffers()) all.push_back(std::move(b));
  for (nn::Named<T>& n : all) n.name = m.name + "." + n.name;
  return all;
}

}  // namespace detail

/// Appends a model's tensors, in the layouts of docs/architecture.md (NHWC, HWIO), in host memory.
template <class T>
void add_weights(io::SafetensorsFile& file, const NamedModule<T>& m) {
  for (const nn::Named<T>& n : detail::all_tensors(m)) {
    const Shape& s = n.variable.shape();
    const std::vector<T> values = n.variable.value().to_vector();
    file.add<T>(n.name, values, {s.begin(), s.end()});
  }
}

/// Fills a model from a file that may hold others besides. Throws Error naming file and tensor if one is missing or has
/// another shape or type; the model is then unchanged.
template <class T>
void load_weights(const io::SafetensorsFile& file, const std::string& file_name, const NamedModule<T>& m) {
  const std::vector<nn::Named<T>> wanted = detail::all_tensors(m);
  for (const nn::Named<T>& n : wanted) {
    const io::SafetensorsEntry* e = file.find(n.name);
    check(e != nullptr, file_name, "has no tensor '", n.name, "'");
    check(e->dtype == io::dtype_of<T>(), file_name, "tensor '", n.name, "' is ", io::dtype_info(e->dtype).name, ", expected ",
          io::dtype_info(io::dtype_of<T>()).name);
    check(std::equal(e->shape.begin(), e->shape.end(), n.variable.shape().begin(), n.variable.shape().end()), file_name,
          "tensor '", n.name, "' has another shape than the model's ", n.variable.shape());
  }
  for (const nn::Named<T>& n : wanted) n.variable.value().copy_from(file.values<T>(n.name));
}

}  // namespace tinygan::train
