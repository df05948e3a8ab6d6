// A model's weights under the names and in the layouts of other libraries.
#pragma once

#include <string>

#include <tinygan/io/safetensors.hpp>
#include <tinygan/nn/sequential.hpp>

namespace dcgan_mnist {

enum class Layout { keras, torch };

/// Appends a model's parameters and running statistics as "<prefix>.<layer>.<tensor>".
///
/// keras: channels last, as here; only batch_norm is called batch_normalization. torch: channels first. conv2d kernel
/// (R,S,C,K) becomes weight (K,C,R,S); conv2d_transpose kernel (R,S,out,in) becomes weight (in,out,R,S); dense kernel
/// (in,out) becomes weight (out,in); batch_norm's gamma, beta, moving_mean and moving_variance become weight, bias,
/// running_mean and running_var, beside num_batches_tracked. Where the features of a dense layer or a batch norm are a
/// flattened image (H,W,C), before a reshape or after a flatten, they are permuted to (C,H,W).
///
/// A kernel with spectral norm is written divided by it, as inference uses it.
///
/// `input` is the shape of the model's input for a batch of one. Throws Error on a layer that has weights but no such
/// rule.
void add_in_layout(tinygan::io::SafetensorsFile& file, const std::string& prefix,
                   const tinygan::nn::Sequential<float>& model, const tinygan::Shape& input, Layout layout);

}  // namespace dcgan_mnist
