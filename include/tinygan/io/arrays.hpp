// Named tensors in files in one line: NumPy's npz and safetensors, with elements of any type beside each other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/autograd/variable.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/io/npz_reader.hpp>
#include <tinygan/io/stored_values.hpp>

namespace tinygan::io {

/// A name and the values of a tensor of any element type, in host memory. Copies share the values.
class NamedArray {
 public:
  /// Throws Error if the tensor is empty.
  template <class T>
  NamedArray(std::string name, const Tensor<T>& x) {
    static_assert(!std::is_same_v<T, bool>, "save a tensor of bytes");
    const std::vector<T> values = x.to_vector();
    SafetensorsFile file;
    file.add<T>(std::move(name), values, {x.shape().begin(), x.shape().end()});
    entry_ = std::make_shared<const SafetensorsEntry>(std::move(file.tensors.front()));
  }
  template <class T>
  NamedArray(std::string name, const Variable<T>& x) : NamedArray(std::move(name), x.value()) {}
  /// An entry of `file`, which the texts of errors name.
  NamedArray(SafetensorsEntry entry, std::string file)
      : entry_(std::make_shared<const SafetensorsEntry>(std::move(entry))), file_(std::move(file)) {}

  const std::string& name() const { return entry_->name; }
  const std::vector<index_t>& shape() const { return entry_->shape; }
  const SafetensorsEntry& entry() const { return *entry_; }

  /// The values on a device: of the same element type, half precision also as float, booleans as bytes. Throws Error
  /// naming file and array on another type, on more than six axes and on an axis without elements.
  template <class T>
  Tensor<T> tensor(Device device = Device::cpu()) const {
    const SafetensorsEntry& e = *entry_;
    const bool boolean = std::is_same_v<T, std::uint8_t> && e.dtype == DType::BOOL;
    check(boolean || detail::widens_to<T>(e.dtype), file_, "array ", detail::shown(e.name), " is ",
          detail::printable(e.dtype_name()), ", expected ", dtype_info(dtype_of<T>()).name);
    const Shape s = tensor_shape();
    if constexpr (std::is_same_v<T, std::uint8_t>) return Tensor<T>::from(std::span<const T>(e.bytes), s, device);
    else return Tensor<T>::from(std::span<const T>(detail::widened<T>(e)), s, device);
  }

  /// Tensor<float> x = load_npz("file.npz")["x"]. Throws Error as tensor() does.
  template <class T>
  operator Tensor<T>() const {  // NOLINT: implicit
    return tensor<T>();
  }

 private:
  Shape tensor_shape() const;

  std::shared_ptr<const SafetensorsEntry> entry_;
  std::string file_ = "memory";
};

/// The arrays of a file, in its order.
class ArrayFile {
 public:
  ArrayFile(std::vector<NamedArray> arrays, std::string file) : arrays_(std::move(arrays)), file_(std::move(file)) {}

  const std::vector<NamedArray>& all() const { return arrays_; }
  /// Whether the file has an array of that name.
  bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// The array of that name. Throws Error naming the file and its arrays if there is none.
  NamedArray operator[](std::string_view name) const;

  /// The array of that name as a tensor. Throws Error if there is none, or if its elements do not fit T.
  template <class T>
  Tensor<T> tensor(std::string_view name, Device device = Device::cpu()) const {
    return (*this)[name].template tensor<T>(device);
  }

 private:
  const NamedArray* find(std::string_view name) const;

  std::vector<NamedArray> arrays_;
  std::string file_;
};

/// Writes tensors and variables as an .npz file, atomically: save_npz("file.npz", {{"x", x}, {"labels", labels}}).
/// bfloat16, which NumPy does not have, is written as float. Throws Error naming the file if two arrays have one name
/// or an element type is not NumPy's, and as write_npz does.
void save_npz(const std::filesystem::path& path, const std::vector<NamedArray>& arrays);

/// Reads an .npz file: Tensor<float> x = load_npz("file.npz")["x"]. Throws Error as read_npz does.
ArrayFile load_npz(const std::filesystem::path& path);

/// Writes tensors and variables as a safetensors file, atomically. Throws Error as write_safetensors does.
void save_safetensors(const std::filesystem::path& path, const std::vector<NamedArray>& arrays);

/// Reads a safetensors file: Tensor<float> x = load_safetensors("file.safetensors")["x"]. Throws Error as
/// read_safetensors does.
ArrayFile load_safetensors(const std::filesystem::path& path);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io {

TINYGAN_FUNC Shape NamedArray::tensor_shape() const {
  const std::vector<index_t>& s = entry_->shape;
  const bool fits = s.size() <= Shape::max_rank && std::all_of(s.begin(), s.end(), [](index_t e) { return e >= 1; });
  check(fits, file_, "array ", detail::shown(entry_->name), " has the shape ", shape_text(s), ", expected at most ",
        Shape::max_rank, " axes of at least 1 element");
  return Shape(s);
}

TINYGAN_FUNC const NamedArray* ArrayFile::find(std::string_view name) const {
  for (const NamedArray& a : arrays_)
    if (a.name() == name) return &a;
  return nullptr;
}

TINYGAN_FUNC NamedArray ArrayFile::operator[](std::string_view name) const {
  if (const NamedArray* found = find(name)) return *found;
  std::string names;
  for (const NamedArray& a : arrays_) names += (names.empty() ? "" : ", ") + detail::shown(a.name());
  fail(file_, "no array ", detail::shown(name), ", expected one of: ", names.empty() ? "(none)" : names);
}

}  // namespace tinygan::io

namespace tinygan::io::detail {

struct NumpyType {
  DType dtype;
  std::string_view name;
};
inline constexpr NumpyType numpy_types[] = {
    {DType::BOOL, "|b1"}, {DType::U8, "|u1"},  {DType::I8, "|i1"},  {DType::I16, "<i2"}, {DType::U16, "<u2"},
    {DType::F16, "<f2"},  {DType::I32, "<i4"}, {DType::U32, "<u4"}, {DType::F32, "<f4"}, {DType::C64, "<c8"},
    {DType::F64, "<f8"},  {DType::I64, "<i8"}, {DType::U64, "<u8"}};

TINYGAN_FUNC SafetensorsEntry entry_of(std::string name, NpyArray array) {
  SafetensorsEntry e{std::move(name), DType::other, std::move(array.shape), std::move(array.bytes), array.dtype};
  for (const NumpyType& t : numpy_types) {
    // The byte order of single bytes is written as '|' by NumPy, also as '<' by others.
    const bool order = array.dtype[0] == t.name[0] || (array.dtype[0] == '<' && t.name[0] == '|');
    if (order && std::string_view(array.dtype).substr(1) == t.name.substr(1)) e.dtype = t.dtype, e.other_dtype.clear();
  }
  return e;
}

TINYGAN_FUNC std::vector<std::uint8_t> npy_of(const SafetensorsEntry& e, const std::string& file) {
  if (e.dtype == DType::BF16) return io::encode_npy(std::span<const float>(widened<float>(e)), e.shape);
  for (const NumpyType& t : numpy_types)
    if (t.dtype == e.dtype)
      return encode_npy(t.name, static_cast<std::size_t>(dtype_info(e.dtype).bits / 8), e.bytes, e.shape);
  fail(file, "array ", shown(e.name), " is ", printable(e.dtype_name()),
       ", an element type that npz files do not have");
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC void save_npz(const std::filesystem::path& path, const std::vector<NamedArray>& arrays) {
  NpzFile file;
  std::set<std::string_view> names;
  for (const NamedArray& a : arrays) {
    check(names.insert(a.name()).second, path.string(), "two arrays are named ", detail::shown(a.name()));
    file.add_npy(a.name(), detail::npy_of(a.entry(), path.string()));
  }
  write_npz(path, file);
}

TINYGAN_FUNC ArrayFile load_npz(const std::filesystem::path& path) {
  const NpzArrays file = read_npz(path);
  std::vector<NamedArray> arrays;
  for (const auto& [name, array] : file.all()) arrays.emplace_back(detail::entry_of(name, array), path.string());
  return {std::move(arrays), path.string()};
}

TINYGAN_FUNC void save_safetensors(const std::filesystem::path& path, const std::vector<NamedArray>& arrays) {
  SafetensorsFile file;
  for (const NamedArray& a : arrays) file.tensors.push_back(a.entry());
  write_safetensors(path, file);
}

TINYGAN_FUNC ArrayFile load_safetensors(const std::filesystem::path& path) {
  SafetensorsFile file = read_safetensors(path);
  std::vector<NamedArray> arrays;
  for (SafetensorsEntry& e : file.tensors) arrays.emplace_back(std::move(e), path.string());
  return {std::move(arrays), path.string()};
}

}  // namespace tinygan::io

#endif
