// The summary of a model: its layers as a table, their parameters, FLOPs and memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <iomanip>
#include <locale>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/base/outline.hpp>
#include <tinygan/nn/layer.hpp>
#include <tinygan/profile/count_work.hpp>
#include <tinygan/tensor/memory.hpp>

namespace tinygan::nn {

/// A row of summary(): a layer, what it computes and what it keeps.
struct LayerSummary {
  std::string name, details;
  Shape output{};
  index_t parameters = 0;
  double flops = 0;             ///< of a forward pass in inference; a multiply-add is two
  std::size_t saved_bytes = 0;  ///< memory that its forward pass adds until the backward pass: its output and others
};

/// What summary() prints, in numbers; memory in bytes.
struct ModelSummary {
  std::vector<LayerSummary> layers;
  index_t parameters = 0;  ///< shared ones once
  double flops = 0;
  std::size_t parameter_bytes = 0;  ///< with the fp32 master weights where T is bfloat16
  std::size_t gradient_bytes = 0;
  std::size_t moment_bytes = 0;  ///< of Adam, both
  std::size_t saved_bytes = 0;   ///< of all layers
  std::size_t input_bytes = 0;

  /// Memory of a training step with Adam, without temporaries.
  std::size_t training_bytes() const {
    return parameter_bytes + gradient_bytes + moment_bytes + saved_bytes + input_bytes;
  }

  /// The table, a row a layer, their totals, and the memory of training.
  std::string text() const;
};

/// The summary of a model for an input of this shape. FLOPs and saved memory are those of a forward pass, recorded, in
/// inference, with the labels of `pass`; its kernels are counted, not run. Throws Error as output_shape and forward
/// would.
template <class T>
ModelSummary summarise(const Layer<T>& model, const Shape& input, const Pass& pass = Pass::infer());

/// summarise(model, input, pass).text().
template <class T>
std::string summary(const Layer<T>& model, const Shape& input, const Pass& pass = Pass::infer()) {
  return summarise(model, input, pass).text();
}

namespace detail {

/// "1.25 MFLOP" and "25.4 MiB": three digits.
std::string flops_text(double flops);
std::string bytes_text(std::size_t bytes);

}  // namespace detail

template <class T>
ModelSummary summarise(const Layer<T>& model, const Shape& input, const Pass& pass) {
  model.check_usable();
  model.output_shape(input);
  const std::vector<Named<T>> parameters = model.distinct_parameters();
  const Device device = parameters.empty() ? Device::cpu() : parameters.front().variable.device();
  ModelSummary s;
  std::vector<Variable<T>> values{Variable<T>(Tensor<T>::zeros(input, device))};  // kept: what they take is counted
  const RecordingScope recorded(true);
  const MemoryPool& pool = memory_pool(device);
  for (const auto& [name, layer] : model.layers()) {
    const std::size_t before = pool.stats().in_use;
    auto& forward = const_cast<Layer<T>&>(*layer);  // which inference does not change
    const profile::KernelTotals work =
        profile::count_work<T>([&] { values.push_back(forward.forward(values.back(), pass)); });
    s.layers.push_back({name, layer->details(), values.back().shape(), layer->parameter_count(), work.flops,
                        pool.stats().in_use - before});
    s.flops += work.flops;
    s.saved_bytes += s.layers.back().saved_bytes;
  }
  s.parameters = model.parameter_count();
  const auto n = static_cast<std::size_t>(s.parameters);
  constexpr std::size_t wide = sizeof(wide_t<T>);
  s.parameter_bytes = n * (sizeof(T) + (sizeof(T) < wide ? wide : 0));
  s.gradient_bytes = n * sizeof(T);
  s.moment_bytes = n * 2 * wide;
  s.input_bytes = static_cast<std::size_t>(input.size()) * sizeof(T);
  return s;
}

}  // namespace tinygan::nn

#ifdef TINYGAN_FUNC

namespace tinygan::nn::detail {

TINYGAN_FUNC std::string in_units(double x, double unit, const std::array<const char*, 5>& names) {
  std::size_t i = 0;
  for (; x >= 999.5 && i + 1 < names.size(); ++i) x /= unit;
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << std::fixed << std::setprecision(i == 0 || x >= 99.95 ? 0 : x >= 9.995 ? 1 : 2) << x << ' ' << names[i];
  return out.str();
}

TINYGAN_FUNC std::string flops_text(double flops) {
  return in_units(flops, 1000, {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"});
}

TINYGAN_FUNC std::string bytes_text(std::size_t bytes) {
  return in_units(static_cast<double>(bytes), 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}

}  // namespace tinygan::nn::detail

namespace tinygan::nn {

TINYGAN_FUNC std::string ModelSummary::text() const {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  std::size_t name_width = 20, details_width = 40, shape_width = 20;
  for (const LayerSummary& l : layers) {
    name_width = std::max(name_width, l.name.size() + 2);
    details_width = std::max(details_width, l.details.size() + 2);
    shape_width = std::max(shape_width, tinygan::text(l.output).size() + 2);
  }
  const auto cell = [&](const std::string& text, std::size_t width) {
    out << std::left << std::setw(static_cast<int>(width)) << text;
  };
  const auto row = [&](const std::string& name, const std::string& details, const std::string& shape,
                       const std::string& weights, const std::string& work, const std::string& memory) {
    cell(name, name_width), cell(details, details_width), cell(shape, shape_width);
    out << std::right << std::setw(10) << weights << std::setw(12) << work << std::setw(10) << memory << '\n';
  };
  row("layer", "", "output shape", "parameters", "forward", "saved");
  for (const LayerSummary& l : layers)
    row(l.name, l.details, tinygan::text(l.output), tinygan::text(l.parameters), detail::flops_text(l.flops),
        detail::bytes_text(l.saved_bytes));
  row("total", "", "", tinygan::text(parameters), detail::flops_text(flops), detail::bytes_text(saved_bytes));
  out << "training with Adam: parameters " << detail::bytes_text(parameter_bytes) << ", gradients "
      << detail::bytes_text(gradient_bytes) << ", moments " << detail::bytes_text(moment_bytes) << ", input and saved "
      << detail::bytes_text(input_bytes + saved_bytes) << "; " << detail::bytes_text(training_bytes()) << '\n';
  return out.str();
}

}  // namespace tinygan::nn

#endif
