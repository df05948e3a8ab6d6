// Weights: the parameters and buffers of models as named tensors of a safetensors file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tinygan/base/outline.hpp>
#include <tinygan/io/extents.hpp>
#include <tinygan/io/half.hpp>
#include <tinygan/io/safetensors.hpp>
#include <tinygan/io/stored_values.hpp>
#include <tinygan/nn/module.hpp>

namespace tinygan::io {

/// A tensor and its name in a file.
template <class T>
struct NamedTensor {
  std::string name;
  Tensor<T> tensor;
};

/// A model and the prefix of its tensors' names in a file: "generator" for "generator.conv2d.kernel", "" for
/// "conv2d.kernel".
template <class T>
struct NamedModule {
  std::string name;
  const nn::Module<T>* module;
};

/// What load_weights() makes of a file that has more than the model.
struct LoadOptions {
  bool strict = true;  ///< reject files with unexpected tensors
};

/// Appends tensors, copied to host memory.
template <class T>
void add_tensors(SafetensorsFile& file, const std::vector<NamedTensor<T>>& tensors) {
  for (const NamedTensor<T>& n : tensors) {
    const Shape& s = n.tensor.shape();
    const std::vector<T> values = n.tensor.to_vector();
    file.add<T>(n.name, values, {s.begin(), s.end()});
  }
}

namespace detail {

/// Throws Error naming the tensors of a file that are not in `wanted`.
template <class T>
void check_no_others(const SafetensorsFile& file, const std::string& file_name,
                     const std::vector<NamedTensor<T>>& wanted) {
  std::set<std::string_view> expected;
  for (const NamedTensor<T>& n : wanted) expected.insert(n.name);
  constexpr std::size_t max_named = 5;
  std::size_t others = 0;
  std::string names;
  for (const SafetensorsEntry& e : file.tensors)
    if (!expected.contains(e.name) && ++others <= max_named)
      names += text(others > 1 ? ", " : "", detail::shown(e.name));
  check(others == 0, file_name, "holds tensors that are not expected: ", names,
        others > max_named ? text(" and ", others - max_named, " more") : std::string(),
        "; LoadOptions{.strict = false} ignores them");
}

}  // namespace detail

/// Rounds the file's F32 tensors to F16, half the bytes.
void narrow_to_half(SafetensorsFile& file);

/// Loads the named tensors; float tensors from F16 and BF16, too. Throws Error naming file and tensor if one is
/// missing, if one has another shape or type, or, if `strict`, if the file holds other tensors; all tensors are then
/// unchanged.
template <class T>
void load_tensors(const SafetensorsFile& file, const std::string& file_name, const std::vector<NamedTensor<T>>& wanted,
                  const LoadOptions& options = {}) {
  for (const NamedTensor<T>& n : wanted) {
    const SafetensorsEntry* e = file.find(n.name);
    check(e != nullptr, file_name, "has no tensor '", n.name, "'");
    check(detail::widens_to<T>(e->dtype), file_name, "tensor '", n.name, "' is ", detail::printable(e->dtype_name()),
          ", expected ", dtype_info(dtype_of<T>()).name);
    const Shape& shape = n.tensor.shape();
    check(std::equal(e->shape.begin(), e->shape.end(), shape.begin(), shape.end()), file_name, "tensor '", n.name,
          "' has the shape ", shape_text(e->shape), ", expected ", shape);
    const auto bytes = static_cast<std::size_t>(n.tensor.size() * dtype_info(e->dtype).bits / 8);
    check(e->bytes.size() == bytes, file_name, "tensor '", n.name, "' has ", e->bytes.size(), " bytes, expected ",
          bytes);
  }
  if (options.strict) detail::check_no_others(file, file_name, wanted);
  for (const NamedTensor<T>& n : wanted) n.tensor.copy_from(std::span<const T>(detail::widened<T>(*file.find(n.name))));
}

/// The tensors of a model in a file: master weights and buffers.
template <class T>
auto file_tensors(const NamedModule<T>& m) {
  const std::string prefix = m.name.empty() ? "" : m.name + ".";
  std::vector<NamedTensor<typename nn::Module<T>::Wide>> all;
  for (const auto& n : m.module->named_parameters()) all.push_back({prefix + n.name, n.variable.master()});
  for (const auto& n : m.module->named_buffers()) all.push_back({prefix + n.name, n.variable.value()});
  return all;
}

/// Appends a model's tensors, in the layouts of docs/architecture.md (NHWC, HWIO), in host memory. Those of a bfloat16
/// model are its fp32 master weights: a file fits models of either type.
template <class T>
void add_weights(io::SafetensorsFile& file, const NamedModule<T>& m) {
  add_tensors(file, file_tensors(m));
}

/// Loads the tensors of several models. Throws Error as load_tensors does; all models are then unchanged.
template <class T>
void load_weights(const SafetensorsFile& file, const std::string& file_name, const std::vector<NamedModule<T>>& models,
                  const LoadOptions& options = {}) {
  std::vector<NamedTensor<typename nn::Module<T>::Wide>> all;
  for (const NamedModule<T>& m : models)
    for (auto& n : file_tensors(m)) all.push_back(std::move(n));
  load_tensors(file, file_name, all, options);
  for (const NamedModule<T>& m : models) m.module->round_masters();
}

/// Loads the tensors of one model. Throws Error as load_tensors does; the model is then unchanged.
template <class T>
void load_weights(const SafetensorsFile& file, const std::string& file_name, const NamedModule<T>& m,
                  const LoadOptions& options = {}) {
  load_weights(file, file_name, std::vector{m}, options);
}

/// Writes a model's parameters and buffers to a safetensors file, atomically. Throws Error if that fails.
template <class T>
void save(const std::filesystem::path& path, const nn::Module<T>& model) {
  SafetensorsFile file;
  add_weights(file, NamedModule<T>{"", &model});
  write_safetensors(path, file);
}

/// Loads a file of save() into a model of the same architecture. Throws Error naming file and tensor if one is missing,
/// unexpected, or has another shape; the model is then unchanged.
template <class T>
void load(const std::filesystem::path& path, const nn::Module<T>& model) {
  load_weights(read_safetensors(path), path.string(), NamedModule<T>{"", &model});
}

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io {

TINYGAN_FUNC void narrow_to_half(SafetensorsFile& file) {
  for (SafetensorsEntry& e : file.tensors) {
    if (e.dtype != DType::F32) continue;
    const std::size_t count = e.bytes.size() / sizeof(float);
    std::vector<std::uint8_t> bytes(2 * count);
    for (std::size_t i = 0; i < count; ++i) {
      float value = 0;
      std::memcpy(&value, e.bytes.data() + i * sizeof value, sizeof value);
      const std::uint16_t half = to_half(value);
      bytes[2 * i] = static_cast<std::uint8_t>(half);
      bytes[2 * i + 1] = static_cast<std::uint8_t>(half >> 8);
    }
    e.bytes = std::move(bytes);
    e.dtype = DType::F16;
  }
}

}  // namespace tinygan::io

#endif
