// State of a training run beside its weights: Adam's moments, early stopping and counters, for an exact resume.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <tinygan/base/outline.hpp>
#include <tinygan/io/weights.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/early_stopping.hpp>

namespace tinygan::io {

/// Appends a number, as a U64 tensor of one element.
void add_counter(SafetensorsFile& file, const std::string& name, std::uint64_t value);

/// Reads a counter. Throws Error naming file and counter if it is missing.
std::uint64_t counter(const SafetensorsFile& file, const std::string& file_name, const std::string& name);

/// Appends what the measurements of early stopping have been, as counters "<name>.best" (the bits of a double),
/// "<name>.measurements" and "<name>.best_measurement".
void add_early_stopping(SafetensorsFile& file, const std::string& name, const optim::EarlyStopping& stopping);

/// Loads what add_early_stopping() appended. Throws Error naming file and counter if one is missing, and on numbers
/// that no measurements give; `stopping` is then unchanged.
void load_early_stopping(const SafetensorsFile& file, const std::string& file_name, const std::string& name,
                         optim::EarlyStopping& stopping);

/// An Adam or AdamW, the model whose parameters it updates, and the prefix of its state's names.
template <class T, class Optimiser = optim::Adam<T>>
struct NamedAdam {
  std::string name;
  Optimiser* adam;
  const nn::Module<T>* module;
};

namespace detail {

/// "<name>.m.<parameter>" and "<name>.v.<parameter>", in the order of the module whatever the optimiser's groups.
/// Throws Error unless the optimiser owns the module's parameters.
template <class T, class Optimiser>
auto moments(const NamedAdam<T, Optimiser>& a) {
  const std::vector<nn::Named<T>> parameters = a.module->distinct_parameters();
  check(parameters.size() == a.adam->parameters().size(), a.name, "the optimiser has ", a.adam->parameters().size(),
        " parameters, the model ", parameters.size());
  std::unordered_map<const NodeBase*, std::size_t> positions;
  for (const Variable<T>& p : a.adam->parameters()) positions.emplace(p.node().get(), positions.size());
  std::vector<NamedTensor<typename nn::Module<T>::Wide>> all;
  for (const nn::Named<T>& p : parameters) {
    const auto found = positions.find(p.variable.node().get());
    check(found != positions.end(), a.name, "the model's parameter '", p.name, "' is not one of the optimiser's");
    all.push_back({a.name + ".m." + p.name, a.adam->first_moments()[found->second]});
    all.push_back({a.name + ".v." + p.name, a.adam->second_moments()[found->second]});
  }
  return all;
}

}  // namespace detail

/// Appends the first and second moment of every parameter and the number of updates.
template <class T, class Optimiser = optim::Adam<T>>
void add_adam(SafetensorsFile& file, const NamedAdam<T, Optimiser>& a) {
  add_tensors(file, detail::moments(a));
  add_counter(file, a.name + ".steps", a.adam->steps());
}

/// Loads what add_adam() appended. Throws Error naming file and tensor if one is missing or has another shape; the
/// optimiser is then unchanged.
template <class T, class Optimiser = optim::Adam<T>>
void load_adam(const SafetensorsFile& file, const std::string& file_name, const NamedAdam<T, Optimiser>& a) {
  const std::uint64_t steps = counter(file, file_name, a.name + ".steps");
  const LoadOptions not_strict{.strict = false};  // the file also holds counters and moments of other optimisers
  load_tensors(file, file_name, detail::moments(a), not_strict);
  a.adam->set_steps(steps);
}

/// A value that is not finite, and its position.
struct NonFinite {
  std::string tensor;
  index_t element = 0;
  double value = 0;
};

/// The first NaN or infinity among the F32 tensors, in the order in which they were added.
std::optional<NonFinite> find_non_finite(const SafetensorsFile& file);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io {

TINYGAN_FUNC void add_counter(SafetensorsFile& file, const std::string& name, std::uint64_t value) {
  file.add<std::uint64_t>(name, std::span<const std::uint64_t>(&value, 1), {1});
}

TINYGAN_FUNC std::uint64_t counter(const SafetensorsFile& file, const std::string& file_name, const std::string& name) {
  const SafetensorsEntry* e = file.find(name);
  check(e != nullptr, file_name, "has no counter '", name, "'");
  check(e->dtype == DType::U64 && e->bytes.size() == sizeof(std::uint64_t), file_name, "'", name,
        "' is not a counter: expected one U64");
  return file.values<std::uint64_t>(name).front();
}

TINYGAN_FUNC void add_early_stopping(SafetensorsFile& file, const std::string& name,
                                     const optim::EarlyStopping& stopping) {
  const optim::EarlyStopping::State& s = stopping.state();
  add_counter(file, name + ".best", std::bit_cast<std::uint64_t>(s.best));
  add_counter(file, name + ".measurements", static_cast<std::uint64_t>(s.measurements));
  add_counter(file, name + ".best_measurement", static_cast<std::uint64_t>(s.best_measurement));
}

TINYGAN_FUNC void load_early_stopping(const SafetensorsFile& file, const std::string& file_name,
                                      const std::string& name, optim::EarlyStopping& stopping) {
  const auto read = [&](const char* what) { return counter(file, file_name, name + what); };
  const std::uint64_t best = read(".best"), measurements = read(".measurements"),
                      best_measurement = read(".best_measurement");
  check(best_measurement <= measurements && measurements <= std::numeric_limits<std::int64_t>::max(), file_name, "'",
        name, "' has its best at measurement ", best_measurement, " of ", measurements);
  stopping.set_state({std::bit_cast<double>(best), static_cast<std::int64_t>(measurements),
                      static_cast<std::int64_t>(best_measurement)});
}

TINYGAN_FUNC std::optional<NonFinite> find_non_finite(const SafetensorsFile& file) {
  for (const SafetensorsEntry& e : file.tensors) {
    if (e.dtype != DType::F32) continue;
    for (std::size_t at = 0; at < e.bytes.size(); at += sizeof(float)) {
      float value;
      std::memcpy(&value, e.bytes.data() + at, sizeof value);
      if (!std::isfinite(value)) return NonFinite{e.name, static_cast<index_t>(at / sizeof(float)), value};
    }
  }
  return std::nullopt;
}

}  // namespace tinygan::io

#endif
