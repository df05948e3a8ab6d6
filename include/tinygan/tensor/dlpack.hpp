// DLPack: tensors exchanged with other libraries in one process, without a copy, by a struct of C.
//
// The structs have the layout of version 1 of the specification. Their namespace keeps them apart from those of a
// program that includes dlpack.h itself: to_dlpack and from_dlpack are templates that take either.
// Source: DLPack's specification, https://github.com/dmlc/dlpack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <tinygan/base/outline.hpp>
#include <tinygan/tensor/permute.hpp>
#include <tinygan/tensor/tensor.hpp>

namespace tinygan::dlpack {

/// Where memory is, by DLPack's numbers.
enum DLDeviceType : std::int32_t { kDLCPU = 1, kDLCUDA = 2, kDLCUDAHost = 3, kDLCUDAManaged = 13 };
/// Kinds of elements, by DLPack's numbers.
enum DLDataTypeCode : std::uint8_t { kDLInt = 0, kDLUInt = 1, kDLFloat = 2, kDLBfloat = 4, kDLBool = 6 };

/// A device: its type and its number.
struct DLDevice {
  DLDeviceType device_type;
  std::int32_t device_id;
};

/// An element type: kind, bits and lanes.
struct DLDataType {
  std::uint8_t code;  ///< DLDataTypeCode
  std::uint8_t bits;
  std::uint16_t lanes;
};

/// A view of memory: extents, strides in elements (null if contiguous), an offset in bytes.
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;      ///< in elements; before version 1.2 null if row-major
  std::uint64_t byte_offset;  ///< of the first element
};

/// The struct of versions below 1.0, which most libraries still take.
struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor* self);
};

/// The version of the layout of what follows it.
struct DLPackVersion {
  std::uint32_t major, minor;
};

/// A tensor with its owner's deleter, since version 1.0 of DLPack.
struct DLManagedTensorVersioned {
  DLPackVersion version;
  void* manager_ctx;
  void (*deleter)(DLManagedTensorVersioned* self);
  std::uint64_t flags;
  DLTensor dl_tensor;
};

inline constexpr DLPackVersion version = {1, 0};
inline constexpr std::uint64_t read_only_flag = 1;

static_assert(sizeof(DLDevice) == 8 && sizeof(DLDataType) == 4);
static_assert(sizeof(void*) != 8 ||
              (sizeof(DLTensor) == 48 && offsetof(DLTensor, device) == 8 && offsetof(DLTensor, ndim) == 16 &&
               offsetof(DLTensor, dtype) == 20 && offsetof(DLTensor, shape) == 24 &&
               offsetof(DLTensor, strides) == 32 && offsetof(DLTensor, byte_offset) == 40));
static_assert(sizeof(void*) != 8 || (sizeof(DLManagedTensor) == 64 && offsetof(DLManagedTensor, manager_ctx) == 48 &&
                                     offsetof(DLManagedTensor, deleter) == 56));
static_assert(sizeof(void*) != 8 ||
              (sizeof(DLManagedTensorVersioned) == 80 && offsetof(DLManagedTensorVersioned, manager_ctx) == 8 &&
               offsetof(DLManagedTensorVersioned, deleter) == 16 && offsetof(DLManagedTensorVersioned, flags) == 24 &&
               offsetof(DLManagedTensorVersioned, dl_tensor) == 32));

}  // namespace tinygan::dlpack

namespace tinygan {

/// Of from_dlpack.
struct DlpackOptions {
  bool copy = false;  ///< copies: strided and read-only tensors are then possible
};

namespace detail {

/// Whether M is DLManagedTensorVersioned, this header's or dlpack.h's, rather than DLManagedTensor.
template <class M>
inline constexpr bool dlpack_versioned = requires(M m) {
  m.version.major;
};

/// Throws a compile error unless M has the size and the offsets of the specification.
template <class M>
constexpr void require_dlpack_layout() {
  using Own = std::conditional_t<dlpack_versioned<M>, dlpack::DLManagedTensorVersioned, dlpack::DLManagedTensor>;
  static_assert(sizeof(M) == sizeof(Own) && sizeof(M{}.dl_tensor) == sizeof(dlpack::DLTensor) &&
                    offsetof(M, dl_tensor) == offsetof(Own, dl_tensor) &&
                    offsetof(M, deleter) == offsetof(Own, deleter),
                "M is DLManagedTensor or DLManagedTensorVersioned");
}

template <class T>
constexpr dlpack::DLDataType dlpack_type() {
  constexpr auto bits = static_cast<std::uint8_t>(8 * sizeof(T));
  if constexpr (std::is_same_v<T, bfloat16>) return {dlpack::kDLBfloat, bits, 1};
  else if constexpr (std::is_floating_point_v<T>) return {dlpack::kDLFloat, bits, 1};
  else {
    static_assert(std::is_integral_v<T>, "no DLPack type for this type");
    if constexpr (std::is_same_v<T, bool>) return {dlpack::kDLBool, bits, 1};
    else return {std::is_signed_v<T> ? dlpack::kDLInt : dlpack::kDLUInt, bits, 1};
  }
}

/// A DLTensor, checked: its memory and the strides of its elements.
struct DlpackView {
  void* data;  ///< the first element
  Shape shape;
  Device device;
  PermuteDims dims;
  bool row_major;
};

/// Throws Error on another element type, an unknown device, more than six axes, an axis without elements or a size
/// above max_elements; without `copy` on read-only memory and on strides that are not row-major, on a GPU on these in
/// any case.
DlpackView view_dlpack(const dlpack::DLTensor& t, dlpack::DLDataType expected, bool read_only, bool copy);

dlpack::DLDevice dlpack_device(Device device);

/// What a consumer's deleter frees: the struct, the arrays that it points to and the tensor that keeps the memory.
template <class M, class T>
struct DlpackExport {
  M managed{};
  Tensor<T> tensor;
  std::array<std::int64_t, Shape::max_rank> extents{}, strides{};
};

}  // namespace detail

/// The tensor as a struct of DLPack that shares its memory, which lives until the consumer calls the deleter. M is
/// DLManagedTensor or DLManagedTensorVersioned, of this header or of dlpack.h. On a GPU kernels may be queued on the
/// default stream: synchronize() before another stream reads. Throws Error on an empty tensor and on the emulated
/// device.
template <class M = dlpack::DLManagedTensor, class T>
M* to_dlpack(const Tensor<T>& x) {
  detail::require_dlpack_layout<M>();
  using Export = detail::DlpackExport<M, T>;
  const dlpack::DLDevice device = detail::dlpack_device(x.device());
  constexpr dlpack::DLDataType type = detail::dlpack_type<T>();
  auto out = std::make_unique<Export>();
  out->tensor = x;
  index_t run = 1;
  for (int axis = x.rank() - 1; axis >= 0; --axis) {
    out->extents[static_cast<std::size_t>(axis)] = x.extent(axis);
    out->strides[static_cast<std::size_t>(axis)] = run;
    run *= x.extent(axis);
  }
  auto& t = out->managed.dl_tensor;
  t.data = x.data();
  t.device.device_type = static_cast<decltype(t.device.device_type)>(device.device_type);
  t.device.device_id = device.device_id;
  t.ndim = x.rank();
  t.dtype.code = type.code;
  t.dtype.bits = type.bits;
  t.dtype.lanes = type.lanes;
  t.shape = out->extents.data();
  t.strides = out->strides.data();
  t.byte_offset = 0;
  if constexpr (detail::dlpack_versioned<M>) {
    out->managed.version.major = dlpack::version.major;
    out->managed.version.minor = dlpack::version.minor;
    out->managed.flags = 0;
  }
  out->managed.manager_ctx = out.get();
  out->managed.deleter = [](M* self) { delete static_cast<Export*>(self->manager_ctx); };
  return &out.release()->managed;
}

/// A tensor over the memory of a struct of DLPack, without a copy unless `options` ask for one. Takes the struct: its
/// deleter is called with the last tensor that shares the storage, or at once after a copy. The memory's pending writes
/// must be on the default stream. Throws Error on another element type, version, device or strides; the struct then
/// still belongs to the caller.
template <class T, class M>
Tensor<T> from_dlpack(M* managed, const DlpackOptions& options = {}) {
  detail::require_dlpack_layout<M>();
  check(managed != nullptr, "from_dlpack", "the pointer is null");
  bool read_only = false;
  if constexpr (detail::dlpack_versioned<M>) {
    check(managed->version.major == dlpack::version.major, "from_dlpack", "version ", managed->version.major, '.',
          managed->version.minor, " of DLPack, expected ", dlpack::version.major, ".x");
    read_only = (managed->flags & dlpack::read_only_flag) != 0;
  }
  const auto& t = managed->dl_tensor;
  const detail::DlpackView view =
      detail::view_dlpack({t.data,
                           {static_cast<dlpack::DLDeviceType>(t.device.device_type), t.device.device_id},
                           t.ndim,
                           {t.dtype.code, t.dtype.bits, t.dtype.lanes},
                           t.shape,
                           t.strides,
                           t.byte_offset},
                          detail::dlpack_type<T>(), read_only, options.copy);
  const auto release = [](M* m) {
    if (m->deleter) m->deleter(m);
  };
  // All that can throw comes before the struct is taken.
  const auto borrowed = Tensor<T>::from_blob(static_cast<T*>(view.data), view.shape, view.device);
  if (!options.copy)
    return Tensor<T>::from_blob(borrowed.data(), view.shape, std::shared_ptr<const void>(managed, release),
                                view.device);
  Tensor<T> copy(view.shape, view.device);
  if (view.row_major) copy.copy_from(borrowed);
  else detail::gather_strided(view.dims, static_cast<const T*>(borrowed.data()), copy.data());
  synchronize(view.device);
  release(managed);
  return copy;
}

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan::detail {

/// "float32", "bfloat16", "type 17 of 4 bits", "float32 in 4 lanes".
TINYGAN_FUNC std::string dlpack_type_name(dlpack::DLDataType type) {
  constexpr const char* names[] = {"int", "uint", "float", "handle", "bfloat", "complex", "bool"};
  const int bits = type.bits;
  std::string name = type.code < std::size(names) ? text(names[type.code], bits)
                                                  : text("type ", int{type.code}, " of ", bits, " bits");
  return type.lanes == 1 ? name : text(name, " in ", type.lanes, " lanes");
}

TINYGAN_FUNC dlpack::DLDevice dlpack_device(Device device) {
  check(device.type != DeviceType::emulated, "to_dlpack", "the tensor is on ", device,
        ", which DLPack does not know; use to(Device::cpu())");
  return {device.type == DeviceType::cpu ? dlpack::kDLCPU : dlpack::kDLCUDA, device.index};
}

TINYGAN_FUNC DlpackView view_dlpack(const dlpack::DLTensor& t, dlpack::DLDataType expected, bool read_only, bool copy) {
  constexpr const char* op = "from_dlpack";
  check(t.dtype.code == expected.code && t.dtype.bits == expected.bits && t.dtype.lanes == expected.lanes, op,
        "elements of ", dlpack_type_name(t.dtype), ", expected ", dlpack_type_name(expected));
  check(t.ndim >= 0 && t.ndim <= Shape::max_rank, op, t.ndim, " axes, expected 0 to ", Shape::max_rank);
  DlpackView view{};
  switch (t.device.device_type) {
    case dlpack::kDLCPU:
    case dlpack::kDLCUDAHost: view.device = Device::cpu(); break;
    case dlpack::kDLCUDA:
    case dlpack::kDLCUDAManaged: view.device = Device::cuda(t.device.device_id); break;
    default:
      fail(op, "device type ", static_cast<std::int32_t>(t.device.device_type),
           ", expected 1 (cpu), 2 (cuda), 3 (pinned) or 13 (managed)");
  }
  const std::span<const index_t> extents(t.shape, static_cast<std::size_t>(t.ndim));
  for (const index_t extent : extents) check(extent >= 1, op, "an axis of ", extent, " elements, expected at least 1");
  view.shape = Shape(extents);
  view.shape.check_size(op);
  check(t.data != nullptr, op, "the address is null, expected ", view.shape.size(), " elements");
  view.data = static_cast<std::byte*>(t.data) + t.byte_offset;

  index_t run = 1;
  std::string found, dense;
  view.row_major = true;
  for (int axis = t.ndim - 1; axis >= 0; --axis) {
    const index_t stride = t.strides ? t.strides[axis] : run;
    view.dims.extent[PermuteDims::rank - t.ndim + axis] = view.shape[axis];
    view.dims.stride[PermuteDims::rank - t.ndim + axis] = stride;
    view.row_major = view.row_major && (stride == run || view.shape[axis] == 1);
    const char* const comma = axis + 1 < t.ndim ? ", " : "";
    found = text(stride, comma, found), dense = text(run, comma, dense);
    run *= view.shape[axis];
  }
  check(view.row_major || copy, op, "strides (", found, ") of the shape ", view.shape, ", expected (", dense,
        "): make it contiguous, or use DlpackOptions{.copy = true}");
  check(view.row_major || view.device == Device::cpu(), op, "strides (", found, ") of the shape ", view.shape, " on ",
        view.device, ", expected (", dense, "): make it contiguous");
  check(!read_only || copy, op, "the memory is read-only; use DlpackOptions{.copy = true}");
  return view;
}

}  // namespace tinygan::detail

#endif
